//! Comparisons of rows, `(a, b) = (1, 2)`, written out field by field: DataFusion compares them as structs,
//! to which a NULL is a value like any other.
//!
//! | written | planned |
//! |---|---|
//! | `(a, b) = (c, d)` | `a = c AND b = d`; in `IN` one for each row of the list |
//! | `(a, b) < (c, d)` | `a < c OR (a = c AND b < d)` |
//! | `(a, b) IS NULL` | `a IS NULL AND b IS NULL` |
//! | `(a, b) IN (SELECT …)`, `< ANY`, `> ALL` | an `EXISTS`; where false and NULL are not the same, a `CASE` of two |
//! | `(a, b) = (SELECT c, d FROM …)` | `(SELECT a = c AND b = d FROM …)` |

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
    TableAlias, TableAliasColumnDef, TableFactor, UnaryOperator, Value,
    helpers::attached_token::AttachedToken,
};

use super::{calls::CallKind, is_called, made_queries::made_query};
use crate::{
    error::{Error, Result},
    names::internal::COMPARED_ROWS,
};

/// Writes out an expression that compares rows, whose parts are written out; none for all others.
pub(super) fn written_out(expr: &mut Expr) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::BinaryOp { left, op, right } => match (fields(left), fields(right)) {
            (Some(_), Some(_)) if is_comparison(op) => Some(compared(left, op, right)?),
            (Some(row), None) if is_comparison(op) => match subquery_of(right) {
                Some(rows) => Some(with_only_row(row, op, rows)?),
                None => None,
            },
            _ => None,
        },
        Expr::IsDistinctFrom(left, right) if fields(left).is_some() && fields(right).is_some() => {
            Some(distinct(left, right, true)?)
        }
        Expr::IsNotDistinctFrom(left, right) if fields(left).is_some() && fields(right).is_some() => {
            Some(distinct(left, right, false)?)
        }
        Expr::IsNull(row) => fields(row).map(|row| every(row, |field| Expr::IsNull(Box::new(field.clone())))),
        Expr::IsNotNull(row) => {
            fields(row).map(|row| every(row, |field| Expr::IsNotNull(Box::new(field.clone()))))
        }
        Expr::InList { expr, list, negated } if fields(expr).is_some() => {
            let equal =
                list.iter().map(|item| compared(expr, &BinaryOperator::Eq, item)).collect::<Result<_>>()?;
            Some(unless(*negated, chain(equal, &BinaryOperator::Or)))
        }
        Expr::Between { expr, negated, low, high } if fields(expr).is_some() => {
            let inside = vec![
                compared(expr, &BinaryOperator::GtEq, low)?,
                compared(expr, &BinaryOperator::LtEq, high)?,
            ];
            Some(unless(*negated, chain(inside, &BinaryOperator::And)))
        }
        Expr::Case { operand, conditions, .. } if operand.as_deref().and_then(fields).is_some() => {
            let Some(row) = operand.take() else { return Ok(None) };
            for case in conditions {
                case.condition = compared(&row, &BinaryOperator::Eq, &case.condition)?;
            }
            None
        }
        Expr::InSubquery { expr, subquery, negated } => match fields(expr) {
            Some(row) if *negated => Some(with_all(row, &BinaryOperator::NotEq, subquery)?),
            Some(row) => Some(with_any(row, &BinaryOperator::Eq, subquery)?),
            None => None,
        },
        Expr::AnyOp { left, compare_op, right, .. } if is_comparison(compare_op) => {
            match (fields(left), subquery_of(right)) {
                (Some(row), Some(rows)) => Some(with_any(row, compare_op, rows)?),
                _ => None,
            }
        }
        Expr::AllOp { left, compare_op, right } if is_comparison(compare_op) => {
            match (fields(left), subquery_of(right)) {
                (Some(row), Some(rows)) => Some(with_all(row, compare_op, rows)?),
                _ => None,
            }
        }
        Expr::Function(function) if is_called(function, "row") => arguments(function).map(Expr::Tuple),
        _ => None,
    })
}

