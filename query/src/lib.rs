//! SQL with `AS OF` on DataFusion for Bygone.
//!
//! The front of the crate: [`parse`] turns text into statements with their points, [`points`] says what a moment
//! is, [`types`] maps SQL types to Arrow, [`rows`] holds the bytes of keys and rows, [`copy`] reads and writes
//! files, [`error`] carries every failure with its SQLSTATE.

pub mod copy;
pub mod error;
pub mod parse;
pub mod points;
pub mod rows;
pub mod types;

pub use error::{Error, ErrorKind, Result};
pub use parse::{StatementText, is_complete, split_statements};
pub use points::Point;
