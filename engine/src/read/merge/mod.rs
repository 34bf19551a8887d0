//! Merges: the visible rows of several sources.
//!
//! ```text
//!   forward    by key ascending: rows of the source that is alone, windows where several lie between each other
//!   backward   by key descending: one key after another
//! ```

mod backward;
mod forward;

pub(crate) use backward::BackwardMerge;
pub(crate) use forward::{MergeOrder, VisibleMerge, fill_all, first_by_key};

use super::sink::RowSink;
use crate::error::Result;

/// Outcome of a step of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is at least one row more.
    Rows,
    /// The next rows would not fit any more.
    Full,
    /// Nothing is left.
    End,
}

/// The merge under a scan, in the direction of the scan.
#[derive(Debug)]
pub(crate) enum ScanMerge {
    Forward(VisibleMerge),
    Backward(BackwardMerge),
}

impl ScanMerge {
    /// Adds at least one row to `batch` and at most `rows_max` in all, or says why not.
    pub(crate) async fn next_into(&mut self, batch: &mut impl RowSink, rows_max: usize) -> Result<Step> {
        match self {
            Self::Forward(merge) => merge.next_into(batch, rows_max).await,
            Self::Backward(merge) => merge.next_into(batch).await,
        }
    }
}
