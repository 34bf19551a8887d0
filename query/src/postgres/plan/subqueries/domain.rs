//! The values of the outer row that a subquery is computed for.
//!
//! Rows share the answer for a value. Where values of a type can be equal and not the same, `-0` and `0`, the
//! subquery may tell them apart: then keys that are the same for the same value alone take their place, and
//! the subquery sees the values that they stand for.

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        Column, DFSchema, Result, plan_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
};

use super::{NameCounter, joined::equal_values, plain::refers_further};
use crate::postgres::{
    exprs::{has, type_of},
    functions::{exact_key, exact_value, needs_exact_key},
    shared_rows::SharedRows,
};

/// Each combination of values once that the outer rows have in the columns a subquery refers to.
pub(super) struct Domain<'n> {
    /// The columns of the outer rows.
    pub columns: Vec<Column>,
    /// The types of those that have keys in their place.
    keyed: Vec<Option<DataType>>,
    values: LogicalPlan,
    pub numbers: &'n mut NameCounter,
}

/// A plan with the values beside its rows that they were computed for.
pub(super) struct Dependent {
    pub plan: LogicalPlan,
    /// The columns of the plan that hold them, in the order of [`Domain::columns`].
    pub outer: Vec<Column>,
}

impl Dependent {
    pub(super) fn outer_exprs(&self) -> impl Iterator<Item = Expr> + '_ {
        self.outer.iter().cloned().map(Expr::Column)
    }

    /// With another plan above it that has the same columns.
    pub(super) fn with(self, plan: LogicalPlan) -> Self {
        Self { plan, ..self }
    }
}

impl<'n> Domain<'n> {
    /// The values for `subquery` that the rows of `outer` have.
    pub(super) fn of(
        outer: &LogicalPlan,
        subquery: &LogicalPlan,
        numbers: &'n mut NameCounter,
    ) -> Result<Self> {
        let mut columns = outer_columns(subquery)?;
        columns.retain(|column| outer.schema().has_column(column));
        let source = without_row_limits(outer, &columns);
        if !columns.is_empty() && has_volatile(source) {
            return plan_err!("the rows of a correlated subquery cannot be read twice");
        }
        let keyed = columns.iter().map(|column| {
            let data_type = type_of(&Expr::Column(column.clone()), outer.schema());
            needs_exact_key(&data_type).then_some(data_type)
        });
        let keyed: Vec<Option<DataType>> = keyed.collect();
        let items =
            asked(&columns, &keyed).enumerate().map(|(index, value)| value.alias(format!("__outer_{index}")));
        let items: Vec<Expr> = items.collect();
        let source = LogicalPlanBuilder::from(source.clone());
        let values = match columns.len() {
            0 => LogicalPlanBuilder::empty(true).build()?,
            _ => source.project(items)?.distinct()?.build()?,
        };
        Ok(Self { columns, keyed, values, numbers })
    }

    /// Conditions for an answer to be that for one of the outer rows.
    pub(super) fn asked_by(&self, outer: &LogicalPlan, answers: &Dependent) -> Result<Vec<Expr>> {
        let asked = asked(&self.columns, &self.keyed);
        equal_values(asked, outer.schema(), answers.outer_exprs(), answers.plan.schema())
    }

    /// The values under names of their own.
    pub(super) fn instance(&mut self) -> Result<Dependent> {
        let number = self.numbers.next();
        let (mut items, mut outer) = (Vec::new(), Vec::new());
        for (index, value) in self.values.schema().columns().into_iter().enumerate() {
            let name = format!("__outer_{number}_{index}");
            items.push(Expr::Column(value).alias(&name));
            outer.push(Column::new_unqualified(name));
        }
        if items.is_empty() {
            return Ok(Dependent { plan: self.values.clone(), outer });
        }
        let plan = LogicalPlanBuilder::from(self.values.clone()).project(items)?.build()?;
        Ok(Dependent { plan, outer })
    }

    /// All rows of a plan for each of the values.
    pub(super) fn beside(&mut self, plan: &LogicalPlan) -> Result<Dependent> {
        let instance = self.instance()?;
        let is_one_row = matches!(plan, LogicalPlan::EmptyRelation(empty)
            if empty.produce_one_row && empty.schema.fields().is_empty());
        if is_one_row {
            return Ok(instance);
        }
        if instance.outer.is_empty() {
            return Ok(Dependent { plan: plan.clone(), ..instance });
        }
        let joined = LogicalPlanBuilder::from(plan.clone()).cross_join(instance.plan)?.build()?;
        Ok(Dependent { plan: joined, outer: instance.outer })
    }

    /// Whether a plan refers to one of the columns.
    pub(super) fn is_in(&self, plan: &LogicalPlan) -> Result<bool> {
        plan.exists(|node| Ok(node.expressions().iter().any(|expr| self.is_in_expr(expr))))
    }

    pub(super) fn is_in_expr(&self, expr: &Expr) -> bool {
        has(expr, |part| matches!(part, Expr::OuterReferenceColumn(_, name) if self.columns.contains(name)))
    }

    /// An expression of the subquery with `outer` in the place of what it refers to.
    pub(super) fn seen(&self, expr: Expr, outer: &[Column]) -> Result<Expr> {
        let seen = expr.transform_up(|expr| {
            let place = match &expr {
                Expr::OuterReferenceColumn(_, name) => self.columns.iter().position(|column| column == name),
                _ => None,
            };
            Ok(match place.and_then(|place| outer.get(place).zip(self.keyed.get(place))) {
                Some((column, keyed)) => {
                    let column = Expr::Column(column.clone());
                    Transformed::yes(match keyed {
                        Some(data_type) => exact_value(column, data_type.clone()),
                        None => column,
                    })
                }
                None => Transformed::no(expr),
            })
        })?;
        Ok(seen.data)
    }
}

/// The values of an outer row, with keys in the place of those that need them.
fn asked<'c>(columns: &'c [Column], keyed: &'c [Option<DataType>]) -> impl Iterator<Item = Expr> + 'c {
    columns.iter().cloned().map(Expr::Column).zip(keyed).map(|(value, keyed)| match keyed {
        Some(_) => exact_key(value),
        None => value,
    })
}

/// The columns outside of a plan that it refers to; an error where a subquery within refers to more than the
/// rows it is asked for.
fn outer_columns(plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        for expr in node.expressions() {
            if refers_further(&expr, node)? {
                return plan_err!("a correlated subquery refers further out");
            }
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, name) = part
                    && !found.contains(name)
                {
                    found.push(name.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// A part of a plan that has all values of `columns` which the plan has, maybe more: rows that a limit may
/// choose freely would be others when they are read again.
fn without_row_limits<'p>(plan: &'p LogicalPlan, columns: &[Column]) -> &'p LogicalPlan {
    let input: &LogicalPlan = match plan {
        LogicalPlan::Limit(limit) => &limit.input,
        LogicalPlan::Sort(sort) => &sort.input,
        LogicalPlan::Window(window) => &window.input,
        _ => return plan,
    };
    let has_all = |schema: &DFSchema| columns.iter().all(|column| schema.has_column(column));
    if has_all(input.schema()) { without_row_limits(input, columns) } else { plan }
}

fn has_volatile(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply(|node| {
        if SharedRows::is_at(node) {
            return Ok(TreeNodeRecursion::Jump);
        }
        found |= node.expressions().iter().any(Expr::is_volatile);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found || walked.is_err()
}
