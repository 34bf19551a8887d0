//! The part of a session that its statements see and change.

use super::{Depth, OpenTransaction, Settings};

/// Settings, the open transaction, and the stack of the statement that runs.
#[derive(Debug, Default)]
pub(crate) struct SessionData {
    pub settings: Settings,
    pub transaction: Option<OpenTransaction>,
    /// Stack that the statement needs.
    pub depth: Depth,
}
