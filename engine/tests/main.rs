//! Tests of the engine through its public API.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod check;
mod format;
mod handles;
mod history;
mod loads;
mod memory;
mod parts;
mod passing;
mod shape;
mod space;
mod summary;
mod tiers;
mod windows;
