//! Writes: the append of committed groups, the flush of memtables, back-pressure.
//!
//! ```text
//!   append ─▶ log ─▶ active memtable ─▶ published
//!                         │ full: freeze (new log segment)
//!                         ▼
//!                    frozen memtables ─▶ flush ─▶ table files ─▶ one manifest edit
//! ```

mod append;
mod backpressure;
mod flush;
mod run_writer;

pub use append::StagedGroup;
pub(crate) use backpressure::Pressure;
pub(crate) use run_writer::{OutputPosition, RunWriter};
