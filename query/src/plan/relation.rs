//! Tables with a point, and table functions of our own: what DataFusion's planner would ignore or not know.

use std::sync::Arc;

use datafusion::{
    catalog::default_table_source::provider_as_source,
    common::{Result, TableReference},
    execution::session_state::SessionState,
    logical_expr::{
        LogicalPlanBuilder,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
};
use sqlparser::ast::TableFactor;

use super::{Names, Resolution, resolve::Bindings};
use crate::{
    error::Error,
    functions::is_own_table_function,
    moment::MomentKey,
    names::{
        SearchPath,
        internal::{SHARED_QUERY, scan_name},
    },
    parse::PointId,
    postgres::{ast::output_names::with_distinct_names, shared_rows::SharedRows},
};

/// Plans the tables of one text (a statement, or the definition of a view) that name a point.
pub(crate) struct Points {
    state: Arc<SessionState>,
    resolution: Arc<Resolution>,
    bindings: Arc<Bindings>,
    search: SearchPath,
}

impl std::fmt::Debug for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Points").field("search", &self.search).finish_non_exhaustive()
    }
}

impl Points {
    pub(crate) fn new(
        state: Arc<SessionState>,
        resolution: Arc<Resolution>,
        bindings: Arc<Bindings>,
        search: SearchPath,
    ) -> Self {
        Self { state, resolution, bindings, search }
    }
}

impl RelationPlanner for Points {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::Derived { lateral: false, subquery, alias: alias @ Some(_), sample } = relation {
            let bare = TableFactor::Derived { lateral: false, subquery, alias: None, sample };
            let mut plan = with_distinct_names(context.plan(bare)?)?;
            if alias.as_ref().is_some_and(|alias| alias.name.value == SHARED_QUERY) {
                plan = SharedRows::of(plan)?;
            }
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))));
        }
        let TableFactor::Table { name, alias, args, version, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        if args.is_some() {
            if version.is_some() {
                return Err(Error::unsupported("a version clause on a table function")
                    .with_hint("give the points as arguments of the function")
                    .into());
            }
            if !is_own_table_function(name) {
                return Ok(RelationPlanning::Original(Box::new(relation)));
            }
            let mut bare = relation.clone();
            if let TableFactor::Table { alias, .. } = &mut bare {
                *alias = None;
            }
            let text = bare.to_string();
            let provider = self
                .bindings
                .functions
                .get(&text)
                .ok_or_else(|| Error::unsupported(format!("{name} at this place")))?;
            let function = name.0.last().map_or_else(String::new, ToString::to_string);
            // Two calls with other arguments must not look alike to the optimizer.
            let plan = LogicalPlanBuilder::scan(
                TableReference::partial(text, function.clone()),
                provider_as_source(Arc::clone(provider)),
                None,
            )?
            .alias(function)?
            .build()?;
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))));
        }
        let Some(version) = version else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let moment = PointId::of(version)
            .and_then(|id| self.bindings.points.get(id.0))
            .ok_or_else(|| Error::internal(format!("the point of {name} was not resolved: {version}")))?;
        let written = context.object_name_to_table_reference(name.clone())?;
        let names = Names::of_view(
            Arc::clone(&self.state),
            Arc::clone(&self.resolution),
            Arc::clone(&self.bindings),
            Arc::clone(moment),
            self.search.clone(),
        );
        let path = names.path(&written);
        let source = names.source_at(moment, &path)?;
        let reference = match moment.key {
            MomentKey::At(at) => scan_name(&path, &at.as_micros().to_string()),
            MomentKey::Statement => scan_name(&path, "latest"),
        };
        let plan = LogicalPlanBuilder::scan(reference, source, None)?.alias(written)?.build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}
