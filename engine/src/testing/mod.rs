//! Substitutes of the outside world for tests: a disk that loses power, a store that lies, a clock that is
//! set by hand, tasks that run when asked, and randomness from a seed.
//!
//! Behind the feature `testing`. Everything here is deterministic: the same seed and the same calls give the
//! same bytes.

pub mod decoders;
mod env;
mod fault_store;
mod gate;
mod random;
mod rows;
mod sim_disk;

pub use env::{InlineTasks, ManualClock, env};
pub use fault_store::{FaultStore, StoreFault};
pub use gate::Gate;
pub use random::SeededRandom;
pub use rows::{random_row, row_key, row_schema};
pub use sim_disk::SimDisk;
