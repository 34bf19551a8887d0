//! Functions in `FROM` that return rows of one column: `generate_series`, `unnest`. The column has the alias'
//! name, and a series whose bounds are columns, `FROM t, generate_series(1, t.n)`, is a `LATERAL` query for
//! each row.

use std::ops::ControlFlow;

use sqlparser::{
    ast::{
        CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
        Ident, ObjectName, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, Value,
        Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::is_called;
use crate::{
    error::{Error, Result, SqlState},
    parse::folded_ident,
};

const SERIES: &str = "generate_series";
const UNNEST: &str = "unnest";

/// Names the column of a function in `FROM` after its alias, or itself: `generate_series(1, 3) AS x` has a
/// column `x`, and without the alias a column `generate_series`.
pub(super) fn name_column(factor: &mut TableFactor) {
    let Some(function) = function_of(factor) else { return };
    let (TableFactor::Table { alias, .. }
    | TableFactor::Function { alias, .. }
    | TableFactor::UNNEST { alias, .. }) = factor
    else {
        return;
    };
    *alias = Some(named(alias.take(), function));
}

/// The only column of a function in `FROM`, where it has one.
pub(super) fn only_column(factor: &TableFactor) -> Option<String> {
    let function = function_of(factor)?;
    let (TableFactor::Table { alias, .. }
    | TableFactor::Function { alias, .. }
    | TableFactor::UNNEST { alias, .. }) = factor
    else {
        return None;
    };
    let alias = named(alias.clone(), function);
    alias.columns.first().map(|column| folded_ident(&column.name))
}

/// The function whose one column has no name of its own.
fn function_of(factor: &TableFactor) -> Option<&'static str> {
    match factor {
        TableFactor::Table { name, args: Some(_), .. }
        | TableFactor::Function { name, with_ordinality: false, .. } => match name.0.as_slice() {
            [part] => {
                let name = folded_ident(part.as_ident()?);
                [SERIES, UNNEST].into_iter().find(|known| *known == name)
            }
            _ => None,
        },
        TableFactor::UNNEST { array_exprs, with_offset: false, with_ordinality: false, .. }
            if array_exprs.len() == 1 =>
        {
            Some(UNNEST)
        }
        _ => None,
    }
}

/// Reads texts beside a number as numbers: `generate_series(1, '3')`.
///
/// # Errors
/// 22P02 for one that is no whole number.
pub(super) fn read_texts(args: &mut [FunctionArg]) -> Result<()> {
    let number = |expr: &Expr| {
        let operand = match expr {
            Expr::UnaryOp { expr, .. } => expr,
            expr => expr,
        };
        matches!(operand, Expr::Value(value) if matches!(value.value, Value::Number(..)))
    };
    let is_number =
        |arg: &FunctionArg| matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if number(expr));
    if !args.iter().any(is_number) {
        return Ok(());
    }
    for arg in args {
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = arg
            && let Value::SingleQuotedString(text) = &value.value
        {
            let Ok(number) = text.trim().parse::<i64>() else {
                return Err(Error::new(
                    SqlState::InvalidTextRepresentation,
                    format!("invalid input syntax for type bigint: '{text}'"),
                ));
            };
            value.value = Value::SingleQuotedString(number.to_string());
            *arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(Expr::Value(value.clone())),
                data_type: DataType::BigInt(None),
                array: false,
                format: None,
            }));
        }
    }
    Ok(())
}

/// As [`read_texts`], for a series in FROM.
pub(super) fn read_texts_of_table(factor: &mut TableFactor) -> Result<()> {
    if function_of(factor) != Some(SERIES) {
        return Ok(());
    }
    match factor {
        TableFactor::Table { args: Some(args), .. } => read_texts(&mut args.args),
        TableFactor::Function { args, .. } => read_texts(args),
        _ => Ok(()),
    }
}

/// Makes rows of the series in a select list: `SELECT unnest(generate_series(1, 3))`.
pub(super) fn unnest_items(select: &mut Select) -> Result<()> {
    for item in &mut select.projection {
        if let SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) = item
            && let Expr::Function(call) = expr
            && is_called(call, SERIES)
        {
            if let FunctionArguments::List(list) = &mut call.args {
                read_texts(&mut list.args)?;
            }
            let mut unnest = call.clone();
            unnest.name = ObjectName::from(vec![Ident::new(UNNEST)]);
            let series = std::mem::replace(expr, Expr::value(Value::Null));
            unnest.args = FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(series))],
                clauses: Vec::new(),
            });
            *expr = Expr::Function(unnest);
        }
    }
    Ok(())
}

/// Makes a `LATERAL` query of a series whose bounds are columns.
pub(super) fn make_lateral(factor: &mut TableFactor) -> Result<()> {
    let (name, args, alias) = match factor {
        TableFactor::Table { name, args: Some(args), alias, .. } => (&*name, &args.args, alias),
        TableFactor::Function { name, args, alias, with_ordinality: false, .. } => (&*name, &*args, alias),
        _ => return Ok(()),
    };
    let is_series = matches!(name.0.as_slice(), [part]
        if part.as_ident().is_some_and(|ident| folded_ident(ident) == SERIES));
    if !is_series || !args.visit(&mut HasColumn).is_break() {
        return Ok(());
    }
    let args = args.clone();
    let alias = named(alias.take(), SERIES);
    let subquery = query_of(args)?;
    *factor = TableFactor::Derived { lateral: true, subquery, alias: Some(alias), sample: None };
    Ok(())
}

/// The alias of a function, whose only column has its name too unless it has one of its own.
fn named(alias: Option<TableAlias>, function: &str) -> TableAlias {
    let mut alias = alias.unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
    }
    alias
}

fn query_of(args: Vec<FunctionArg>) -> Result<Box<sqlparser::ast::Query>> {
    let text = format!("SELECT {SERIES}(1)");
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(&text).and_then(|mut it| it.parse_query());
    let mut query = parsed.map_err(|error| Error::internal(error.to_string()))?;
    if let SetExpr::Select(select) = query.body.as_mut()
        && let [SelectItem::UnnamedExpr(Expr::Function(function))] = select.projection.as_mut_slice()
    {
        function.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        });
    }
    Ok(query)
}

/// Stops at a column.
struct HasColumn;

impl Visitor for HasColumn {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
