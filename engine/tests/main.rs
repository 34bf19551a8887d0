//! Tests of the engine through its public API.

mod history;
mod shape;
