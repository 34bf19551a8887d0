//! Comparisons of rows, `(a, b) = (1, 2)`, written out field by field: DataFusion compares them as structs,
//! to which a NULL is a value like any other.
//!
//! | written | planned |
//! |---|---|
//! | `(a, b) = (c, d)` | `a = c AND b = d`; in `IN` one for each row of the list |
//! | `(a, b) < (c, d)` | `a < c OR (a = c AND b < d)` |
//! | `(a, b) IS NULL` | `a IS NULL AND b IS NULL` |
//! | `(a, b) IN (SELECT …)` | an `EXISTS`; where false and NULL are not the same, a `CASE` of two |

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Query, Select,
    SelectFlavor, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
    UnaryOperator, Value, helpers::attached_token::AttachedToken, visit_expressions,
};

use super::{calls::CallKind, is_called};
use crate::{
    error::{Error, Result},
    names::internal::COMPARED_ROWS,
};

/// Writes out an expression that compares rows, whose parts are written out; none for all others.
pub(super) fn written_out(expr: &mut Expr) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::BinaryOp { left, op, right } => match (fields(left), fields(right)) {
            (Some(_), Some(_)) if is_comparison(op) => Some(compared(left, op, right)?),
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
        Expr::InSubquery { expr, subquery, negated } => {
            fields(expr).map(|row| within(row, subquery, *negated)).transpose()?
        }
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => subquery_of(right)
            .and_then(|rows| fields(left).map(|row| within(row, rows, false)))
            .transpose()?,
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
            subquery_of(right).and_then(|rows| fields(left).map(|row| within(row, rows, true))).transpose()?
        }
        Expr::Function(function) if is_called(function, "row") => arguments(function).map(Expr::Tuple),
        _ => None,
    })
}

/// Writes out `(a, b) IN (SELECT …)` among the conditions of a WHERE, where NULL is as good as false.
pub(super) fn write_out_conditions(selection: &mut Expr) {
    match selection {
        Expr::Nested(inner) => write_out_conditions(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            write_out_conditions(left);
            write_out_conditions(right);
        }
        Expr::InSubquery { expr, subquery, negated } => {
            if let Some(row) = fields(expr) {
                *selection = condition(row, subquery, *negated);
            }
        }
        _ => {}
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
fn condition(row: &[Expr], subquery: &Query, negated: bool) -> Expr {
    let equal = equal_to_row(row);
    if !negated {
        return exists(row, subquery, equal, false);
    }
    // A row that may be equal, for all that is known, is one too many.
    exists(row, subquery, Expr::IsNotFalse(Box::new(equal)), true)
}

/// The row among those of a subquery, as a value: NULL where some may be equal and none is.
fn within(row: &[Expr], subquery: &Query, negated: bool) -> Result<Expr> {
    if row.iter().any(has_call_of_rows) {
        return Err(Error::unsupported("a row with aggregate or window functions beside a subquery").with_hint(
            "compute the row first: SELECT (n, a) IN (SELECT …) FROM (SELECT count(*) AS n, a FROM … GROUP BY a) AS r",
        ));
    }
    let case = |condition, result| ast::CaseWhen { condition, result };
    let boolean = |value| Expr::value(Value::Boolean(value));
    let equal = equal_to_row(row);
    let unknown = Expr::IsNull(Box::new(equal.clone()));
    Ok(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![
            case(exists(row, subquery, equal, false), boolean(!negated)),
            case(exists(row, subquery, unknown, false), Expr::value(Value::Null)),
        ],
        else_result: Some(Box::new(boolean(negated))),
    })
}

/// Whether a field is computed of several rows: it cannot be moved into the subquery.
fn has_call_of_rows(field: &Expr) -> bool {
    let found = visit_expressions(field, |expr| match expr {
        Expr::Function(function) if CallKind::of(function).is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn equal_to_row(row: &[Expr]) -> Expr {
    let equal = row.iter().enumerate().map(|(index, field)| {
        let column =
            Expr::CompoundIdentifier(vec![quoted(COMPARED_ROWS.to_owned()), quoted(column_name(index))]);
        binary(column, BinaryOperator::Eq, field.clone())
    });
    chain(equal.collect(), &BinaryOperator::And)
}

fn column_name(index: usize) -> String {
    format!("{COMPARED_ROWS}{index}")
}

fn quoted(name: String) -> ast::Ident {
    ast::Ident::with_quote('"', name)
}

/// `[NOT] EXISTS (SELECT 1 FROM (subquery) AS rows (…) WHERE selection)`.
fn exists(row: &[Expr], subquery: &Query, selection: Expr, negated: bool) -> Expr {
    let columns =
        (0..row.len()).map(|index| TableAliasColumnDef { name: quoted(column_name(index)), data_type: None });
    let alias = TableAlias {
        explicit: true,
        name: quoted(COMPARED_ROWS.to_owned()),
        columns: columns.collect(),
        at: None,
    };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery.clone()),
        alias: Some(alias),
        sample: None,
    };
    Expr::Exists { subquery: Box::new(rows_of(relation, selection)), negated }
}

/// `SELECT 1 FROM relation WHERE selection`.
fn rows_of(relation: TableFactor, selection: Expr) -> Query {
    let select = Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![SelectItem::UnnamedExpr(Expr::value(Value::Number("1".to_owned(), false)))],
        exclude: None,
        into: None,
        from: vec![TableWithJoins { relation, joins: Vec::new() }],
        lateral_views: Vec::new(),
        prewhere: None,
        selection: Some(selection),
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    };
    Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}
