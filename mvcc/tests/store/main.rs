//! The store on a simulated disk: commits, locks, guards, records.

mod pipeline;
