//! Compaction: decide → do → apply.
//!
//! * [`picker`] decides: a pure function from the trees to a [`Job`], which carries its frozen inputs.
//! * [`run`](Shared::run_compaction) does: it merges the inputs, closes versions (writes `end`), drops what no
//!   readable moment needs, and writes new files that nothing references.
//! * [`Edit`](crate::state::Edit) applies: one manifest edit replaces the inputs by the outputs.
//!
//! Deletes go only in jobs that see the oldest versions of their keys. No decision depends on the time of day: the
//! horizon is an input.

mod picker;
mod run;

pub(crate) use picker::{Job, LEVELS, pick, pick_all};
