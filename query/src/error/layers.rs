//! Errors of transactions and snapshots, in the words of SQL.
//!
//! Keyspaces and keys are numbers and bytes down there; callers that know the table's name convert conflicts
//! themselves and say which row. Errors that come through here are right, only less telling.

use bygone_mvcc::Error as MvccError;
use bygone_snapshots::Error as SnapshotsError;

use super::{Error, ErrorKind, SqlState, did_you_mean};
use crate::time::display_timestamp;

impl From<MvccError> for Error {
    fn from(error: MvccError) -> Self {
        let message = error.to_string();
        match &error {
            MvccError::Conflict { key: Some(_), .. } => {
                Self::conflict("another transaction changed a row that this one writes")
            }
            MvccError::Conflict { key: None, .. } => {
                Self::conflict("a table was restored or loaded since this transaction began")
            }
            MvccError::Locked { by, .. } => {
                Self::locked(format!("the table is locked by {by}")).with_hint("try again when that is done")
            }
            MvccError::Future { requested, now } => {
                Self::future(&display_timestamp(*requested), &display_timestamp(*now))
            }
            MvccError::ReadOnly(what) => Self::read_only(format!("{what} is read-only")),
            MvccError::TooLarge { .. } => {
                Self::limit(message).with_hint("commit in smaller parts, or release savepoints")
            }
            MvccError::Finished => Self::new(SqlState::NoActiveTransaction, message),
            MvccError::NoKeyspace(_) => Self::new(SqlState::UndefinedTable, message),
            MvccError::KeyspaceExists(_) => Self::new(SqlState::DuplicateTable, message),
            MvccError::Engine(engine) => return engine.clone().into(),
            _ => Self::new(SqlState::InvalidParameterValue, message),
        }
        .with_source(error)
    }
}

impl From<SnapshotsError> for Error {
    fn from(error: SnapshotsError) -> Self {
        let message = error.to_string();
        match &error {
            SnapshotsError::NotFound { name, candidates } => {
                let mut found = Self::no_snapshot(name, []);
                if !candidates.is_empty() {
                    let like = did_you_mean(name, candidates.iter().map(String::as_str));
                    // The registry chose them: name them even where our own measure would not.
                    let hint = if like.is_empty() {
                        format!("did you mean {}?", candidates.join(" or "))
                    } else {
                        like
                    };
                    found = found.with_hint(hint);
                }
                found
            }
            SnapshotsError::Exists(name) => Self::snapshot_exists(name),
            SnapshotsError::Held { name, reason } => {
                Self::snapshot_in_use(name, format!("it is held: {reason}"))
                    .of_kind(ErrorKind::Invalid)
                    .with_hint(format!("ALTER SNAPSHOT {name} RELEASE HOLD"))
            }
            SnapshotsError::Quota { .. } => Self::new(SqlState::ConfigurationLimitExceeded, message)
                .with_hint("DROP SNAPSHOT those that nobody needs"),
            SnapshotsError::Changed { .. } => Self::new(SqlState::ObjectNotInPrerequisiteState, message)
                .with_hint("look again with RESTORE … DRY RUN, then give the new version"),
            SnapshotsError::Store(store) => return store.clone().into(),
            _ => Self::new(SqlState::InvalidParameterValue, message),
        }
        .with_source(error)
    }
}
