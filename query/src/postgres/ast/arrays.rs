//! Arrays, as calls of functions.
//!
//! | written | planned |
//! |---|---|
//! | `ARRAY[a, b]` | a call, whose arguments may be columns of an outer query |
//! | `x = ANY(array)`, `x < ALL(array)` | a call of the operator's function |
//! | `array[a:b]` | a call, whose bounds may be outside of the array, or be left out |
//! | `array_remove(…)`, `array_replace(…)` | the functions of DataFusion for all elements: its own of these names take the first |

use sqlparser::ast::{
    self, AccessExpr, Expr, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Subscript, Value,
};

use super::is_called;
use crate::{
    error::{Error, Result},
    names::internal::{ARRAY_LITERAL, ARRAY_SLICE, Quantifier, quantified_name_of},
};

/// Rewrites an expression whose parts are rewritten; none for those that are no arrays.
pub(super) fn rewritten(expr: &mut Expr) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Array(array) if !array.elem.is_empty() => {
            Some(call(ARRAY_LITERAL, std::mem::take(&mut array.elem)))
        }
        Expr::AnyOp { left, compare_op, right, .. } if !is_subquery(right) => {
            quantified_name_of(compare_op, Quantifier::Any)
                .map(|name| call(&name, vec![taken(left), taken(right)]))
        }
        Expr::AllOp { left, compare_op, right } if !is_subquery(right) => {
            quantified_name_of(compare_op, Quantifier::All)
                .map(|name| call(&name, vec![taken(left), taken(right)]))
        }
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_mut_slice() {
            [AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None })] => {
                let bound = |bound: &mut Option<Expr>, otherwise: i32| {
                    bound.take().unwrap_or_else(|| Expr::value(Value::Number(otherwise.to_string(), false)))
                };
                let bounds = [bound(lower_bound, 1), bound(upper_bound, i32::MAX)];
                Some(call(ARRAY_SLICE, std::iter::once(taken(root)).chain(bounds).collect()))
            }
            chain if chain.len() > 1 && chain.iter().any(is_slice) => {
                return Err(Error::unsupported("a slice of an array of arrays")
                    .with_hint("take the slice of an array that unnest gives"));
            }
            _ => None,
        },
        Expr::Function(function) if is_called(function, "array_remove") => {
            function.name = ObjectName::from(vec![Ident::new("array_remove_all")]);
            None
        }
        Expr::Function(function) if is_called(function, "array_replace") => {
            function.name = ObjectName::from(vec![Ident::new("array_replace_all")]);
            None
        }
        _ => None,
    })
}

fn is_slice(access: &AccessExpr) -> bool {
    matches!(access, AccessExpr::Subscript(Subscript::Slice { .. }))
}

fn is_subquery(expr: &Expr) -> bool {
    match expr {
        Expr::Subquery(_) => true,
        Expr::Nested(inner) => is_subquery(inner),
        _ => false,
    }
}

fn taken(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::value(Value::Null))
}

/// A call of a function by its name.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Expr::Function(ast::Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
