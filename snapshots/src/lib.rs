//! Named snapshots of Bygone, and what they are for: reading, comparing, putting back.
//!
//! A snapshot is a name for a moment. Its record is a row of the snapshots keyspace; its effect is a pin in
//! the engine, which keeps every version that a read at the moment needs:
//!
//! ```text
//!   time ────▶  s = CREATE SNAPSHOT          u: update      d: delete        w = RESTORE TO s
//!   key a       1 ────────────────────────── 2 ──────────────────────────── 1
//!   key b       7 ─────────────────────────────────────────── ✗ ─────────── 7
//!   key c                                    new ─────────────────────────── ✗
//! ```
//!
//! 1. A record exists only while its pin is registered: the pin comes first when a snapshot is created or the
//!    database opened, and goes last when it is dropped.
//! 2. A snapshot's moment and scope never change; its name, comment, expiry and hold may.
//! 3. Restoring appends one commit that carries the old state; it rewrites nothing, so it can itself be
//!    undone.
//!
//! Not here: garbage collection (the engine's compaction asks the pins), SQL spellings (crate
//! `bygone-query`).

mod check;
mod diff;
mod error;
mod history;
mod quotas;
mod record;
mod registry;
mod request;
pub mod restore;
mod rows;
mod safety;
mod space;

pub use bygone_engine::Difference;
pub use check::check;
pub use diff::{ChangeKind, DiffSummary, diff, diff_summary};
pub use error::{Error, Result};
pub use history::{HistoryEntry, key_history};
pub use quotas::Quotas;
pub use record::{ObjectRef, Snapshot, SnapshotScope};
pub use registry::Snapshots;
pub use request::{CreateSnapshot, Created};
pub use space::SpaceReport;
