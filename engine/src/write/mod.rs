//! Writes: the append of committed groups, the flush of memtables, back-pressure.
//!
//! ```text
//!   append ─▶ log ─▶ active memtable ─▶ published
//!                         │ full: freeze (new log segment)
//!                         ▼
//!                    frozen memtables ─▶ flush ─▶ table files ─▶ one manifest edit
//! ```

mod admit;
mod append;
mod flush;
mod run_writer;

pub(crate) use admit::Pressure;
pub(crate) use run_writer::{PendingFiles, PlaceAhead, RunWriter};
