//! Scripts and random histories over transactions, snapshots and restore.

mod database;
mod interleavings;
mod model;
mod script;
