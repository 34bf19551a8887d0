//! Promises 1 to 5 of the database, tried: storage that fails or stops at every call, processes that are
//! killed, damaged files, full disks, second writers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod corruption;
mod database;
mod faults;
mod full;
mod kill;
mod regressions;
mod requests;
mod workload;
