//! Tests of what crosses crates. One binary: linking the database once is what makes them quick to build.

mod dependencies;
mod documentation;
mod key_value;
mod licences;
mod names;
mod rooms;
mod spawned;
mod sql_logic;
