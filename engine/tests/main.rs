//! Tests of the engine through its public API.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod check;
mod copied_pages;
mod decoders;
mod earlier_formats;
mod format;
mod handles;
mod history;
mod loads;
mod memory;
mod shape;
mod space;
mod spawned;
mod subcompactions;
mod summary;
mod tiers;
mod windows;
