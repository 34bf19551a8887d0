//! Sources of a merge: a memtable or a run, read block by block.
//!
//! A [`ForwardSource`] walks the versions of one memtable or one run inside a key range by key ascending and
//! begin descending, a [`BackwardSource`] by key descending and begin ascending. Stepping inside a block is
//! synchronous and cheap; `fill` loads the next block and is, with [`ForwardSource::load_whole`], the only
//! place that waits.
//!
//! ```text
//!   block      rows in memory: versions of a memtable, or a page
//!   forward    in order; a page whose rows are all visible may be taken whole, without being loaded
//!     fill       the next block             take     rows of the block to a sink, while another source is not reached
//!     whole      pages that are not loaded  window   rows of the block in front of a key, judged together
//!   backward   in the opposite order, one row after another
//! ```

mod backward;
mod block;
mod fill;
mod forward;
mod take;
mod whole;
mod window;

pub(crate) use backward::BackwardSource;
pub(crate) use forward::{ColumnReading, ForwardSource};
pub(crate) use window::WindowRows;