/// Writes out `(a, b) IN (SELECT …)` among the conditions of a WHERE, where NULL is as good as false.
pub(super) fn write_out_conditions(selection: &mut Expr) -> Result<()> {
    match selection {
        Expr::Nested(inner) => write_out_conditions(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            write_out_conditions(left)?;
            write_out_conditions(right)
        }
        Expr::InSubquery { expr, subquery, negated } => {
            if let Some(row) = fields(expr) {
                *selection = condition(row, subquery, *negated)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The fields of a row; none for other expressions.
pub(crate) fn fields(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(fields) => Some(fields),
        Expr::Nested(inner) => fields(inner),
        _ => None,
    }
}

/// As [`fields`].
pub(crate) fn fields_mut(expr: &mut Expr) -> Option<&mut [Expr]> {
    match expr {
        Expr::Tuple(fields) => Some(fields),
        Expr::Nested(inner) => fields_mut(inner),
        _ => None,
    }
}

fn subquery_of(expr: &Expr) -> Option<&Query> {
    match expr {
        Expr::Subquery(query) => Some(query),
        Expr::Nested(inner) => subquery_of(inner),
        _ => None,
    }
}

/// The fields of `ROW(a, b)`.
fn arguments(function: &ast::Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    arguments.collect()
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

/// The fields of two rows side by side.
fn pairs<'e>(left: &'e Expr, right: &'e Expr) -> Result<Option<Vec<(&'e Expr, &'e Expr)>>> {
    match (fields(left), fields(right)) {
        (Some(left), Some(right)) if left.len() == right.len() => Ok(Some(left.iter().zip(right).collect())),
        (None, None) => Ok(None),
        _ => Err(Error::syntax("rows that are compared must have the same number of fields")),
    }
}

fn compared(left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Expr> {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    let Some(pairs) = pairs(left, right)? else { return Ok(binary(left.clone(), op.clone(), right.clone())) };
    let each = |op: &BinaryOperator| {
        pairs.iter().map(|(left, right)| compared(left, op, right)).collect::<Result<Vec<_>>>()
    };
    let strict = match op {
        Eq => return Ok(chain(each(&Eq)?, &And)),
        NotEq => return Ok(chain(each(&NotEq)?, &Or)),
        Lt | LtEq => Lt,
        Gt | GtEq => Gt,
        _ => return Ok(binary(left.clone(), op.clone(), right.clone())),
    };
    let mut rest: Option<Expr> = None;
    for (left, right) in pairs.into_iter().rev() {
        rest = Some(match rest {
            None => compared(left, op, right)?,
            Some(rest) => {
                let equal = compared(left, &Eq, right)?;
                binary(compared(left, &strict, right)?, Or, binary(equal, And, rest))
            }
        });
    }
    rest.ok_or_else(|| Error::syntax("a row needs a field"))
}

fn distinct(left: &Expr, right: &Expr, is_distinct: bool) -> Result<Expr> {
    let Some(pairs) = pairs(left, right)? else {
        let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
        return Ok(if is_distinct {
            Expr::IsDistinctFrom(left, right)
        } else {
            Expr::IsNotDistinctFrom(left, right)
        });
    };
    let each =
        pairs.into_iter().map(|(left, right)| distinct(left, right, is_distinct)).collect::<Result<_>>()?;
    Ok(chain(each, if is_distinct { &BinaryOperator::Or } else { &BinaryOperator::And }))
}

fn every(row: &[Expr], test: impl Fn(&Expr) -> Expr) -> Expr {
    chain(row.iter().map(test).collect(), &BinaryOperator::And)
}

/// The expressions with an operator between them, as a tree of little depth.
fn chain(mut exprs: Vec<Expr>, op: &BinaryOperator) -> Expr {
    match exprs.len() {
        0 => Expr::value(Value::Boolean(*op == BinaryOperator::And)),
        1 => exprs.remove(0),
        count => {
            let right = exprs.split_off(count / 2);
            binary(chain(exprs, op), op.clone(), chain(right, op))
        }
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }))
}

fn unless(negated: bool, expr: Expr) -> Expr {
    if !negated {
        return expr;
    }
    Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }))
}

/// The row among those of a subquery, as a condition.
fn condition(row: &[Expr], subquery: &Query, negated: bool) -> Result<Expr> {
    let equal = with_each(row, &BinaryOperator::Eq)?;
    if !negated {
        return Ok(exists(row, subquery, equal, false));
    }
    // A row that may be equal, for all that is known, is one too many.
    Ok(exists(row, subquery, Expr::IsNotFalse(Box::new(equal)), true))
}

