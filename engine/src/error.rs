//! The engine's error: one variant per thing that a caller can do about it.

use std::{io, sync::Arc};

use crate::types::{Timestamp, TooLong};

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an engine call failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Storage failed (I/O error, disk full, network). Nothing of the failed call is visible. Free space or
    /// repair the storage, then retry; after a failed log write the database must be reopened
    /// ([`Error::Poisoned`]).
    #[error("storage failed: {context}: {source}")]
    Unavailable {
        /// Operation that failed, with the file's name inside the root.
        context: String,
        /// The storage's own error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Bytes on storage are not what was written. Restore the file from a copy; nothing was returned from it.
    #[error("corrupt file {file} at offset {offset}: {detail}")]
    Corrupt {
        /// Name of the file inside the root.
        file: String,
        /// Offset of the damage in bytes, as near as is known.
        offset: u64,
        /// Description of the mismatch.
        detail: String,
    },
    /// There is no database where one was to be opened, and none can be made there. Correct the location; a
    /// new database needs a directory that does not exist or is empty.
    #[error("there is no database at {location}{}", other_files(found))]
    NoDatabase {
        /// Location where it was looked for.
        location: String,
        /// Entries that the directory holds instead, where that is why no database is made there.
        found: Vec<String>,
    },
    /// Another process has the root open: for writing, or for reading where this one wants to write. Close
    /// it.
    #[error("database is locked by another process{}", .0.as_ref().map(|d| format!(": {d}")).unwrap_or_default())]
    Locked(Option<String>),
    /// A newer writer took over. This handle acknowledges nothing more: drop it and open again.
    #[error("fenced by a newer writer epoch={epoch}")]
    Fenced {
        /// The newer writer's epoch.
        epoch: u64,
    },
    /// It is not known whether the last publication reached storage. Reopen the database to find out.
    #[error("outcome of the last commit is unknown: {0}")]
    CommitUnknown(String),
    /// A write to the log failed earlier, so later commits would leave a hole. Reopen the database.
    #[error("database refuses writes after a failed log write: {0}")]
    Poisoned(String),
    /// The moment is below the horizon and not pinned. Ask for a newer or a pinned moment.
    #[error("timestamp {requested} is too old: oldest readable is {horizon}")]
    TooOld {
        /// The moment asked for.
        requested: Timestamp,
        /// The oldest moment that is readable without a pin.
        horizon: Timestamp,
    },
    /// The call cannot be carried out as asked (key too long, keys out of order, unknown format version). Fix
    /// the call.
    #[error("{0}")]
    Invalid(String),
    /// A bulk load met a key twice, or a key that is already there.
    #[error("duplicate key")]
    DuplicateKey {
        /// The key, as bytes.
        key: bytes::Bytes,
    },
    /// The engine was closed. Open it again.
    #[error("engine is closed")]
    Closed,
}

/// Names of `found` that a message shows.
const NAMES_SHOWN: usize = 3;

fn other_files(found: &[String]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let shown = &found[..found.len().min(NAMES_SHOWN)];
    let more = if found.len() > NAMES_SHOWN { ", …" } else { "" };
    format!(", but other files: {}{more}", shown.join(", "))
}

impl From<TooLong> for Error {
    fn from(too_long: TooLong) -> Self {
        Self::Invalid(too_long.to_string())
    }
}

impl Error {
    /// A storage failure while doing `context`.
    pub fn unavailable(
        context: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable { context: context.into(), source: Arc::new(source) }
    }

    /// Damage found in `file` at `offset`.
    pub fn corrupt(file: impl Into<String>, offset: u64, detail: impl Into<String>) -> Self {
        Self::Corrupt { file: file.into(), offset, detail: detail.into() }
    }

    /// Whether the storage said that it has no room left.
    pub fn is_full(&self) -> bool {
        let Self::Unavailable { source, .. } = self else { return false };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(source.as_ref());
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>()
                && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            {
                return true;
            }
            cause = error.source();
        }
        false
    }
}
