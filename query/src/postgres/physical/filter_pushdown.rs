//! Pushes filters, those of joins and top-k among them, down to scans.
//!
//! DataFusion's rule of this name asks an operator which filters its inputs can take, and lets it write them
//! over the input's columns, which it looks for by name: of two columns called `id` it takes the first. Here
//! the operator is asked the same, but the columns are mapped by their places ([`Origins`]).
//!
//! 1. A filter is pushed to an input only where every column of it has an origin there.
//! 2. No filter passes a limit: it would change which rows come through.

use std::sync::Arc;

use datafusion::{
    common::{Result, config::ConfigOptions, internal_datafusion_err, tree_node::TreeNode},
    physical_expr::PhysicalExpr,
    physical_expr_common::physical_expr::is_volatile,
    physical_optimizer::{PhysicalOptimizerRule, filter_pushdown::FilterPushdown},
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        filter::FilterExec,
        filter_pushdown::{
            ChildFilterPushdownResult, ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation,
            PushedDown,
        },
        replace_children_if_necessary,
    },
};

use super::columns::Origins;

type Rules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;
type Filters = Vec<Arc<dyn PhysicalExpr>>;

/// Puts the rule in the places of DataFusion's.
pub(crate) fn push_filters_by_place(rules: &mut Rules) {
    for (theirs, phase) in [
        (FilterPushdown::new(), FilterPushdownPhase::Pre),
        (FilterPushdown::new_post_optimization(), FilterPushdownPhase::Post),
    ] {
        for rule in rules.iter_mut().filter(|rule| rule.name() == theirs.name()) {
            *rule = Arc::new(PushFiltersByPlace { phase });
        }
    }
}

#[derive(Debug)]
struct PushFiltersByPlace {
    phase: FilterPushdownPhase,
}

impl PhysicalOptimizerRule for PushFiltersByPlace {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.push(&plan, Vec::new(), config)?.updated_node.unwrap_or(plan))
    }

    fn name(&self) -> &str {
        match self.phase {
            FilterPushdownPhase::Pre => "PushFiltersByPlace",
            FilterPushdownPhase::Post => "PushFiltersByPlace(Post)",
        }
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl PushFiltersByPlace {
    /// Pushes `filters`, over the columns of `node`, into it and says which of them it took over.
    fn push(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        filters: Filters,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        if filters.is_empty() || !self.is_closed(node.as_ref()) {
            return self.push_into(node, filters, config);
        }
        let mut pushed = self.push_into(node, Vec::new(), config)?;
        pushed.filters = vec![PushedDown::No; filters.len()];
        Ok(pushed)
    }

    /// Whether no filter may pass through an operator.
    fn is_closed(&self, node: &dyn ExecutionPlan) -> bool {
        let limits = node.fetch().is_some()
            || node.downcast_ref::<AggregateExec>().is_some_and(|node| node.limit_options().is_some());
        // In this phase it applies what its input does not take, and looks for its columns by name.
        let projects = matches!(self.phase, FilterPushdownPhase::Pre)
            && node.downcast_ref::<FilterExec>().is_some_and(|node| node.projection().is_some());
        limits && !node.children().is_empty() || projects
    }

    fn push_into(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        filters: Filters,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let asked = node.gather_filters_for_pushdown(self.phase, filters.clone(), config)?;
        let inputs = asked.parent_filters().into_iter().zip(asked.self_filters()).zip(node.children());
        let mut results: Vec<_> = filters
            .into_iter()
            .map(|filter| ChildFilterPushdownResult { filter, child_results: Vec::new() })
            .collect();
        let (mut self_filters, mut children) = (Vec::new(), Vec::new());
        for (index, ((allowed, own), child)) in inputs.enumerate() {
            let is_allowed: Vec<bool> =
                allowed.iter().map(|filter| matches!(filter.discriminant, PushedDown::Yes)).collect();
            let mapped = map_to_input(node.as_ref(), index, &results, &is_allowed)?;
            let all = own.iter().filter(|filter| !has_volatile(filter)).chain(mapped.iter().flatten());
            let pushed = self.push(child, all.cloned().collect(), config)?;
            children.push(pushed.updated_node.unwrap_or_else(|| Arc::clone(child)));
            let mut taken = pushed.filters.into_iter();
            let mut next = |is_pushed: bool| {
                if is_pushed {
                    taken.next().ok_or_else(|| internal_datafusion_err!("a pushed filter has no answer"))
                } else {
                    Ok(PushedDown::No)
                }
            };
            let own = own.into_iter().map(|filter| Ok(next(!has_volatile(&filter))?.wrap_expression(filter)));
            self_filters.push(own.collect::<Result<_>>()?);
            for (result, mapped) in results.iter_mut().zip(mapped) {
                result.child_results.push(next(mapped.is_some())?);
            }
        }
        let updated = replace_children_if_necessary(Arc::clone(node), children)?;
        let answers = ChildPushdownResult { parent_filters: results, self_filters };
        let mut pushed = updated.handle_child_pushdown_result(self.phase, answers, config)?;
        if pushed.updated_node.is_none() && !Arc::ptr_eq(&updated, node) {
            pushed.updated_node = Some(updated);
        }
        Ok(pushed)
    }
}

/// The filters over the columns of an input; `None` for those that cannot be pushed there.
fn map_to_input(
    node: &dyn ExecutionPlan,
    child: usize,
    filters: &[ChildFilterPushdownResult],
    is_allowed: &[bool],
) -> Result<Vec<Option<Arc<dyn PhysicalExpr>>>> {
    if !is_allowed.contains(&true) {
        return Ok(vec![None; filters.len()]);
    }
    let origins = Origins::of(node, child);
    let mapped = filters.iter().zip(is_allowed).map(|(result, is_allowed)| {
        let mapped = if *is_allowed { origins.map(&result.filter)? } else { None };
        Ok(mapped.filter(|filter| !has_volatile(filter)))
    });
    mapped.collect()
}

/// Whether an expression gives another value each time.
fn has_volatile(filter: &Arc<dyn PhysicalExpr>) -> bool {
    filter.exists(|expr| Ok(is_volatile(expr))).unwrap_or(true)
}
