//! Outcomes and errors of what is asked of storage.

use std::io::{self, ErrorKind};

use crate::Error;

/// Outcome of [`Root::put_new`](super::Root::put_new).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an object that existed before is somebody else's"]
pub enum PutOutcome {
    /// The object is there, durable, and ours.
    Created,
    /// Another object has the name.
    Exists,
}

/// The engine's error for a failed file operation on the object `name`.
pub(crate) fn disk_error(doing: &str, name: &str, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData => Error::corrupt(name, 0, error.to_string()),
        ErrorKind::UnexpectedEof => Error::corrupt(name, 0, "the file is shorter than it was"),
        ErrorKind::InvalidInput => Error::Invalid(error.to_string()),
        _ => Error::unavailable(format!("{doing} {name}"), error),
    }
}
