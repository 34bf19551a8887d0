//! Arrays, as calls of functions.
//!
//! | written | planned |
//! |---|---|
//! | `ARRAY[a, b]` | a call, whose arguments may be columns of an outer query |
//! | `ARRAY[a, b]::int[]` | the same, of `a::int` and `b::int` |
//! | `x = ANY(array)`, `x < ALL(array)` | a call of the operator's function |
//! | `array[a:b]` | a call, whose bounds may be outside of the array, or be left out |
//! | `array_remove(…)`, `array_replace(…)` | the functions of DataFusion for all elements: its own of these names take the first |

use sqlparser::ast::{
    self, AccessExpr, ArrayElemTypeDef, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Subscript, Value,
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
        Expr::Cast { kind, expr, data_type, .. } => {
            if let Some(element) = element_of(data_type) {
                cast_elements(kind, expr, element);
            }
            None
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

/// The innermost type of the elements of an array type.
fn element_of(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            Some(element_of(element).unwrap_or(element))
        }
        _ => None,
    }
}

/// Casts the elements of an array that is written out, each from its own type.
fn cast_elements(kind: &CastKind, expr: &mut Expr, to: &DataType) {
    match expr {
        Expr::Nested(inner) => cast_elements(kind, inner, to),
        Expr::Function(function) if is_called(function, ARRAY_LITERAL) => {
            let FunctionArguments::List(list) = &mut function.args else { return };
            for argument in &mut list.args {
                let FunctionArg::Unnamed(FunctionArgExpr::Expr(element)) = argument else { continue };
                if is_array(element) {
                    cast_elements(kind, element, to);
                    continue;
                }
                let inner = Box::new(taken(element));
                let (kind, data_type) = (kind.clone(), to.clone());
                *element = Expr::Cast { kind, expr: inner, data_type, array: false, format: None };
            }
        }
        _ => {}
    }
}

/// Whether an expression is an array that is written out.
fn is_array(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_array(inner),
        Expr::Function(function) => is_called(function, ARRAY_LITERAL),
        _ => false,
    }
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
