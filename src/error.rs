//! The error of the facade is that of SQL: every failure has a kind, a code and, where there is one, a hint.

pub use bygone_query::{Error, ErrorKind, SqlState};

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
