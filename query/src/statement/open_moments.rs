//! The moments that a statement reads at, opened when they are first asked for.

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::types::Timestamp;
use bygone_mvcc::{Error as StoreError, system};
use datafusion::common::ScalarValue;

use super::{Database, Notice};
use crate::{
    error::{Error, Result},
    moment::{Moment, OpenMoment, Reader, too_old},
    time::{TimeZone, display_timestamp, literal_time, version_from_text},
};

/// The moments of one statement: each is opened once, and said in a notice.
pub(crate) struct OpenMoments<'a> {
    pub database: &'a Arc<Database>,
    /// The session's time zone: where literals without a zone are read.
    pub zone: TimeZone,
    /// The statement's instant.
    pub now: Timestamp,
    pub notices: Vec<Notice>,
    opened: BTreeMap<Timestamp, Arc<OpenMoment>>,
}

impl<'a> OpenMoments<'a> {
    pub(crate) fn new(database: &'a Arc<Database>, zone: TimeZone, now: Timestamp) -> Self {
        Self { database, zone, now, notices: Vec::new(), opened: BTreeMap::new() }
    }

    /// The instant that a value stands for.
    pub(crate) fn time_of(&self, value: &ScalarValue) -> Result<Timestamp> {
        let not_a_time = || Error::invalid_value(format!("{value} is not a time"));
        if let Some(text) = value.try_as_str() {
            return literal_time(text.ok_or_else(not_a_time)?, self.zone, self.now);
        }
        if value.is_null() {
            return Err(Error::invalid_value("a point in time cannot be NULL"));
        }
        let has_zone = matches!(value.data_type(), arrow::datatypes::DataType::Timestamp(_, Some(_)));
        let unit = arrow::datatypes::TimeUnit::Microsecond;
        let target = arrow::datatypes::DataType::Timestamp(unit, has_zone.then(|| crate::types::UTC.into()));
        let micros = match value.data_type() {
            arrow::datatypes::DataType::Timestamp(..)
            | arrow::datatypes::DataType::Date32
            | arrow::datatypes::DataType::Date64 => value.cast_to(&target)?,
            _ => return Err(not_a_time()),
        };
        let ScalarValue::TimestampMicrosecond(Some(micros), _) = micros else { return Err(not_a_time()) };
        let micros = if has_zone {
            micros
        } else {
            let local = chrono::DateTime::from_timestamp_micros(micros).ok_or_else(not_a_time)?.naive_utc();
            self.zone.instant_micros(local)
        };
        match u64::try_from(micros) {
            Ok(micros) if micros > 0 => Ok(Timestamp::from_micros(micros)),
            _ => Err(Error::invalid_value(format!("{value} is before 1970"))),
        }
    }

    /// The open moment that a reference stands for, with the names and rows of its timestamp.
    pub(crate) async fn moment_at(&mut self, moment: &Moment) -> Result<Arc<OpenMoment>> {
        let (at, words) = match moment {
            Moment::Latest => {
                let view = self.database.store.view_now();
                let at = view.timestamp();
                (at, format!("latest ({})", display_timestamp(at)))
            }
            Moment::Snapshot(name) => {
                let at = self.database.snapshot_time(name).await?;
                (at, format!("snapshot {name} ({})", display_timestamp(at)))
            }
            Moment::Timestamp(at) => (*at, display_timestamp(*at)),
            Moment::Version(version) => {
                let at = Timestamp::from_micros(*version);
                (at, format!("version {version} ({})", display_timestamp(at)))
            }
        };
        self.notices.push(Notice::new(format!("reading as of {words}")));
        if let Some(moment) = self.opened.get(&at) {
            return Ok(Arc::clone(moment));
        }
        let moment = Arc::new(self.open(at, words.as_str()).await?);
        self.opened.insert(at, Arc::clone(&moment));
        Ok(moment)
    }

    /// Opens the moment `at` for reading.
    async fn open(&self, at: Timestamp, words: &str) -> Result<OpenMoment> {
        let store = &self.database.store;
        // Below the horizon only what is pinned can be read; an error then names the snapshots nearby.
        let near = if at < store.engine().database_horizon() {
            Some(self.database.snapshots_near(at).await?)
        } else {
            None
        };
        let view = match store.view_at(at).await {
            Ok(view) => view,
            Err(StoreError::Engine(bygone_engine::Error::TooOld { requested, horizon })) => {
                return Err(too_old(requested, horizon, near.as_ref()));
            }
            Err(StoreError::Future { now, .. }) => return Err(Error::future(words, &display_timestamp(now))),
            Err(other) => return Err(other.into()),
        };
        if let Err(bygone_engine::Error::TooOld { requested, horizon }) = view.check(system::CATALOG) {
            return Err(too_old(requested, horizon, near.as_ref()));
        }
        let reader = Reader::View(view);
        let catalog = self.database.catalog.at(&reader).await?;
        Ok(OpenMoment::at(at, words, catalog, reader, near))
    }
}

/// The version that a value stands for.
pub(crate) fn version_of(value: &ScalarValue) -> Result<u64> {
    match value.try_as_str() {
        Some(Some(text)) => version_from_text(text),
        _ => version_from_text(&value.to_string()),
    }
}
