//! Values of `VALUES` whose columns may have several types, in calls of a function until they have one: the
//! planner makes text of what stands beside text in quotes, and `DECIMAL(30, 15)`s of doubles.

use sqlparser::ast::{DataType, Expr, SetExpr, UnaryOperator, Value, Values};

use super::arrays::call;
use crate::names::internal::ROW_VALUE;

/// Marks the values of a query's own rows, where that is needed.
pub(super) fn mark_values(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => mark(values),
        SetExpr::SetOperation { left, right, .. } => {
            mark_values(left);
            mark_values(right);
        }
        _ => {}
    }
}

fn mark(values: &mut Values) {
    let width = values.rows.first().map_or(0, |row| row.content.len());
    if values.rows.len() < 2 || values.rows.iter().any(|row| row.content.len() != width) {
        return;
    }
    for column in 0..width {
        if has_one_type(values.rows.iter().map(|row| &row.content[column])) {
            continue;
        }
        for row in &mut values.rows {
            let value = std::mem::replace(&mut row.content[column], Expr::value(Value::Null));
            // Text that may be read as another type decides nothing.
            let is_open = matches!(form_of(&value), ValueForm::Text | ValueForm::Parameter);
            let arguments = std::iter::once(value).chain(is_open.then(|| Expr::value(Value::Null)));
            row.content[column] = call(ROW_VALUE, arguments.collect());
        }
    }
}

/// What the planner takes a value for.
#[derive(PartialEq)]
enum ValueForm<'v> {
    Null,
    Text,
    Parameter,
    Digits,
    Boolean,
    Typed(&'v DataType),
    Other,
}

/// Whether the planner finds the type of a column.
fn has_one_type<'v>(values: impl Iterator<Item = &'v Expr>) -> bool {
    let (mut common, mut is_alike, mut is_text) = (None, true, true);
    for form in values.map(form_of).filter(|form| *form != ValueForm::Null) {
        is_text &= matches!(form, ValueForm::Text | ValueForm::Parameter);
        is_alike &= form != ValueForm::Other && common.as_ref().is_none_or(|common| *common == form);
        common.get_or_insert(form);
        if !is_alike && !is_text {
            return false;
        }
    }
    true
}

fn form_of(value: &Expr) -> ValueForm<'_> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::Null => ValueForm::Null,
            Value::SingleQuotedString(_) => ValueForm::Text,
            Value::Placeholder(_) => ValueForm::Parameter,
            Value::Boolean(_) => ValueForm::Boolean,
            Value::Number(digits, _) if !digits.contains(['e', 'E']) => ValueForm::Digits,
            _ => ValueForm::Other,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } if form_of(expr) == ValueForm::Digits => {
            ValueForm::Digits
        }
        Expr::TypedString(typed) => ValueForm::Typed(&typed.data_type),
        _ => ValueForm::Other,
    }
}
