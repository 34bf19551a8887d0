//! Expressions that grow while a plan is optimized.
//!
//! DataFusion puts the expressions of a derived table in the place of its columns, wherever a condition or an
//! order uses them, and makes of a `CASE` of truth values a term that names each condition several times. A
//! short text can so become an expression of any size: `v` of
//! `SELECT v * v AS v FROM (SELECT v * v AS v FROM …)` doubles with every level. Such a plan is refused
//! before it grows.

use datafusion::{
    common::{
        Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Case, Expr, JoinType, LogicalPlan},
};

use crate::error::Error;

/// The largest expression that a column may grow to, in terms.
const TERMS_MAX: u64 = 50_000;

/// Number of copies of a condition of a `CASE` in what is made of it.
const CASE_COPIES: u64 = 3;

/// Refuses a plan in which an expression could grow beyond bounds.
///
/// # Errors
/// 54000.
pub(crate) fn check_growth(plan: &LogicalPlan) -> Result<()> {
    sizes(plan).map(|_| ())
}

/// The sizes of a plan's columns, written out; none when all are plain.
type NodeSizes = Option<Vec<u64>>;

fn sizes(plan: &LogicalPlan) -> Result<NodeSizes> {
    Ok(match plan {
        LogicalPlan::Projection(node) => of_exprs(&node.expr, &sizes(&node.input)?, &node.input)?,
        LogicalPlan::Aggregate(node) => {
            let below = sizes(&node.input)?;
            of_exprs(&node.aggr_expr, &below, &node.input)?;
            let groups = of_exprs(&node.group_expr, &below, &node.input)?;
            let count = node.schema.fields().len();
            groups.filter(|_| node.group_expr.iter().all(|expr| !matches!(expr, Expr::GroupingSet(_)))).map(
                |mut groups| {
                    groups.resize(count, 1);
                    groups
                },
            )
        }
        LogicalPlan::Window(node) => {
            let below = sizes(&node.input)?;
            of_exprs(&node.window_expr, &below, &node.input)?;
            below.map(|mut below| {
                below.resize(node.schema.fields().len(), 1);
                below
            })
        }
        LogicalPlan::Join(node) => {
            let (left, right) = (sizes(&node.left)?, sizes(&node.right)?);
            let widths = (node.left.schema().fields().len(), node.right.schema().fields().len());
            match node.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    if left.is_none() && right.is_none() {
                        return Ok(None);
                    }
                    let mut both = left.unwrap_or_else(|| vec![1; widths.0]);
                    both.extend(right.unwrap_or_else(|| vec![1; widths.1]));
                    Some(both)
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right.map(|mut right| {
                    right.resize(node.schema.fields().len(), 1);
                    right
                }),
                _ => left.map(|mut left| {
                    left.resize(node.schema.fields().len(), 1);
                    left
                }),
            }
        }
        LogicalPlan::Union(node) => {
            let mut largest: NodeSizes = None;
            for input in &node.inputs {
                let Some(more) = sizes(input)? else { continue };
                match &mut largest {
                    None => largest = Some(more),
                    Some(largest) => {
                        largest.iter_mut().zip(more).for_each(|(size, other)| *size = other.max(*size));
                    }
                }
            }
            largest
        }
        LogicalPlan::Filter(node) => {
            let below = sizes(&node.input)?;
            of_exprs(std::slice::from_ref(&node.predicate), &below, &node.input)?;
            below
        }
        LogicalPlan::Sort(node) => {
            let below = sizes(&node.input)?;
            for sort in &node.expr {
                of_exprs(std::slice::from_ref(&sort.expr), &below, &node.input)?;
            }
            below
        }
        LogicalPlan::SubqueryAlias(node) => sizes(&node.input)?,
        LogicalPlan::Limit(node) => sizes(&node.input)?,
        LogicalPlan::Distinct(node) => sizes(node.input())?,
        LogicalPlan::TableScan(scan) => match scan.source.get_logical_plan() {
            Some(view) if scan.projection.is_none() => sizes(&view)?,
            Some(view) => {
                sizes(&view)?;
                None
            }
            None => None,
        },
        other => {
            for input in other.inputs() {
                sizes(input)?;
            }
            None
        }
    })
}

/// The sizes of expressions over an input whose columns have the sizes `below`.
fn of_exprs(exprs: &[Expr], below: &NodeSizes, input: &LogicalPlan) -> Result<NodeSizes> {
    let mut all = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let size = size_of(expr, below, input)?.max(1);
        if size > TERMS_MAX {
            return Err(Error::limit(format!(
                "an expression has more than {TERMS_MAX} terms when the columns it uses are written out"
            ))
            .with_hint("keep the rows of an inner query in a table: CREATE TABLE … AS SELECT …")
            .into());
        }
        all.push(size);
    }
    Ok(all.iter().any(|size| *size > 1).then_some(all))
}

fn size_of(expr: &Expr, below: &NodeSizes, input: &LogicalPlan) -> Result<u64> {
    match expr {
        // Lists of constants may be long.
        Expr::Literal(..) => return Ok(0),
        Expr::Column(column) => {
            let index = || input.schema().maybe_index_of_column(column);
            return Ok(below.as_ref().and_then(|below| below.get(index()?).copied()).unwrap_or(1));
        }
        Expr::ScalarSubquery(subquery) => {
            sizes(&subquery.subquery)?;
        }
        Expr::Exists(exists) => {
            sizes(&exists.subquery.subquery)?;
        }
        Expr::InSubquery(within) => {
            sizes(&within.subquery.subquery)?;
        }
        Expr::SetComparison(compared) => {
            sizes(&compared.subquery.subquery)?;
        }
        _ => {}
    }
    let mut size = u64::from(!matches!(expr, Expr::Alias(_) | Expr::Cast(_)));
    if let Expr::Case(case) = expr
        && is_written_out(case)
    {
        for (when, then) in &case.when_then_expr {
            let copied = size_of(when, below, input)?.saturating_mul(CASE_COPIES);
            size = size.saturating_add(copied).saturating_add(size_of(then, below, input)?);
        }
        let other = case.else_expr.as_ref().map_or(Ok(0), |other| size_of(other, below, input))?;
        return Ok(size.saturating_add(other));
    }
    expr.apply_children(|part| {
        size = size.saturating_add(size_of(part, below, input)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(size)
}

/// A `CASE` that becomes a term of `AND` and `OR` if its answers are truth values.
fn is_written_out(case: &Case) -> bool {
    let mut answers = case.when_then_expr.iter().map(|(_, then)| then);
    case.expr.is_none()
        && (case.when_then_expr.len() < 3 || answers.all(|then| matches!(then.as_ref(), Expr::Literal(..))))
}
