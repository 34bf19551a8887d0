//! `DOUBLE` beside `DECIMAL`: DataFusion makes both a `DECIMAL(30, 15)`, which loses digits; here both become `DOUBLE`, as
//! in Postgres, wherever two values get one type.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue, tree_node::Transformed},
    logical_expr::{
        Between, BinaryExpr, Case, Cast, Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder,
        Subquery, Values,
        expr::{InList, InSubquery, ScalarFunction},
    },
};

use crate::postgres::exprs::{is_float, type_of};

/// Functions whose answer is one of their arguments.
const ARGUMENT_RETURNING: &[&str] =
    &["coalesce", "nullif", "nvl", "ifnull", "nvl2", "greatest", "least", "make_array"];

/// Whether a `DOUBLE` and a `DECIMAL` are among the expressions.
fn is_mixed<'e>(exprs: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> bool {
    let (mut float, mut decimal) = (false, false);
    for expr in exprs {
        let data_type = type_of(expr, schema);
        float |= is_float(&data_type);
        decimal |= data_type.is_decimal();
    }
    float && decimal
}

/// The expression as a `DOUBLE` if it is a `DECIMAL`.
fn float(expr: Expr, schema: &DFSchema) -> Expr {
    if let Expr::Literal(value, metadata) = &expr
        && value.data_type().is_decimal()
        && let Some(value) = literal_as_float(value)
    {
        return Expr::Literal(value, metadata.clone());
    }
    if type_of(&expr, schema).is_decimal() {
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
            let (expr, list) = (boxed(expr, schema), all(list, schema));
            Transformed::yes(Expr::InList(InList { expr, list, negated }))
        }
        Expr::Case(case) => coerce_case(case, schema),
        Expr::ScalarFunction(ScalarFunction { func, args })
            if ARGUMENT_RETURNING.contains(&func.name()) && is_mixed(&args, schema) =>
        {
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: all(args, schema) }))
        }
        Expr::InSubquery(within) => coerce_in_subquery(within, schema)?,
        expr => Transformed::no(expr),
    })
}

fn coerce_case(case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let Case { expr, when_then_expr, else_expr } = case;
    let answers = when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(else_expr.as_deref());
    let answers = is_mixed(answers, schema);
    let operands = expr.as_deref().into_iter().chain(when_then_expr.iter().map(|(when, _)| when.as_ref()));
    let operands = expr.is_some() && is_mixed(operands, schema);
    let when = |when| if operands { boxed(when, schema) } else { when };
    let then = |then| if answers { boxed(then, schema) } else { then };
    let case = Case {
        expr: expr.map(when),
        when_then_expr: when_then_expr.into_iter().map(|(a, b)| (when(a), then(b))).collect(),
        else_expr: else_expr.map(then),
    };
    Transformed::new_transformed(Expr::Case(case), answers || operands)
}

fn coerce_in_subquery(within: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { expr, subquery, negated } = within;
    let inner = subquery.subquery.schema();
    let inner_type = inner.fields().first().map_or(DataType::Null, |field| field.data_type().clone());
    let outer_type = type_of(&expr, schema);
    let (expr, subquery, changed) = if is_float(&inner_type) && outer_type.is_decimal() {
        (boxed(expr, schema), subquery, true)
    } else if is_float(&outer_type) && inner_type.is_decimal() {
        let plan = floats(Arc::unwrap_or_clone(subquery.subquery), &[true])?;
        (expr, Subquery { subquery: Arc::new(plan), ..subquery }, true)
    } else {
        (expr, subquery, false)
    };
    Ok(Transformed::new_transformed(Expr::InSubquery(InSubquery { expr, subquery, negated }), changed))
}

pub(super) fn coerce_join(mut join: Join) -> Transformed<LogicalPlan> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let mut changed = false;
    for (a, b) in &mut join.on {
        let types = (type_of(a, &left), type_of(b, &right));
        if is_float(&types.0) && types.1.is_decimal() {
            *b = float(std::mem::take(b), &right);
            changed = true;
        } else if types.0.is_decimal() && is_float(&types.1) {
            *a = float(std::mem::take(a), &left);
            changed = true;
        }
    }
    Transformed::new_transformed(LogicalPlan::Join(join), changed)
}

/// `VALUES` come with casts to the type that their rows have in common.
pub(super) fn coerce_values(values: Values) -> Result<Values> {
    let empty = DFSchema::empty();
    let Values { schema, mut values } = values;
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut changed = false;
    for (column, field) in fields.iter_mut().enumerate() {
        let from_float = |expr: &Expr| match expr {
            Expr::Cast(cast) => is_float(&type_of(&cast.expr, &empty)),
            _ => false,
        };
        let decimal_type = field.data_type().clone();
        if !decimal_type.is_decimal() || !values.iter().any(|row| from_float(&row[column])) {
            continue;
        }
        changed = true;
        *field = Arc::new(field.as_ref().clone().with_data_type(DataType::Float64));
        for row in &mut values {
            let value = match std::mem::take(&mut row[column]) {
                Expr::Cast(cast) if *cast.field.data_type() == decimal_type => *cast.expr,
                other => other,
            };
            row[column] = match value {
                Expr::Literal(value, _) if value.is_null() => Expr::Literal(ScalarValue::Float64(None), None),
                value => float(value, &empty).cast_to(&DataType::Float64, &empty)?,
            };
        }
    }
    if !changed {
        return Ok(Values { schema, values });
    }
    let schema = DFSchema::from_unqualified_fields(fields.into(), schema.metadata().clone())?;
    Ok(Values { schema: Arc::new(schema), values })
}

/// The rows of a plan, with the marked columns as `DOUBLE`s.
pub(super) fn floats(plan: LogicalPlan, marked: &[bool]) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let exprs = schema.columns().into_iter().zip(marked).map(|(column, marked)| {
        let expr = Expr::Column(column.clone());
        if *marked && type_of(&expr, &schema).is_decimal() {
            float(expr, &schema).alias_qualified(column.relation, column.name)
        } else {
            expr
        }
    });
    let exprs: Vec<Expr> = exprs.collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}
