//! The statement on its way, as planning sees it.

use std::sync::Arc;

use bygone_engine::types::Timestamp;
use datafusion::common::ScalarValue;
use sqlparser::ast;

use super::{Names, Resolution, Resolver};
use crate::{
    error::{Error, Result},
    moment::OpenMoment,
    statement::Context,
};

impl Context<'_> {
    fn resolver(&self) -> Resolver<'_> {
        let settings = &self.session.settings;
        Resolver::new(self.moments(), &self.state, self.parameters, &settings.search)
            .at_depth(&self.session.depth)
    }

    /// Resolves the points of the statement; `default` is the moment of tables without one.
    pub(crate) async fn resolve(&mut self, default: Arc<OpenMoment>) -> Result<Arc<Resolution>> {
        let parsed = self.parsed;
        let (resolution, notices) = self.resolver().resolve(default, parsed).await?;
        self.notices.extend(notices);
        Ok(resolution)
    }

    /// The moment of one of the statement's point clauses.
    pub(crate) async fn point(&mut self, index: usize) -> Result<Arc<OpenMoment>> {
        let parsed = self.parsed;
        let expr = parsed.points.get(index).ok_or_else(|| Error::internal("a point clause is missing"))?;
        let mut resolver = self.resolver();
        let moment = resolver.moment_of(expr).await.map_err(|error| error.at(expr.position))?;
        let mut notices = std::mem::take(&mut resolver.moments.notices);
        self.notices.append(&mut notices);
        Ok(moment)
    }

    /// The instant that a constant expression gives.
    pub(crate) fn time(&self, expr: &ast::Expr) -> Result<Timestamp> {
        self.resolver().evaluate_time(expr)
    }

    /// The version that a constant expression gives.
    pub(crate) fn version(&self, expr: &ast::Expr) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.resolver().evaluate_version(expr)?))
    }

    /// The value of a constant expression.
    pub(crate) fn constant(&self, expr: &ast::Expr) -> Result<ScalarValue> {
        self.resolver().evaluate(expr)
    }

    /// Names for planning.
    pub(crate) fn names(&self, resolution: &Arc<Resolution>) -> Names {
        let search = self.session.settings.search.clone();
        Names::new(Arc::clone(&self.state), Arc::clone(resolution), search)
    }
}
