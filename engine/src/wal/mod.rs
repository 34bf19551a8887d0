//! The write-ahead log: what was committed and is not in a table file yet. One seam for every kind of root:
//!
//! ```text
//!   stage(group) ──▶ Staged ──▶ durable().await ──▶ acknowledged
//!   order and bytes are fixed   stored, and still the only writer
//! ```
//!
//! | root | `stage` | `durable` |
//! |---|---|---|
//! | memory | keeps nothing | at once |
//! | directory ([`local`]) | one write | one sync, and a look for another writer |
//! | object store | refused ([`require_log`]) | |
//!
//! 1. Groups are staged one at a time, in the order of their timestamps: who stages holds the [`LogWriter`].
//! 2. When a group is durable, so is every group that was staged before it.
//! 3. `durable` succeeds only if no other writer has opened the root by then: the other has replayed what was
//!    stored before, and will never read what came after.
//! 4. In memory and on a directory [`Staged::durable`] is complete when it is first polled, so that a commit
//!    costs neither a task nor a wait there. Who waits for it must not rely on that: a log whose stores are
//!    requests suspends here, and groups are staged meanwhile.
//!
//! Segments on a directory and the objects of a log on an object store have the same names,
//! `wal/<epoch>/<sequence>`.

mod local;
mod payload;
mod staged;

#[cfg(any(test, feature = "testing"))]
pub(crate) use local::decode_any_bytes;
pub use local::{LocalLog, ReplayEnd};
pub(crate) use local::{SegmentPart, ends_there, give_back, read_segment};
pub(crate) use local::{delete_before, replay};
pub use payload::StampedBatch;
pub(crate) use staged::{Log, LogWriter, Staged};

use crate::{Error, Result, store::Root};

fn no_log_yet() -> Error {
    Error::Invalid(
        "a log on an object store is not supported yet: open it for reading only, or open a directory or memory for \
         writing"
            .into(),
    )
}

/// Checks that the root can have a log. Nothing is written.
///
/// # Errors
/// [`Error::Invalid`] for an object store.
pub(crate) fn require_log(root: &Root) -> Result<()> {
    local::require_local(root).map(drop)
}
