//! Subqueries that DataFusion plans but cannot run: `EXISTS` and `IN` outside of a condition's top,
//! subqueries for one value whose correlation is more than equality or that are not aggregates.
//!
//! ```text
//!   node(… EXISTS (S) …)      ──▶  node(… mark …) over  input ⟕mark S
//!   node(… (SELECT f(x)) …)   ──▶  node(… value …) over aggregate by row of  input ⟕ S
//! ```
//!
//! 1. Conditions that tie a subquery to the outer row are taken out of it where that changes nothing
//!    ([`inner`]). The input of the node is then read once: rows get a number, and are grouped by it.
//! 2. Any other subquery is computed for all values of the outer rows at once ([`dependent`]), which are read
//!    for that.
//! 3. A condition that is an `EXISTS` or an `IN` keeps rows: it is a semi join ([`kept`]).
//! 4. DataFusion makes joins of the shapes for which it does that rightly ([`plain`]), and of subqueries that
//!    refer to nothing outside.

mod attach;
mod dependent;
mod domain;
mod hidden;
mod inner;
mod joined;
mod kept;
mod lateral;
mod membership;
mod plain;
mod sides;
mod sorted;

use datafusion::{
    common::{
        Column, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, JoinType, LogicalPlan, LogicalPlanBuilder, expr::Exists, expr_rewriter::NamePreserver, lit,
        utils::split_conjunction,
    },
};

use attach::Attached;
pub(crate) use hidden::HiddenTables;
use kept::KeptRows;
use plain::{is_joined, is_one_value, outer_refs};

use super::values::coerce_values;
use crate::postgres::{ast::balanced, exprs::has_subquery, walk::rewrite_nodes};

/// Replaces the subqueries of a plan that DataFusion could not run.
pub(crate) fn replace_subqueries(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut numbers = NameCounter::default();
    rewrite_nodes(plan, |node| match node {
        LogicalPlan::Values(values) if values.values.iter().flatten().any(has_subquery) => {
            rows_of_values(values).map(Transformed::yes)
        }
        LogicalPlan::Join(join)
            if join.join_type == JoinType::Inner && join.filter.as_ref().is_some_and(has_subquery) =>
        {
            replace_in(lateral::filtered(join)?, &mut numbers)?
                .transform_data(|node| Ok(Transformed::yes(node)))
        }
        LogicalPlan::Join(join)
            if join.join_type == JoinType::Left && join.filter.as_ref().is_some_and(has_subquery) =>
        {
            lateral::conditioned(join, &mut numbers)
        }
        LogicalPlan::Join(join)
            if matches!(join.join_type, JoinType::Right | JoinType::Full)
                && join.filter.as_ref().is_some_and(has_subquery) =>
        {
            sides::answered(join, &mut numbers)
        }
        LogicalPlan::Join(join) if lateral::is_lateral(&join) => lateral::replace(join, &mut numbers),
        LogicalPlan::Sort(sort) if sort.expr.iter().any(|key| has_subquery(&key.expr)) => {
            let columns = sort.input.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
            let sort = LogicalPlan::Sort(sorted::with_columns(sort, &mut numbers)?);
            let sorted = LogicalPlanBuilder::from(replace_in(sort, &mut numbers)?.data);
            Ok(Transformed::yes(sorted.project(columns)?.build()?))
        }
        LogicalPlan::Aggregate(aggregate) => {
            plain::check_aggregates(&aggregate)?;
            replace_in(LogicalPlan::Aggregate(aggregate), &mut numbers)
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
    let values = coerce_values(values)?;
    let columns = values.schema.columns();
    let rows = values.values.into_iter().map(|row| {
        let named = row.into_iter().zip(&columns).map(|(value, column)| value.alias(&column.name));
        LogicalPlanBuilder::empty(true).project(named.collect::<Vec<_>>())?.build()
    });
    let both = |left: Result<LogicalPlan>, right: Result<LogicalPlan>| {
        LogicalPlanBuilder::from(left?).union(right?)?.build()
    };
    balanced(rows.collect(), &both).unwrap_or_else(|| LogicalPlanBuilder::empty(false).build())
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
                if is_joined(&part) {
                    return Ok(part);
                }
                if let Some(kept) = KeptRows::of(&part) {
                    changed = true;
                    match kept {
                        KeptRows::Members(asked, subquery) => {
                            let asked = replace(asked.clone(), &node, &mut attached)?.data;
                            attached.keep_members(asked, subquery)?;
                        }
                        KeptRows::Partnered { subquery, negated } => {
                            attached.keep_partnered(subquery, negated)?;
                        }
                    }
                    return Ok(lit(true));
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

/// An expression with columns of the attached plans in the place of its subqueries.
fn replace(expr: Expr, node: &LogicalPlan, attached: &mut Attached<'_>) -> Result<Transformed<Expr>> {
    expr.transform_down(|expr| {
        let answer = match &expr {
            Expr::Exists(Exists { subquery, negated }) if outer_refs(&subquery.subquery)?.is_empty() => {
                Some(negate(attach::has_rows((*subquery.subquery).clone())?, *negated))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                Some(negate(attached.exists(&subquery.subquery)?, *negated))
            }
            Expr::InSubquery(within) => {
                let asked = replace(within.expr.as_ref().clone(), node, attached)?.data;
                let answer = attached.contains(asked, &within.subquery.subquery)?;
                Some(negate(answer, within.negated))
            }
            Expr::SetComparison(compared) => Some(attached.compares(compared)?),
            Expr::ScalarSubquery(subquery) if !is_one_value(&subquery.subquery, node)? => {
                Some(attached.value(&subquery.subquery)?)
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

fn column(qualifier: &str, name: impl Into<String>) -> Column {
    Column::new(Some(qualifier), name.into())
}
