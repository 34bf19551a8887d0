//! The store on a simulated disk: commits, locks, guards, records.

mod database;
mod pipeline;
