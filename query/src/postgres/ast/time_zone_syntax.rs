//! `t AT TIME ZONE z` is the function `timezone(z, t)`.

use sqlparser::ast::{self, Expr};

use crate::postgres::functions::TIMEZONE;

/// Writes `AT TIME ZONE` as the function that it is.
pub(super) fn spell_time_zone(expr: &mut Expr) {
    let Expr::AtTimeZone { timestamp, time_zone } = expr else { return };
    let argument = |expr: &mut Expr| {
        let expr = std::mem::replace(expr, Expr::Value(ast::Value::Null.with_empty_span()));
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr))
    };
    let args = vec![argument(time_zone), argument(timestamp)];
    *expr = Expr::Function(ast::Function {
        name: ast::ObjectName::from(vec![ast::Ident::new(TIMEZONE)]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
}
