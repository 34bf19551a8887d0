//! Functions in `FROM` that return rows of one column: `generate_series`, `unnest`. The column has the alias'
//! name, and a series whose bounds are columns, `FROM t, generate_series(1, t.n)`, is a `LATERAL` query for
//! each row.

use std::ops::ControlFlow;

use sqlparser::{
    ast::{
        Expr, FunctionArg, FunctionArgumentList, FunctionArguments, Ident, ObjectName, SelectItem, SetExpr,
        TableAlias, TableAliasColumnDef, TableFactor, Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::{
    error::{Error, Result},
    parse::folded_ident,
};

const SERIES: &str = "generate_series";

/// Names the column of a function in `FROM` after its alias: `generate_series(1, 3) AS x` has a column `x`.
pub(super) fn name_column(factor: &mut TableFactor) {
    let is_called = |name: &ObjectName| {
        matches!(name.0.as_slice(), [part]
            if part.as_ident().is_some_and(|ident| [SERIES, "unnest"].contains(&folded_ident(ident).as_str())))
    };
    let alias = match factor {
        TableFactor::Table { name, args: Some(_), alias: Some(alias), .. }
        | TableFactor::Function { name, alias: Some(alias), with_ordinality: false, .. }
            if is_called(name) =>
        {
            alias
        }
        TableFactor::UNNEST {
            alias: Some(alias),
            array_exprs,
            with_offset: false,
            with_ordinality: false,
            ..
        } if array_exprs.len() == 1 => alias,
        _ => return,
    };
    if alias.columns.is_empty() {
        alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
    }
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
    let alias = named(alias.take());
    let subquery = query_of(args)?;
    *factor = TableFactor::Derived { lateral: true, subquery, alias: Some(alias), sample: None };
    Ok(())
}

/// The name of the series, which its only column has too unless it has one of its own.
fn named(alias: Option<TableAlias>) -> TableAlias {
    let mut alias = alias.unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(SERIES),
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
