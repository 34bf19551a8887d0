//! One statement on its way: its session, its parameters, the moment it reads.

use std::sync::Arc;

use bygone_engine::types::Timestamp;
use datafusion::common::ScalarValue;

use super::{Database, LazyState, Notice, OpenMoments, Progress, SessionData};
use crate::{
    error::{Error, Result},
    lookup::TemplateCache,
    moment::{Moment, MomentLabel, OpenMoment, Reader},
    names::ObjectPath,
    parse::{Name, Parsed},
    time::{TimeZone, display_timestamp},
};

/// One statement on its way.
pub(crate) struct Context<'a> {
    pub database: &'a Arc<Database>,
    pub session: &'a mut SessionData,
    pub progress: Option<Arc<dyn Progress>>,
    pub parsed: &'a Parsed,
    /// The statement with its constants taken out, once that was asked for.
    pub template: &'a TemplateCache,
    pub parameters: &'a [ScalarValue],
    /// DataFusion's state, with the statement's instant and time zone; made for those who plan.
    pub state: LazyState,
    /// The statement's instant.
    pub now: Timestamp,
    pub notices: Vec<Notice>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        database: &'a Arc<Database>,
        session: &'a mut SessionData,
        progress: Option<Arc<dyn Progress>>,
        parsed: &'a Parsed,
        template: &'a TemplateCache,
        parameters: &'a [ScalarValue],
    ) -> Self {
        let now = database.wall_now();
        let state = database.lazy_state(session.settings.time_zone, now, session.settings.query_memory);
        Self { database, session, progress, parsed, template, parameters, state, now, notices: Vec::new() }
    }

    /// The session's time zone.
    pub(crate) fn zone(&self) -> TimeZone {
        self.session.settings.time_zone
    }

    /// The full path of a name.
    pub(crate) fn path(&self, name: &Name) -> Result<ObjectPath> {
        self.session.settings.search.path_of_name(name)
    }

    /// The moments that the statement opens.
    pub(crate) fn moments(&self) -> OpenMoments<'a> {
        OpenMoments::new(self.database, self.zone(), self.now)
    }

    /// Opens a moment; says in a notice what it stands for.
    pub(crate) async fn open_moment(&mut self, moment: &Moment) -> Result<Arc<OpenMoment>> {
        let mut moments = self.moments();
        let open = moments.moment_at(moment).await?;
        self.notices.append(&mut moments.notices);
        Ok(open)
    }

    /// The moment that `SET as_of` pins, if it does.
    pub(crate) async fn session_moment(&mut self) -> Result<Option<Arc<OpenMoment>>> {
        let Some(text) = &self.session.settings.as_of else { return Ok(None) };
        let moment = Moment::parse(text, TimeZone::UTC, self.now)?;
        Ok(Some(self.moments().moment_at(&moment).await?.as_default()))
    }

    /// The moment that tables without a point are read at.
    pub(crate) async fn default_moment(&mut self) -> Result<Arc<OpenMoment>> {
        if let Some(open) = &self.session.transaction {
            if let Some(moment) = &open.moment {
                return Ok(moment.as_default());
            }
            let reader = Reader::of_transaction(&open.transaction);
            if self.session.settings.as_of.is_none() {
                return self.latest(reader).await;
            }
        }
        if let Some(moment) = self.session_moment().await? {
            return Ok(moment);
        }
        let view = self.database.store.view_now();
        self.latest(Reader::View(view)).await
    }

    /// The moment of a reader, as the statement's own.
    pub(crate) async fn latest(&self, reader: Reader) -> Result<Arc<OpenMoment>> {
        let catalog = self.database.catalog.at(&reader).await?;
        Ok(Arc::new(OpenMoment::new(MomentLabel::Latest, catalog, reader)))
    }

    /// Fails where the session, the transaction or the database only reads.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if let Some(open) = &self.session.transaction {
            if let Some(moment) = &open.moment {
                let at = display_timestamp(moment.timestamp());
                return Err(Error::read_only(format!("the transaction reads as of {at}"))
                    .with_hint("ROLLBACK, and begin without a point"));
            }
            if open.transaction.is_read_only() && !self.database.store.options().read_only {
                return Err(Error::read_only("the transaction is read-only"));
            }
        }
        if let Some(point) = &self.session.settings.as_of {
            return Err(
                Error::read_only(format!("the session reads as of {point}")).with_hint("RESET as_of first")
            );
        }
        if self.database.store.options().read_only {
            return Err(Error::read_only("the database was opened read-only"));
        }
        Ok(())
    }

    /// Fails inside a transaction: for statements that are a commit of their own.
    pub(crate) fn check_alone(&self, statement: &str) -> Result<()> {
        if self.session.transaction.is_some() { Err(Error::in_transaction(statement)) } else { Ok(()) }
    }
}
