//! The log of a directory: segments.
//!
//! ```text
//!   wal/<epoch>/1   │header│rec│rec│rec ...            │        each writer its own epoch, each memtable its segment
//!   wal/<epoch>/2   │header│rec│rec│rec│rec│ 000000000 │        preallocated room is zero
//!                                          ▲ end of the log: a zero slot
//! ```
//!
//! One record is one group of commits. Records begin at multiples of 64 bytes with a header of 64 bytes, so a
//! header lies in one 512-byte sector and is written whole or not at all. Every further sector of a record
//! begins with a stamp that is never zero, so a sector that was not written (all zero) cannot be taken for
//! one that was.
//!
//! 1. A commit is acknowledged as durable only after a sync that covers its record and all before it.
//! 2. The log ends at the first zero slot, or at a last record of which a sector was never written (*torn*):
//!    such a record was never acknowledged. Everything else that does not fit is [`Error::Corrupt`].
//! 3. Every record says up to where the segment had been synced when it was written. A whole record behind
//!    the end that was written when the end was synced already proves that acknowledged bytes are damaged:
//!    corrupt.
//! 4. A segment is never appended to by another process: after replay the engine opens a new epoch. So a torn
//!    tail stays where it is, and nothing is ever truncated.
//! 5. The header of a segment names the end of the one before it, so a lost tail or a lost segment is seen. A
//!    lost newest segment is seen as well: the first of an epoch is named by a manifest before anything is
//!    written to it, and any other by the *seal* behind the last record of the one before it.
//! 6. A file ends with a zero slot until it is sealed, and is grown and synced before a record is written
//!    into the new room: a cut file is seen.
//! 7. After a failed write or sync nothing more is written ([`Error::Poisoned`]). A file that
//!    cannot grow because the disk is full fails only the commits that needed the room.
//! 8. A commit that was synced is acknowledged only if no other writer has opened the root by then (rule 3 of
//!    [`crate::wal`]).
//! 9. Replay syncs what it read before it hands it on: what a killed process wrote and did not sync may not
//!    be lost later, under commits that build on it.
//! 10. Every record carries the id of the newest manifest, and a record without commits follows each
//!     publication: so a manifest that has gone is seen, and not taken for a lost segment that it made
//!     needless.
//! 11. The zeros ahead of the records are a reserve: on a full disk they are given back, so that there is
//!     room for what makes room.

#[cfg(any(test, feature = "testing"))]
mod any_bytes;
mod append;
mod listing;
mod parts;
mod replay;
mod segment;

#[cfg(test)]
mod tests;

use std::sync::Arc;

#[cfg(any(test, feature = "testing"))]
pub(crate) use any_bytes::decode_any_bytes;
pub use append::LocalLog;
pub(crate) use listing::delete_before;
pub(crate) use parts::{SegmentPart, read_segment};
pub use replay::ReplayEnd;
pub(crate) use replay::replay;
pub(crate) use replay::{ends_there, give_back};

use super::no_log_yet;
use crate::{
    Result,
    store::{LocalDir, Root},
};

/// The directory of the log; none in memory.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) for a root that can have no log.
pub(super) fn require_local(root: &Root) -> Result<Option<&Arc<LocalDir>>> {
    match root.local_dir() {
        Some(local) => Ok(Some(local)),
        None if root.is_memory() => Ok(None),
        None => Err(no_log_yet()),
    }
}