/// The row compared with those of a subquery, as a value: NULL where some may answer and none does.
fn with_any(row: &[Expr], op: &BinaryOperator, subquery: &Query) -> Result<Expr> {
    refuse_calls(row)?;
    let compared = with_each(row, op)?;
    let unknown = Expr::IsNull(Box::new(compared.clone()));
    Ok(either(row, subquery, (compared, true), unknown))
}

/// As [`with_any`], for all of them.
fn with_all(row: &[Expr], op: &BinaryOperator, subquery: &Query) -> Result<Expr> {
    refuse_calls(row)?;
    let compared = with_each(row, op)?;
    let unknown = Expr::IsNull(Box::new(compared.clone()));
    Ok(either(row, subquery, (Expr::IsFalse(Box::new(compared)), false), unknown))
}

/// The answer where a row of the subquery has the first condition, NULL where one has the other, and else the
/// opposite.
fn either(row: &[Expr], subquery: &Query, (decisive, answer): (Expr, bool), unknown: Expr) -> Expr {
    let case = |condition, result| ast::CaseWhen { condition, result };
    let boolean = |value| Expr::value(Value::Boolean(value));
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![
            case(exists(row, subquery, decisive, false), boolean(answer)),
            case(exists(row, subquery, unknown, false), Expr::value(Value::Null)),
        ],
        else_result: Some(Box::new(boolean(!answer))),
    }
}

/// The row compared with the only one of a subquery.
fn with_only_row(row: &[Expr], op: &BinaryOperator, subquery: &Query) -> Result<Expr> {
    refuse_calls(row)?;
    let item = SelectItem::UnnamedExpr(with_each(row, op)?);
    Ok(Expr::Subquery(Box::new(made_query(vec![item], compared_rows(row, subquery), None))))
}

/// Refuses fields that are computed of several rows: they cannot be moved into the subquery.
fn refuse_calls(row: &[Expr]) -> Result<()> {
    let found = ast::visit_expressions(&row.to_vec(), |expr| match expr {
        Expr::Function(function) if CallKind::of(function).is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    if found.is_continue() {
        return Ok(());
    }
    Err(Error::unsupported("a row with aggregate or window functions beside a subquery").with_hint(
        "compute the row first: SELECT (n, a) IN (SELECT …) FROM (SELECT count(*) AS n, a FROM … GROUP BY a) AS r",
    ))
}

/// The row compared with the one at hand of the subquery in FROM.
fn with_each(row: &[Expr], op: &BinaryOperator) -> Result<Expr> {
    let columns = (0..row.len()).map(|index| {
        Expr::CompoundIdentifier(vec![quoted(COMPARED_ROWS.to_owned()), quoted(column_name(index))])
    });
    compared(&Expr::Tuple(row.to_vec()), op, &Expr::Tuple(columns.collect()))
}

fn column_name(index: usize) -> String {
    format!("{COMPARED_ROWS}{index}")
}

fn quoted(name: String) -> ast::Ident {
    ast::Ident::with_quote('"', name)
}

/// `(subquery) AS rows (…)`.
fn compared_rows(row: &[Expr], subquery: &Query) -> TableFactor {
    let columns =
        (0..row.len()).map(|index| TableAliasColumnDef { name: quoted(column_name(index)), data_type: None });
    let alias = TableAlias {
        explicit: true,
        name: quoted(COMPARED_ROWS.to_owned()),
        columns: columns.collect(),
        at: None,
    };
    let subquery = Box::new(subquery.clone());
    TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None }
}

/// `[NOT] EXISTS (SELECT 1 FROM (subquery) AS rows (…) WHERE selection)`.
fn exists(row: &[Expr], subquery: &Query, selection: Expr, negated: bool) -> Expr {
    let one = SelectItem::UnnamedExpr(Expr::value(Value::Number("1".to_owned(), false)));
    let query = made_query(vec![one], compared_rows(row, subquery), Some(selection));
    Expr::Exists { subquery: Box::new(query), negated }
}
