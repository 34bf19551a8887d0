//! The inside of a correlated subquery: what it reads, which conditions tie it to the outer row, what it
//! answers.

use std::collections::HashMap;

use datafusion::{
    common::{
        Column, Result, plan_err,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Distinct, Expr, FetchType, JoinType, LogicalPlan, LogicalPlanBuilder, SkipType, SortExpr, lit,
        utils::split_conjunction,
    },
};

use super::{
    NameCounter, column,
    domain::Domain,
    plain::{outer_refs, refers_further},
};

/// Whether a plan refers to rows outside of it.
fn has_outer(plan: &LogicalPlan) -> bool {
    outer_refs(plan).is_ok_and(|refs| !refs.is_empty())
}

/// Rows of a subquery without the conditions that tie them to the outer row.
pub(super) struct Inner {
    /// The rows, all columns under names of their own, with a last column that is true.
    pub plan: LogicalPlan,
    /// The conditions, over the columns of [`Self::plan`] and those of the outer row.
    pub conditions: Vec<Expr>,
    /// The column that is true in every row.
    pub present: Expr,
    names: HashMap<Column, Column>,
}

impl Inner {
    /// Takes the conditions out of `plan`; `None` where they cannot be moved up without changing the answer.
    pub(super) fn new(plan: &LogicalPlan, number: usize) -> Result<Option<Self>> {
        let mut conditions = Vec::new();
        let Some(plan) = pull_up(plan, &mut conditions)? else { return Ok(None) };
        let mut inner = Self::named(plan, number)?;
        inner.conditions = conditions.into_iter().map(|expr| inner.seen(expr)).collect::<Result<_>>()?;
        Ok(Some(inner))
    }

    /// Computes `plan` for all values that the rows of `outer` have.
    pub(super) fn for_each(
        plan: &LogicalPlan,
        outer: &LogicalPlan,
        numbers: &mut NameCounter,
    ) -> Result<Self> {
        let number = numbers.next();
        let mut domain = Domain::of(outer, plan, numbers)?;
        let answers = domain.apply(plan)?;
        let conditions = domain.asked_by(outer, &answers)?;
        let mut inner = Self::named(answers.plan, number)?;
        inner.conditions = conditions.into_iter().map(|expr| inner.seen(expr)).collect::<Result<_>>()?;
        Ok(inner)
    }

    /// The plan's columns under names of their own.
    fn named(plan: LogicalPlan, number: usize) -> Result<Self> {
        let alias = format!("__subquery_{number}");
        let mut names = HashMap::new();
        let mut items = Vec::new();
        for (index, old) in plan.schema().columns().into_iter().enumerate() {
            let name = format!("c{index}");
            items.push(Expr::Column(old.clone()).alias(&name));
            names.insert(old, column(&alias, name));
        }
        items.push(lit(true).alias("present"));
        let plan = LogicalPlanBuilder::from(plan).project(items)?.alias(alias.as_str())?.build()?;
        let present = Expr::Column(column(&alias, "present"));
        Ok(Self { plan, conditions: Vec::new(), present, names })
    }

    /// An expression of the subquery as it is seen beside the outer row.
    pub(super) fn seen(&self, expr: Expr) -> Result<Expr> {
        let seen = expr.transform_up(|expr| {
            Ok(match expr {
                Expr::OuterReferenceColumn(_, outer) => Transformed::yes(Expr::Column(outer)),
                Expr::Column(old) => match self.names.get(&old) {
                    Some(new) => Transformed::yes(Expr::Column(new.clone())),
                    None => Transformed::no(Expr::Column(old)),
                },
                other => Transformed::no(other),
            })
        })?;
        Ok(seen.data)
    }
}

