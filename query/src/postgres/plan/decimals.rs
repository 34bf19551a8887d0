//! Floats beside other numbers, which meet in `DOUBLE` as in Postgres, wherever two values are compared or
//! computed with.
//!
//! | | DataFusion | here |
//! |---|---|---|
//! | `DOUBLE` or `REAL` beside `DECIMAL` | a `DECIMAL(30, 15)`, which loses digits | `DOUBLE` |
//! | `REAL` beside an integer | a `REAL`, in which 16777217 is 16777216 | `DOUBLE` |
//! | `REAL` in a list of `IN` | the same | `REAL`, unless there is one value alone |

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    logical_expr::{
        Between, BinaryExpr, Case, Cast, Expr, Join, LogicalPlan, LogicalPlanBuilder, Subquery,
        expr::{InList, InSubquery},
    },
};

use crate::postgres::exprs::{cast_in_place, is_float, type_of};

/// Whether numbers of these types meet in a `DOUBLE`, and DataFusion would take another type.
fn meet_in_double<'t>(types: impl IntoIterator<Item = &'t DataType>) -> bool {
    let (mut float, mut decimal, mut real, mut other) = (false, false, false, false);
    for data_type in types {
        float |= is_float(data_type);
        decimal |= data_type.is_decimal();
        real |= *data_type == DataType::Float32;
        other |= data_type.is_numeric() && !is_float(data_type);
    }
    (float && decimal) || (real && other)
}

/// As [`meet_in_double`], for expressions.
fn is_mixed<'e>(exprs: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> bool {
    let types: Vec<DataType> = exprs.into_iter().map(|expr| type_of(expr, schema)).collect();
    meet_in_double(&types)
}

/// The number as a `DOUBLE`.
pub(super) fn float(expr: Expr, schema: &DFSchema) -> Expr {
    if let Expr::Literal(value, metadata) = &expr
        && value.data_type().is_decimal()
        && let Some(value) = literal_as_float(value)
    {
        return Expr::Literal(value, metadata.clone());
    }
    let data_type = type_of(&expr, schema);
    if data_type.is_numeric() && data_type != DataType::Float64 {
        return Expr::Cast(Cast::new(Box::new(expr), DataType::Float64));
    }
    expr
}

/// The double nearest to a decimal, by its text: a cast divides, and rounds twice.
pub(crate) fn literal_as_float(value: &ScalarValue) -> Option<ScalarValue> {
    if value.is_null() {
        return Some(ScalarValue::Float64(None));
    }
    value.to_string().parse().ok().map(|value| ScalarValue::Float64(Some(value)))
}

fn boxed(mut expr: Box<Expr>, schema: &DFSchema) -> Box<Expr> {
    *expr = float(std::mem::take(&mut *expr), schema);
    expr
}

fn all(exprs: Vec<Expr>, schema: &DFSchema) -> Vec<Expr> {
    exprs.into_iter().map(|expr| float(expr, schema)).collect()
}

pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_mixed([left.as_ref(), right.as_ref()], schema) =>
        {
            let (left, right) = (boxed(left, schema), boxed(right, schema));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::Between(Between { expr, negated, low, high })
            if is_mixed([expr.as_ref(), low.as_ref(), high.as_ref()], schema) =>
        {
            let (expr, low, high) = (boxed(expr, schema), boxed(low, schema), boxed(high, schema));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated })
            if is_mixed(std::iter::once(expr.as_ref()).chain(&list), schema) =>
        {
            let is_double = |expr: &Expr| type_of(expr, schema) == DataType::Float64;
            let has_double = is_double(&expr) || list.iter().any(is_double);
            let (mut expr, mut list) = (boxed(expr, schema), all(list, schema));
            if list.len() > 1 && !has_double {
                for number in std::iter::once(expr.as_mut()).chain(&mut list) {
                    cast_in_place(number, &DataType::Float32);
                }
            }
            Transformed::yes(Expr::InList(InList { expr, list, negated }))
        }
        Expr::Case(case) => coerce_case(case, schema),
        Expr::InSubquery(within) => coerce_in_subquery(within, schema)?,
        expr => Transformed::no(expr),
    })
}

/// Gives the operand of a `CASE` and what it is compared with one type.
fn coerce_case(case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let Case { expr, when_then_expr, else_expr } = case;
    let operands = expr.as_deref().into_iter().chain(when_then_expr.iter().map(|(when, _)| when.as_ref()));
    let changed = expr.is_some() && is_mixed(operands, schema);
    let when = |when| if changed { boxed(when, schema) } else { when };
    let case = Case {
        expr: expr.map(when),
        when_then_expr: when_then_expr.into_iter().map(|(a, then)| (when(a), then)).collect(),
        else_expr,
    };
    Transformed::new_transformed(Expr::Case(case), changed)
}

fn coerce_in_subquery(within: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { expr, subquery, negated } = within;
    let inner = subquery.subquery.schema();
    let inner_type = inner.fields().first().map_or(DataType::Null, |field| field.data_type().clone());
    let outer_type = type_of(&expr, schema);
    let changed = meet_in_double([&inner_type, &outer_type]);
    let (expr, subquery) = if changed {
        let plan = floats(Arc::unwrap_or_clone(subquery.subquery), &[true])?;
        (boxed(expr, schema), Subquery { subquery: Arc::new(plan), ..subquery })
    } else {
        (expr, subquery)
    };
    Ok(Transformed::new_transformed(Expr::InSubquery(InSubquery { expr, subquery, negated }), changed))
}

pub(super) fn coerce_join(mut join: Join) -> Transformed<Join> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let mut changed = false;
    for (a, b) in &mut join.on {
        if meet_in_double([&type_of(a, &left), &type_of(b, &right)]) {
            *a = float(std::mem::take(a), &left);
            *b = float(std::mem::take(b), &right);
            changed = true;
        }
    }
    Transformed::new_transformed(join, changed)
}

/// The rows of a plan, with the marked columns as `DOUBLE`s.
fn floats(plan: LogicalPlan, marked: &[bool]) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let exprs = schema.columns().into_iter().zip(marked).map(|(column, marked)| {
        let expr = Expr::Column(column.clone());
        if *marked { float(expr, &schema).alias_qualified(column.relation, column.name) } else { expr }
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}
