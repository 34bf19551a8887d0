//! The words for a moment that was read.

use std::sync::Arc;

/// The moment of a scan, in the words that EXPLAIN and messages show.
#[derive(Clone, Debug)]
pub(crate) enum MomentLabel {
    /// The newest state, or that of the transaction.
    Latest,
    /// A moment that was asked for, with the words it was asked for in.
    At(Arc<str>),
}
