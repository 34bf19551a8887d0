//! Keys of joins that are the same constant on both sides, as `false = false`: what is left of a key whose
//! column is a constant.
//!
//! DataFusion computes keys that are no columns in a projection of each side, where two constants have one
//! name; it names all columns of a side after the side then, and fails where two of one table each have one
//! name. Such a key is always true.

use datafusion::{
    common::{Result, tree_node::Transformed},
    logical_expr::{Expr, Join, LogicalPlan},
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// The rule; behind those that fold constants.
#[derive(Debug)]
pub(super) struct ConstantKeys;

impl OptimizerRule for ConstantKeys {
    fn name(&self) -> &'static str {
        "constant_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        Ok(match plan {
            LogicalPlan::Join(mut join) if !join.null_aware && has_constant_key(&join) => {
                join.on.retain(|key| !is_constant(key));
                Transformed::yes(LogicalPlan::Join(join))
            }
            other => Transformed::no(other),
        })
    }
}

fn has_constant_key(join: &Join) -> bool {
    join.on.iter().any(is_constant)
}

/// Whether both sides of a key are one constant, which is not NULL.
fn is_constant((left, right): &(Expr, Expr)) -> bool {
    matches!((left, right), (Expr::Literal(left, _), Expr::Literal(right, _)) if left == right && !left.is_null())
}
