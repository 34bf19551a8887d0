//! The name that an item of a select list has by itself.

use sqlparser::ast::{self, Expr as SqlExpr, SelectItem, SetExpr};

use crate::{names::internal::shown_name, parse::folded_ident, types::ColumnType};

/// Name of a column without one.
const NAMELESS: &str = "?column?";

/// A column that is written as one.
pub(super) fn is_column(expr: &SqlExpr) -> bool {
    matches!(expr, SqlExpr::Identifier(_) | SqlExpr::CompoundIdentifier(_))
}

/// Name of a column with this expression.
pub(super) fn name_of(expr: &SqlExpr) -> String {
    derived_name(expr).map_or_else(|| NAMELESS.to_owned(), |(name, _)| name)
}

/// The name that an expression suggests, and whether it is better than that of a type.
fn derived_name(expr: &SqlExpr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        SqlExpr::Identifier(ident) => Some((folded_ident(ident), true)),
        SqlExpr::CompoundIdentifier(parts) => parts.last().map(|part| (folded_ident(part), true)),
        SqlExpr::Nested(inner) => derived_name(inner),
        SqlExpr::Collate { expr, .. } | SqlExpr::CompoundFieldAccess { root: expr, .. } => derived_name(expr),
        SqlExpr::Cast { expr, data_type, .. } => match derived_name(expr) {
            Some((name, true)) => Some((name, true)),
            _ => Some((type_name(data_type), false)),
        },
        SqlExpr::TypedString(typed) => Some((type_name(&typed.data_type), false)),
        SqlExpr::Interval(_) => Some(("interval".to_owned(), false)),
        SqlExpr::Value(value) if matches!(value.value, ast::Value::Boolean(_)) => {
            Some(("bool".to_owned(), false))
        }
        SqlExpr::Function(function) => {
            let name = function.name.0.last().and_then(ast::ObjectNamePart::as_ident)?;
            Some((folded_ident(name), true))
        }
        SqlExpr::Case { else_result, .. } => match else_result.as_deref().and_then(derived_name) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        SqlExpr::Exists { .. } => strong("exists"),
        SqlExpr::Subquery(query) => first_name(&query.body).map(|name| (name, true)),
        SqlExpr::Array(_) => strong("array"),
        SqlExpr::Tuple(_) => strong("row"),
        SqlExpr::AtTimeZone { .. } => strong("timezone"),
        SqlExpr::Extract { .. } => strong("extract"),
        SqlExpr::Ceil { .. } => strong("ceil"),
        SqlExpr::Floor { .. } => strong("floor"),
        SqlExpr::Position { .. } => strong("position"),
        SqlExpr::Substring { shorthand: true, .. } => strong("substr"),
        SqlExpr::Substring { .. } => strong("substring"),
        SqlExpr::Overlay { .. } => strong("overlay"),
        SqlExpr::Trim { trim_where, .. } => match trim_where {
            Some(ast::TrimWhereField::Leading) => strong("ltrim"),
            Some(ast::TrimWhereField::Trailing) => strong("rtrim"),
            _ => strong("btrim"),
        },
        _ => None,
    }
}

/// The name of the first column of a subquery.
fn first_name(body: &SetExpr) -> Option<String> {
    match body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => Some(name_of(expr)),
            SelectItem::ExprWithAlias { alias, .. } => Some(shown_name(&folded_ident(alias)).to_owned()),
            _ => None,
        },
        SetExpr::Query(query) => first_name(&query.body),
        SetExpr::SetOperation { left, .. } => first_name(left),
        SetExpr::Values(_) => Some("column1".to_owned()),
        _ => None,
    }
}

/// Internal name of a type in Postgres.
fn type_name(data_type: &ast::DataType) -> String {
    if let ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) = data_type {
        return type_name(element);
    }
    if let Ok(column_type) = ColumnType::from_sql(data_type) {
        return column_type.internal_name().to_owned();
    }
    let text = data_type.to_string().to_lowercase();
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    match &text[..end] {
        "decimal" => "numeric".to_owned(),
        name => name.to_owned(),
    }
}
