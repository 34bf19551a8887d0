//! Conditions without columns above an aggregate that makes a row of no rows:
//! `SELECT count(*) FROM t HAVING false`.
//!
//! DataFusion moves a condition below an aggregate where all its columns are keys of the groups, and one
//! without columns everywhere. Below an aggregate of all rows it takes the rows away and leaves the row of
//! their count.

use datafusion::{
    common::{Result, tree_node::Transformed},
    logical_expr::{Aggregate, Expr, LogicalPlan, utils::split_conjunction},
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule, push_down_filter::PushDownFilter},
};

/// Pushes filters down, but for those that have to stay.
#[derive(Debug)]
pub(super) struct FilterPushdown(pub(super) PushDownFilter);

impl OptimizerRule for FilterPushdown {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if has_to_stay(&plan) { Ok(Transformed::no(plan)) } else { self.0.rewrite(plan, config) }
    }
}

/// Whether a condition without columns stands right above an aggregate that makes a row of none; filters on
/// the way to it are one with the first.
fn has_to_stay(plan: &LogicalPlan) -> bool {
    let (mut plan, mut is_constant) = (plan, false);
    while let LogicalPlan::Filter(filter) = plan {
        is_constant |= split_conjunction(&filter.predicate).iter().any(|part| part.column_refs().is_empty());
        plan = &filter.input;
    }
    is_constant && matches!(plan, LogicalPlan::Aggregate(aggregate) if makes_a_row_of_none(aggregate))
}

/// Whether there is a group of all rows, which is there without rows too: `ROLLUP`, `CUBE` and
/// `GROUPING SETS` may have it.
fn makes_a_row_of_none(aggregate: &Aggregate) -> bool {
    matches!(aggregate.group_expr.as_slice(), [] | [Expr::GroupingSet(_)])
}
