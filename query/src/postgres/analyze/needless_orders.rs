//! Orders of rows for aggregates that answer the same in any: `avg(a ORDER BY b)`. DataFusion hands the keys
//! of the order to the aggregate as arguments, where many of them fail.

use datafusion::{
    common::tree_node::Transformed,
    logical_expr::{Expr, expr::AggregateFunction},
};

/// Takes the order out where it does not matter. The keys of a `DISTINCT` one are its arguments.
pub(super) fn without_order(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::AggregateFunction(mut call) if has_needless_order(&call) => {
            call.params.order_by.clear();
            Transformed::yes(Expr::AggregateFunction(call))
        }
        other => Transformed::no(other),
    }
}

fn has_needless_order(call: &AggregateFunction) -> bool {
    !call.params.order_by.is_empty()
        && !call.params.distinct
        && answers_the_same_in_any_order(call.func.name())
}

fn answers_the_same_in_any_order(name: &str) -> bool {
    matches!(
        name,
        "avg"
            | "count"
            | "min"
            | "max"
            | "sum"
            | "stddev"
            | "stddev_pop"
            | "var"
            | "var_pop"
            | "covar_samp"
            | "covar_pop"
            | "corr"
            | "bit_and"
            | "bit_or"
            | "bit_xor"
            | "bool_and"
            | "bool_or"
            | "median"
            | "approx_distinct"
    ) || name.starts_with("regr_")
}
