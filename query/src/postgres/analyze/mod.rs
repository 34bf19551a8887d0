//! The pass that runs as the last rule of the analyzer, when the types of all operands agree and every cast
//! is there.

mod checked_arithmetic;
mod comparison_keys;
mod float_keys;
mod guards;
mod needless_orders;
mod null_equality;
mod range_frames;
mod scalar_subqueries;
mod semantics;
mod time_zones;
mod truth_tests;
mod zoned_frames;

use datafusion::{
    common::{DFSchema, Result, config::ConfigOptions, tree_node::TreeNode},
    logical_expr::{Expr, LogicalPlan},
    optimizer::AnalyzerRule,
};

pub(super) use semantics::with_semantics_alone;

use self::semantics::with_semantics;
use super::walk::{rewrite_exprs_of, rewrite_nodes};
use crate::{error, time::TimeZone};

/// Puts the functions that act as Postgres does in the place of operators and casts that do not.
#[derive(Debug)]
pub(super) struct PostgresSemantics {
    /// The session's time zone.
    pub zone: TimeZone,
}

impl AnalyzerRule for PostgresSemantics {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_nodes(plan, |node| {
            rewrite_exprs_of(float_keys::of_node(node), &mut |expr, schema| {
                with_semantics(expr, schema, self.zone)
            })?
            .map_data(comparison_keys::of_node)
        })
    }

    fn name(&self) -> &'static str {
        "postgres_semantics"
    }
}

/// An expression outside a plan, with the session's zone.
pub(crate) fn with_zone(expr: Expr, schema: &DFSchema, zone: TimeZone) -> error::Result<Expr> {
    Ok(expr.transform_up(|expr| time_zones::in_zone_of(expr, schema, zone))?.data)
}
