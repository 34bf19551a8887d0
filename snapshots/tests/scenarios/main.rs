//! Scripts and random histories over transactions, snapshots and restore.

mod database;
mod model;
mod pipeline;
mod script;
