//! Errors of a transaction, by what the caller does next.

use bygone_engine::types::{KeyspaceId, Timestamp, TooLong};
use bytes::Bytes;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another commit got there first; nothing of this one is visible. Run the transaction again from its
    /// begin.
    #[error("could not commit: {} keyspace={keyspace}", if key.is_some() { "another transaction changed a key that this one wrote" } else { "the table was restored or loaded since this transaction began" })]
    Conflict {
        /// Keyspace of the conflict.
        keyspace: KeyspaceId,
        /// The key, or `None` when an exclusive commit took the whole keyspace.
        key: Option<Bytes>,
    },
    /// A restore or bulk load holds the keyspace and did not finish in time. Try again later.
    #[error("locked by {by} keyspace={keyspace}")]
    Locked {
        /// Keyspace that is locked.
        keyspace: KeyspaceId,
        /// Who holds it.
        by: String,
    },
    /// The moment asked for has not happened yet. Ask for one that has.
    #[error("timestamp {requested} is in the future: now is {now}")]
    Future {
        /// The moment asked for.
        requested: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// A write through something that only reads. Use a transaction that writes.
    #[error("cannot write: {0} is read-only")]
    ReadOnly(&'static str),
    /// The transaction holds more uncommitted bytes in memory than allowed, savepoints included. Commit in
    /// smaller parts, release savepoints, or have what was written go to files
    /// ([`crate::Transaction::spill`]).
    #[error("transaction is too large: more than {max} bytes of uncommitted writes")]
    TooLarge {
        /// The bound in bytes.
        max: usize,
    },
    /// The transaction was committed or rolled back before. Begin a new one.
    #[error("transaction is over")]
    Finished,
    /// There is no keyspace of that name. Create it, or correct the name.
    #[error("keyspace \"{0}\" does not exist")]
    NoKeyspace(String),
    /// The name is taken. Choose another one, or open what is there.
    #[error("keyspace \"{0}\" already exists")]
    KeyspaceExists(String),
    /// The call cannot be carried out as asked. Fix the call.
    #[error("{0}")]
    Invalid(String),
    /// The engine failed; see there.
    #[error(transparent)]
    Engine(#[from] bygone_engine::Error),
}

impl Error {
    /// Whether the same work, run again from its begin, may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Locked { .. })
    }
}

impl From<TooLong> for Error {
    fn from(too_long: TooLong) -> Self {
        Self::Invalid(too_long.to_string())
    }
}