fn pull_up(plan: &LogicalPlan, conditions: &mut Vec<Expr>) -> Result<Option<LogicalPlan>> {
    if !has_outer(plan) {
        return Ok(Some(plan.clone()));
    }
    match plan {
        LogicalPlan::Filter(filter) => {
            let Some(input) = pull_up(&filter.input, conditions)? else { return Ok(None) };
            let mut kept = Vec::new();
            for part in split_conjunction(&filter.predicate) {
                if !stays_below(part, plan)? {
                    return Ok(None);
                }
                if part.contains_outer() { conditions.push(part.clone()) } else { kept.push(part.clone()) }
            }
            let input = LogicalPlanBuilder::from(input);
            Ok(Some(match kept.into_iter().reduce(Expr::and) {
                Some(kept) => input.filter(kept)?.build()?,
                None => input.build()?,
            }))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            if join.on.iter().any(|(a, b)| a.contains_outer() || b.contains_outer()) {
                return Ok(None);
            }
            let mut join = join.clone();
            let Some(left) = pull_up(&join.left, conditions)? else { return Ok(None) };
            let Some(right) = pull_up(&join.right, conditions)? else { return Ok(None) };
            (join.left, join.right) = (left.into(), right.into());
            if let Some(filter) = join.filter.take() {
                if !stays_below(&filter, plan)? {
                    return Ok(None);
                }
                let (outer, own): (Vec<_>, Vec<_>) =
                    split_conjunction(&filter).into_iter().cloned().partition(Expr::contains_outer);
                conditions.extend(outer);
                join.filter = own.into_iter().reduce(Expr::and);
            }
            Ok(Some(LogicalPlan::Join(join)))
        }
        _ => Ok(None),
    }
}

/// Whether the subqueries in a condition of `node`, if there are any, refer to rows below it alone.
fn stays_below(condition: &Expr, node: &LogicalPlan) -> Result<bool> {
    let is_mixed = condition.contains_outer() && super::has_subquery(condition);
    Ok(!is_mixed && !refers_further(condition, node)?)
}

/// Answer of a subquery from its rows: the value, and which of the rows counts.
pub(super) struct Answer<'p> {
    pub value: Expr,
    pub order: Vec<SortExpr>,
    /// The first row is the answer, however many there are.
    pub first: bool,
    pub distinct: bool,
    /// Plan whose rows the value is computed from.
    pub below: &'p LogicalPlan,
}

impl<'p> Answer<'p> {
    /// A subquery as it is.
    pub(super) fn whole(plan: &'p LogicalPlan) -> Result<Self> {
        let Some(first) = plan.schema().columns().into_iter().next() else {
            return plan_err!("a correlated subquery without columns");
        };
        let value = Expr::Column(first);
        Ok(Self { value, order: Vec::new(), first: false, distinct: false, below: plan })
    }

    /// Takes a subquery of one column apart; `None` when it limits its rows in another way.
    pub(super) fn of(plan: &'p LogicalPlan) -> Result<Option<Self>> {
        let mut answer = Self::whole(plan)?;
        while has_outer(answer.below) {
            answer.below = match answer.below {
                LogicalPlan::Projection(projection) => {
                    let items = projection.schema.columns().into_iter().zip(&projection.expr);
                    answer.substitute(items.map(|(name, expr)| (name, expr.clone().unalias())))?;
                    &projection.input
                }
                LogicalPlan::SubqueryAlias(alias) => {
                    let names = alias.schema.columns().into_iter().zip(alias.input.schema().columns());
                    answer.substitute(names.map(|(new, old)| (new, Expr::Column(old))))?;
                    &alias.input
                }
                LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
                    if answer.order.is_empty() {
                        answer.order.clone_from(&sort.expr);
                    }
                    &sort.input
                }
                LogicalPlan::Limit(limit) if answer.order.is_empty() => {
                    match (limit.get_skip_type()?, limit.get_fetch_type()?) {
                        (SkipType::Literal(0), FetchType::Literal(Some(1))) => answer.first = true,
                        _ => return Ok(None),
                    }
                    &limit.input
                }
                LogicalPlan::Distinct(Distinct::All(input)) if answer.order.is_empty() && !answer.first => {
                    answer.distinct = true;
                    input
                }
                _ => break,
            };
        }
        Ok(Some(answer))
    }

    fn substitute(&mut self, items: impl Iterator<Item = (Column, Expr)>) -> Result<()> {
        let items: HashMap<Column, Expr> = items.collect();
        self.value = substitute(std::mem::take(&mut self.value), &items)?;
        for sort in &mut self.order {
            sort.expr = substitute(std::mem::take(&mut sort.expr), &items)?;
        }
        Ok(())
    }
}

/// An expression with other expressions in the place of columns.
pub(super) fn substitute(expr: Expr, items: &HashMap<Column, Expr>) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| {
        Ok(match expr {
            Expr::Column(name) => match items.get(&name) {
                Some(item) => Transformed::yes(item.clone()),
                None => Transformed::no(Expr::Column(name)),
            },
            other => Transformed::no(other),
        })
    })?;
    Ok(replaced.data)
}
