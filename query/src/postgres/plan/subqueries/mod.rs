//! Subqueries that DataFusion plans but cannot run: `EXISTS` and `IN` outside of a condition's top, subqueries for one
//! value whose correlation is more than equality or that are not aggregates.
//!
//! ```text
//!   node(… EXISTS (S) …)      ──▶  node(… mark …) over  input ⟕mark S
//!   node(… (SELECT f(x)) …)   ──▶  node(… value …) over aggregate by row of  input ⟕ S
//! ```
//!
//! 1. The input of the node is read once: rows get a number, and are grouped by it.
//! 2. What does not have one of the shapes known here stays as it is, and DataFusion has its say.

mod attach;
mod inner;

use datafusion::{
    common::{
        Column, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, expr::Exists,
        expr_rewriter::NamePreserver, lit, utils::split_conjunction,
    },
};

use attach::Attached;

use crate::postgres::{exprs::has_subquery, walk::rewrite_nodes};

/// Replaces the subqueries of a plan that DataFusion could not run.
pub(crate) fn replace_subqueries(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut numbers = NameCounter::default();
    rewrite_nodes(plan, |node| match node {
        LogicalPlan::Values(values) if values.values.iter().flatten().any(has_subquery) => {
            rows_of_values(values).map(Transformed::yes)
        }
        node => replace_in(node, &mut numbers),
    })
}

/// Tells the names that are made up here apart.
#[derive(Default)]
struct NameCounter(usize);

impl NameCounter {
    fn next(&mut self) -> usize {
        self.0 += 1;
        self.0
    }
}

/// A list of values, one query for each row: what is inside a list cannot ask.
fn rows_of_values(values: datafusion::logical_expr::Values) -> Result<LogicalPlan> {
    let columns = values.schema.columns();
    let mut rows = None;
    for row in values.values {
        let named = row.into_iter().zip(&columns).map(|(value, column)| value.alias(&column.name));
        let row = LogicalPlanBuilder::empty(true).project(named.collect::<Vec<_>>())?.build()?;
        rows = Some(match rows {
            None => LogicalPlanBuilder::from(row),
            Some(rows) => LogicalPlanBuilder::union(rows, row)?,
        });
    }
    match rows {
        Some(rows) => rows.build(),
        None => LogicalPlanBuilder::empty(false).build(),
    }
}

fn replace_in(node: LogicalPlan, numbers: &mut NameCounter) -> Result<Transformed<LogicalPlan>> {
    let passes_columns = match &node {
        LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) => false,
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Window(_) => true,
        _ => return Ok(Transformed::no(node)),
    };
    let exprs = node.expressions();
    if !exprs.iter().any(has_subquery) {
        return Ok(Transformed::no(node));
    }
    let inputs = node.inputs();
    let [input] = inputs.as_slice() else { return Ok(Transformed::no(node)) };
    let mut attached = Attached::new((*input).clone(), numbers);
    let mut replaced = Vec::with_capacity(exprs.len());
    let names = NamePreserver::new(&node);
    let mut changed = false;
    for expr in exprs {
        let name = names.save(&expr);
        let expr = if matches!(node, LogicalPlan::Filter(_)) {
            let parts: Vec<Expr> = split_conjunction(&expr).into_iter().cloned().collect();
            let parts = parts.into_iter().map(|part| {
                if plans_alone(&part) {
                    return Ok(part);
                }
                let part = replace(part, &node, &mut attached)?;
                changed |= part.transformed;
                Ok(part.data)
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            parts.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true))
        } else {
            let expr = replace(expr, &node, &mut attached)?;
            changed |= expr.transformed;
            expr.data
        };
        replaced.push(name.restore(expr));
    }
    if !changed {
        return Ok(Transformed::no(node));
    }
    let columns = node.schema().columns();
    let node = node.with_new_exprs(replaced, vec![attached.input])?.recompute_schema()?;
    if !passes_columns {
        return Ok(Transformed::yes(node));
    }
    let columns = columns.into_iter().map(Expr::Column).collect::<Vec<_>>();
    Ok(Transformed::yes(LogicalPlanBuilder::from(node).project(columns)?.build()?))
}

/// A condition that DataFusion makes a join of: the subquery is all of it.
fn plans_alone(condition: &Expr) -> bool {
    match condition {
        Expr::Not(inner) => plans_alone(inner),
        Expr::Exists(_) | Expr::InSubquery(_) => true,
        _ => false,
    }
}

/// An expression with columns of the attached plans in the place of its subqueries.
fn replace(expr: Expr, node: &LogicalPlan, attached: &mut Attached<'_>) -> Result<Transformed<Expr>> {
    expr.transform_down(|expr| {
        let answer = match &expr {
            Expr::Exists(Exists { subquery, negated }) if subquery.outer_ref_columns.is_empty() => {
                Some(negate(attach::has_rows((*subquery.subquery).clone())?, *negated))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                attached.exists(&subquery.subquery)?.map(|mark| negate(mark, *negated))
            }
            Expr::InSubquery(within) => attached
                .contains(&within.expr, &within.subquery.subquery)?
                .map(|answer| negate(answer, within.negated)),
            Expr::SetComparison(compared) => attached.compares(compared)?,
            Expr::ScalarSubquery(subquery) if !runs_alone(subquery, node) => {
                attached.value(&subquery.subquery)?
            }
            _ => None,
        };
        Ok(match answer {
            Some(answer) => Transformed::new(answer, true, TreeNodeRecursion::Jump),
            None => Transformed::no(expr),
        })
    })
}

fn negate(expr: Expr, negated: bool) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// Whether DataFusion can make a join of a subquery for one value.
fn runs_alone(subquery: &Subquery, node: &LogicalPlan) -> bool {
    if subquery.outer_ref_columns.is_empty() {
        return true;
    }
    let mut plan = subquery.subquery.as_ref();
    while let LogicalPlan::Projection(projection) = plan {
        if projection.expr.iter().any(Expr::contains_outer) {
            return false;
        }
        plan = projection.input.as_ref();
    }
    let LogicalPlan::Aggregate(aggregate) = plan else { return false };
    if !matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Filter(_))
        || !aggregate.group_expr.is_empty()
        || aggregate.aggr_expr.iter().any(Expr::contains_outer)
    {
        return false;
    }
    let LogicalPlan::Filter(filter) = aggregate.input.as_ref() else { return false };
    let inner = filter.input.as_ref();
    !inner::has_outer(inner)
        && split_conjunction(&filter.predicate).into_iter().all(|part| {
            !part.contains_outer() && !has_subquery(part)
                || matches!(part, Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                    if is_plain(left) && is_plain(right) && left.contains_outer() != right.contains_outer())
        })
}

fn is_plain(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::OuterReferenceColumn(..))
}

fn column(qualifier: &str, name: impl Into<String>) -> Column {
    Column::new(Some(qualifier), name.into())
}
