//! `LIKE` of bytes, and `substring(a, b)`, where `b` is a pattern or a position.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    functions::expr_fn::{regexp_match, substr},
    functions_nested::expr_fn::array_element,
    logical_expr::{Expr, Like, expr::ScalarFunction, lit},
};

use super::common_types::{converted, is_open_text};
use crate::{
    error::Error,
    names::internal::SUBSTRING,
    postgres::{
        exprs::{is_text, type_of},
        functions::bytes_like,
    },
    types::sql_name,
};

/// Puts functions in the place of what DataFusion plans for texts, or positions, alone.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Like(like) if is_of_bytes(&like, schema) => {
            let Like { negated, expr, pattern, .. } = like;
            let [value, pattern] = [*expr, *pattern].map(|side| match side {
                text if is_open_text(&text) => converted(text, &DataType::Binary, schema),
                bytes => Ok(bytes),
            });
            let matches = bytes_like().call(vec![value?, pattern?]);
            Transformed::yes(if negated { Expr::Not(Box::new(matches)) } else { matches })
        }
        Expr::ScalarFunction(ScalarFunction { func, mut args })
            if func.name() == SUBSTRING && args.len() == 2 =>
        {
            let (second, text) = (args.remove(1), args.remove(0));
            let is_pattern = is_open_text(&second) || is_text(&type_of(&second, schema));
            let data_type = type_of(&text, schema);
            if is_pattern && !is_text(&data_type) && !data_type.is_null() {
                let call = format!("substring({}, TEXT)", sql_name(&data_type));
                return Err(Error::no_function(format!("function {call} does not exist")).into());
            }
            Transformed::yes(if is_pattern {
                // The match of the first group, or of the whole pattern where it has none.
                array_element(regexp_match(text, second, None), lit(1_i64))
            } else {
                substr(text, second)
            })
        }
        expr => Transformed::no(expr),
    })
}

fn is_of_bytes(like: &Like, schema: &DFSchema) -> bool {
    let is_bytes = |expr: &Expr| type_of(expr, schema).is_binary();
    let fits = |expr: &Expr| is_bytes(expr) || is_open_text(expr);
    !like.case_insensitive
        && (is_bytes(&like.expr) || is_bytes(&like.pattern))
        && fits(&like.expr)
        && fits(&like.pattern)
}
