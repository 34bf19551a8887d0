//! Errors of snapshots, by what the caller does next.

use bygone_engine::types::Timestamp;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no snapshot of that name. Correct the name.
    #[error("snapshot \"{name}\" does not exist")]
    NotFound {
        /// The name asked for.
        name: String,
        /// Existing names that look like it, the likeliest first.
        candidates: Vec<String>,
    },
    /// The name is taken: a snapshot is never replaced. Choose another name, or drop the old one first.
    #[error("snapshot \"{0}\" already exists")]
    Exists(String),
    /// The snapshot is held. Release it first.
    #[error("snapshot \"{name}\" is held: {reason}")]
    Held {
        /// Its name.
        name: String,
        /// Why it is held.
        reason: String,
    },
    /// There are as many snapshots as allowed. Drop some, or raise the quota.
    #[error("too many snapshots of {of}: quota is {max}")]
    Quota {
        /// Object or database whose snapshots the quota counts.
        of: String,
        /// The quota.
        max: u32,
    },
    /// Something changed since the moment that the caller had looked at. Look again.
    #[error("{target} changed after {since}: newest change is at {newest}")]
    Changed {
        /// Object that changed.
        target: String,
        /// The moment given.
        since: Timestamp,
        /// The newest change.
        newest: Timestamp,
    },
    /// The call cannot be carried out as asked. Fix the call.
    #[error("{0}")]
    Invalid(String),
    /// Transactions or the engine failed; see there.
    #[error(transparent)]
    Store(#[from] bygone_mvcc::Error),
}

impl From<bygone_engine::Error> for Error {
    fn from(error: bygone_engine::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }
}
