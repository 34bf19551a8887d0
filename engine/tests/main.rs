//! Tests of the engine through its public API.

mod env;
mod history;
mod shape;
