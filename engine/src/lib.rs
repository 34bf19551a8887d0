//! The versioned log-structured storage engine of Bygone.

pub mod env;
mod error;
pub mod types;

pub use error::{Error, Result};
