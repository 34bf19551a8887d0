//! The built command, run as its users run it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod check;
mod copy;
mod failures;
mod handles;
mod main_job;
mod scripts;
mod standard_input;
mod tour;
mod workplace;
