//! Questions that several passes ask of an expression or a type.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, tree_node::TreeNode},
    logical_expr::{Cast, Expr, ExprSchemable, Operator, ScalarUDF},
};

/// The type of an expression; `Null` for what has none yet, such as a parameter, which gets one when it is
/// bound.
pub(crate) fn type_of(expr: &Expr, schema: &DFSchema) -> DataType {
    expr.get_type(schema).unwrap_or(DataType::Null)
}

/// Text, in any of its layouts.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Text whose type its place decides: a literal, or a parameter that was bound to text.
pub(crate) fn is_open_text(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => is_text(&value.data_type()) && !value.is_null(),
        Expr::Placeholder(parameter) => {
            parameter.field.as_ref().is_some_and(|field| is_text(field.data_type()))
        }
        Expr::Alias(alias) => is_open_text(&alias.expr),
        _ => false,
    }
}

/// A binary floating-point number.
pub(crate) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

/// An operator that compares two values of one type.
pub(crate) fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// An operator that computes a number, or a time, of two.
pub(crate) fn counts(op: Operator) -> bool {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}

/// An expression that holds a subquery, itself included.
pub(crate) fn has_subquery(expr: &Expr) -> bool {
    has(expr, |expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)
        )
    })
}

/// Whether evaluating an expression may fail. What is not known here may.
pub(crate) fn may_fail(expr: &Expr) -> bool {
    has(expr, |part| match part {
        Expr::BinaryExpr(binary) => {
            !is_comparison(binary.op) && !matches!(binary.op, Operator::And | Operator::Or)
        }
        Expr::ScalarFunction(call) => !never_fails(&call.func),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::Literal(..)
        | Expr::Placeholder(_)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::Like(_)
        | Expr::Case(_) => false,
        _ => true,
    })
}

/// Whether a function has an answer for all arguments of its types. Of most functions nobody has to know.
pub(crate) fn never_fails(function: &ScalarUDF) -> bool {
    matches!(
        function.name(),
        "comparison_key"
            | "or_null"
            | "coalesce"
            | "nullif"
            | "lower"
            | "upper"
            | "character_length"
            | "strpos"
    )
}

/// An expression with a part, itself included, that `is_wanted`.
pub(crate) fn has(expr: &Expr, is_wanted: impl Fn(&Expr) -> bool) -> bool {
    expr.exists(|expr| Ok(is_wanted(expr))).unwrap_or(false)
}

/// Puts a cast around an expression.
pub(crate) fn cast_in_place(expr: &mut Expr, data_type: &DataType) {
    *expr = Expr::Cast(Cast::new(Box::new(std::mem::take(expr)), data_type.clone()));
}
