//! SQL over a store.

use std::sync::Arc;

use bygone_snapshots::Snapshots;

use super::Session;
#[cfg(feature = "testing")]
use crate::statement::StateAdapter;
use crate::{
    error::Result,
    plan::view_columns,
    statement::{Database, SqlOptions},
};

/// SQL over a store: makes sessions. Clones share everything.
#[derive(Clone, Debug)]
pub struct Sql {
    database: Arc<Database>,
}

impl Sql {
    /// SQL over `snapshots` and the store below it.
    ///
    /// # Errors
    /// 22023 when the memory of queries is too small.
    pub fn new(snapshots: Snapshots, options: SqlOptions) -> Result<Self> {
        Ok(Self { database: Arc::new(Database::new(snapshots, options, view_columns)?) })
    }

    /// As [`Self::new`], with plans that `adapter` has changed: so that tests can compare the answers of
    /// several.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[cfg(feature = "testing")]
    pub fn with_plans(snapshots: Snapshots, options: SqlOptions, adapter: StateAdapter) -> Result<Self> {
        Ok(Self { database: Arc::new(Database::new(snapshots, options, view_columns)?.with_plans(adapter)) })
    }

    /// A new session, outside a transaction, in UTC.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.database))
    }
}
