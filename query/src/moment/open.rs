//! A moment that is open for reading.

use std::sync::Arc;

use bygone_engine::types::Timestamp;

use super::{MomentLabel, Reader};
use crate::{
    catalog::{BoundTable, CatalogState, Object},
    error::{Error, Result},
    names::ObjectPath,
    time::display_timestamp,
};

/// Tells the moments of one statement apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum MomentKey {
    /// Moment that tables without a point are read at.
    Statement,
    /// A point that the text names.
    At(Timestamp),
}

/// The nearest snapshots before and after a moment, as the user would name them.
pub(crate) type NearSnapshots = (Option<String>, Option<String>);

/// A readable moment: the names and the rows of one timestamp.
#[derive(Clone, Debug)]
pub(crate) struct OpenMoment {
    pub key: MomentKey,
    pub label: MomentLabel,
    pub catalog: Arc<CatalogState>,
    reader: Reader,
    /// The nearest snapshots, when not every table can be read.
    near: Option<NearSnapshots>,
}

impl OpenMoment {
    /// The statement's own moment.
    pub(crate) fn new(label: MomentLabel, catalog: Arc<CatalogState>, reader: Reader) -> Self {
        Self { key: MomentKey::Statement, label, catalog, reader, near: None }
    }

    /// The moment of a point that the text names.
    pub(crate) fn at(
        at: Timestamp,
        words: &str,
        catalog: Arc<CatalogState>,
        reader: Reader,
        near: Option<NearSnapshots>,
    ) -> Self {
        Self { key: MomentKey::At(at), label: MomentLabel::At(words.into()), catalog, reader, near }
    }

    /// The timestamp.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.reader.timestamp()
    }

    /// Reader of the rows of this moment.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The same moment as the statement's own.
    pub(crate) fn as_default(&self) -> Arc<Self> {
        Arc::new(Self { key: MomentKey::Statement, ..self.clone() })
    }

    /// Reader of the rows of one table.
    pub(crate) fn reader_of(&self, table: &BoundTable) -> Result<Reader> {
        match self.reader.view().check(table.keyspace_id()) {
            Ok(()) => Ok(self.reader.clone()),
            Err(bygone_engine::Error::TooOld { requested, horizon }) => {
                Err(too_old(requested, horizon, self.near.as_ref())
                    .prefixed(&format!("table {}", table.path())))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The table or view at `path`, or an error that says what is missing.
    pub(crate) fn find(&self, path: &ObjectPath) -> Result<Object> {
        if let Some(object) = self.catalog.object(path) {
            return Ok(object.clone());
        }
        let Some(database) = self.catalog.databases.get(&path.database) else {
            return Err(Error::no_database(
                &path.database,
                self.catalog.databases.keys().map(String::as_str),
            ));
        };
        let Some(schema) = database.schemas.get(&path.schema) else {
            return Err(Error::no_schema(&path.schema, database.schemas.keys().map(String::as_str)));
        };
        let error = Error::no_table(&path.to_string(), schema.objects.keys().map(String::as_str));
        Err(match &self.label {
            MomentLabel::Latest => error,
            MomentLabel::At(words) => error.reworded(|message| format!("{message} at {words}")),
        })
    }
}

/// The error for a moment below the horizon, with the snapshots nearby.
pub(crate) fn too_old(requested: Timestamp, horizon: Timestamp, near: Option<&NearSnapshots>) -> Error {
    let (before, after) = near.map_or((None, None), |(before, after)| (before.as_deref(), after.as_deref()));
    Error::too_old(&display_timestamp(requested), &display_timestamp(horizon), before, after)
}
