//! One statement on its way: its session, its parameters, the moment it reads.

use std::sync::Arc;

use bygone_engine::types::Timestamp;
use bygone_mvcc::{CommitMeta, Transaction};
use datafusion::common::ScalarValue;

use super::{Inner, Notice, Progress, Ready, Shared};
use crate::{
    catalog::ObjectPath,
    error::{Error, Result},
    lookup::TemplateCache,
    parse::{Name, Parsed},
    plan::{LazyState, Moment, Names, Resolution, Resolver},
    points::{Point, TimeZone, display_timestamp},
    scan::{PointLabel, Reader},
};

/// One statement on its way.
pub(crate) struct Context<'a> {
    pub shared: &'a Arc<Shared>,
    pub inner: &'a mut Inner,
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

/// What a statement writes into.
#[derive(Debug)]
pub(crate) struct Work {
    pub transaction: Arc<Transaction>,
    /// The statement is a transaction of its own.
    pub autocommit: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        inner: &'a mut Inner,
        progress: Option<Arc<dyn Progress>>,
        ready: &'a Ready,
        parameters: &'a [ScalarValue],
    ) -> Self {
        let now = shared.wall_now();
        let state = shared.lazy_state(inner.settings.time_zone, now, inner.settings.query_memory);
        let Ready { parsed, template } = ready;
        Self { shared, inner, progress, parsed, template, parameters, state, now, notices: Vec::new() }
    }

    /// The session's time zone.
    pub(crate) fn zone(&self) -> TimeZone {
        self.inner.settings.time_zone
    }

    /// The full path of a name.
    pub(crate) fn path(&self, name: &Name) -> Result<ObjectPath> {
        self.inner.settings.search.path_of_name(name)
    }

    fn resolver(&self) -> Resolver<'_> {
        let settings = &self.inner.settings;
        Resolver::new(self.shared, &self.state, self.zone(), self.now, self.parameters, &settings.search)
            .at_depth(&self.inner.depth)
    }

    /// Runs `f` with a resolver and keeps its notices.
    pub(crate) async fn resolve(&mut self, default: Arc<Moment>) -> Result<Arc<Resolution>> {
        let parsed = self.parsed;
        let (resolution, notices) = self.resolver().resolve(default, parsed).await?;
        self.notices.extend(notices);
        Ok(resolution)
    }

    /// The moment of one of the statement's point clauses.
    pub(crate) async fn point(&mut self, index: usize) -> Result<Arc<Moment>> {
        let parsed = self.parsed;
        let expr = parsed.points.get(index).ok_or_else(|| Error::internal("a point clause is missing"))?;
        let mut resolver = self.resolver();
        let moment = resolver.moment_of(expr).await.map_err(|error| error.at(expr.position))?;
        let notices = std::mem::take(&mut resolver.notices);
        self.notices.extend(notices);
        Ok(moment)
    }

    /// Fails when a point cannot be read; says in a notice what it stands for.
    pub(crate) async fn check_point(&mut self, point: &Point) -> Result<Arc<Moment>> {
        let mut resolver = self.resolver();
        let moment = resolver.moment_at(point).await?;
        let notices = std::mem::take(&mut resolver.notices);
        self.notices.extend(notices);
        Ok(moment)
    }

    /// The instant that a constant expression gives.
    pub(crate) fn time(&self, expr: &datafusion::sql::sqlparser::ast::Expr) -> Result<Timestamp> {
        self.resolver().evaluate_time(expr)
    }

    /// The version that a constant expression gives.
    pub(crate) fn version(&self, expr: &datafusion::sql::sqlparser::ast::Expr) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.resolver().evaluate_version(expr)?))
    }

    /// The value of a constant expression.
    pub(crate) fn constant(&self, expr: &datafusion::sql::sqlparser::ast::Expr) -> Result<ScalarValue> {
        self.resolver().evaluate(expr)
    }

    /// The moment that `SET as_of` pins, if it does.
    pub(crate) async fn session_moment(&mut self) -> Result<Option<Arc<Moment>>> {
        let Some(text) = self.inner.settings.as_of.clone() else { return Ok(None) };
        let point = Point::parse(&text, TimeZone::UTC, self.now)?;
        let mut resolver = self.resolver();
        let moment = resolver.moment_at(&point).await?;
        Ok(Some(moment.as_default()))
    }

    /// The moment that tables without a point are read at.
    pub(crate) async fn default_moment(&mut self) -> Result<Arc<Moment>> {
        if let Some(open) = &self.inner.transaction {
            if let Some(moment) = &open.moment {
                return Ok(moment.as_default());
            }
            let reader = Reader::of_transaction(&open.transaction);
            if self.inner.settings.as_of.is_none() {
                return self.latest(reader).await;
            }
        }
        if let Some(moment) = self.session_moment().await? {
            return Ok(moment);
        }
        let view = self.shared.store.view_now();
        self.latest(Reader::View(view)).await
    }

    /// The moment of a reader, as the statement's own.
    pub(crate) async fn latest(&self, reader: Reader) -> Result<Arc<Moment>> {
        let catalog = self.shared.catalog.at(&reader).await?;
        Ok(Arc::new(Moment::new(PointLabel::Latest, catalog, reader)))
    }

    /// Names for planning.
    pub(crate) fn names(&self, resolution: &Arc<Resolution>) -> Names {
        let search = self.inner.settings.search.clone();
        Names::new(Arc::clone(&self.state), Arc::clone(resolution), search)
    }

    /// Fails where the session, the transaction or the database only reads.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if let Some(open) = &self.inner.transaction {
            if let Some(moment) = &open.moment {
                let at = display_timestamp(moment.timestamp());
                return Err(Error::read_only(format!("the transaction reads as of {at}"))
                    .with_hint("ROLLBACK, and begin without a point"));
            }
            if open.transaction.is_read_only() && !self.shared.store.options().read_only {
                return Err(Error::read_only("the transaction is read-only"));
            }
        }
        if let Some(point) = &self.inner.settings.as_of {
            return Err(
                Error::read_only(format!("the session reads as of {point}")).with_hint("RESET as_of first")
            );
        }
        if self.shared.store.options().read_only {
            return Err(Error::read_only("the database was opened read-only"));
        }
        Ok(())
    }

    /// Fails inside a transaction: for statements that are a commit of their own.
    pub(crate) fn check_alone(&self, statement: &str) -> Result<()> {
        if self.inner.transaction.is_some() { Err(Error::in_transaction(statement)) } else { Ok(()) }
    }

    /// What the statement writes into: the open transaction, or one of its own.
    pub(crate) fn begin_work(&self) -> Result<Work> {
        self.check_writable()?;
        let (transaction, autocommit) = match &self.inner.transaction {
            Some(open) => (Arc::clone(&open.transaction), false),
            None => (Arc::new(self.shared.store.begin()), true),
        };
        Ok(Work { transaction, autocommit })
    }

    /// What the commit of a statement says about itself.
    pub(crate) fn meta(&self, tag: &str, tables: Vec<String>) -> CommitMeta {
        CommitMeta {
            author: self.inner.settings.commit_author.clone(),
            message: self.inner.settings.commit_message.clone(),
            annotations: self.inner.settings.commit_annotations.clone(),
            statement: Some(tag.to_owned()),
            tables,
        }
    }

    /// Commits a statement's work if it is a transaction of its own.
    pub(crate) async fn finish_work(
        &mut self,
        work: &Work,
        tag: &str,
        tables: Vec<String>,
    ) -> Result<Option<Timestamp>> {
        let meta = self.meta(tag, tables);
        if !work.autocommit {
            if let Some(open) = &mut self.inner.transaction {
                open.statements.push(tag.to_owned());
            }
            work.transaction.annotate(CommitMeta { tables: meta.tables, ..CommitMeta::default() })?;
            // Many small statements come to much as well.
            work.transaction.spill_beyond(self.shared.bulk_bytes_min).await?;
            return Ok(None);
        }
        let durability = self.inner.settings.durability();
        if work.transaction.is_clean() {
            work.transaction.rollback()?;
            return Ok(None);
        }
        work.transaction.annotate(meta)?;
        let dropped = crate::ddl::finish_drops(self.shared, &work.transaction).await?;
        let info = work.transaction.commit(durability).await?;
        self.shared.store.mark_dropped(dropped, info.timestamp).await;
        Ok(Some(info.timestamp))
    }
}
