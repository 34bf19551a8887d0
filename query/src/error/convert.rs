//! Errors of the layers below, in the words of SQL.
//!
//! Our own error travels through DataFusion as [`DataFusionError::External`] and comes out again unchanged.
//! Messages of DataFusion's own are stripped of its crate words and of the internal catalog names that carry
//! a point (`database@point.schema.table`).

use std::{borrow::Cow, sync::Arc};

use arrow::error::ArrowError;
use bygone_engine::Error as EngineError;
use datafusion::{
    common::{Column, SchemaError},
    error::DataFusionError,
};
use sqlparser::parser::ParserError;

use super::{
    Error, ErrorKind, Position, SqlState, position,
    sql_types::with_sql_names,
    wording::{self, between},
};
use crate::{
    names::internal::{is_ambiguous, shown_name, without_marks, without_scan_names},
    time::display_timestamp,
};

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        if error.is_full() {
            return Self::disk_full().with_source(error);
        }
        let message = error.to_string();
        match &error {
            EngineError::Unavailable { .. } => Self::new(SqlState::IoError, message),
            EngineError::Corrupt { .. } => Self::corrupt(message),
            EngineError::NoDatabase { found, .. } => Self::new(SqlState::InvalidCatalogName, message)
                .with_hint(if found.is_empty() {
                    "correct the path; opened for writing, it becomes a new database"
                } else {
                    "correct the path; a new database needs a new or an empty directory"
                }),
            // Readers share the lock, so that no writer deletes what they read.
            EngineError::Locked(_) => Self::locked(message).with_hint("close the other process"),
            EngineError::Fenced { .. } => Self::new(SqlState::AdminShutdown, message)
                .of_kind(ErrorKind::Fenced)
                .with_hint("another writer took over: open the database again"),
            EngineError::CommitUnknown(_) => Self::new(SqlState::TransactionResolutionUnknown, message)
                .with_hint("open the database again to find out"),
            EngineError::Poisoned(_) => Self::new(SqlState::IoError, message)
                .of_kind(ErrorKind::Closed)
                .with_hint("open the database again"),
            EngineError::TooOld { requested, horizon } => {
                Self::too_old(&display_timestamp(*requested), &display_timestamp(*horizon), None, None)
            }
            EngineError::DuplicateKey { .. } => Self::new(SqlState::UniqueViolation, message),
            EngineError::Closed => Self::new(SqlState::AdminShutdown, "the database is closed"),
            _ => Self::new(SqlState::InvalidParameterValue, message),
        }
        .with_source(error)
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        from_datafusion(&error)
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        from_arrow(&error)
    }
}

impl From<ParserError> for Error {
    fn from(error: ParserError) -> Self {
        from_parser(&error)
    }
}

fn from_datafusion(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => from_foreign(inner.as_ref()),
        DataFusionError::Context(_, inner) => from_datafusion(inner),
        DataFusionError::Shared(inner) => from_datafusion(inner),
        DataFusionError::Collection(errors) => {
            errors.first().map_or_else(|| Error::internal(error.to_string()), from_datafusion)
        }
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let start = diagnostic.span.map(|span| span.start);
            from_datafusion(inner).at(start.and_then(|start| position(start.line, start.column)))
        }
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::SQL(inner, _) => from_parser(inner),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        DataFusionError::IoError(inner) => from_foreign(inner),
        // Only a name that a column hides has no type, and nothing outside has it.
        DataFusionError::NotImplemented(message)
            if message.contains("OuterReferenceColumn") && message.contains("data_type: Null") =>
        {
            Error::no_column(outer_name(message), [])
        }
        DataFusionError::NotImplemented(message) if message.starts_with("Physical plan does not support") => {
            subquery_unsupported()
        }
        DataFusionError::NotImplemented(message) => from_unimplemented(message),
        DataFusionError::Plan(message) | DataFusionError::Configuration(message) => {
            from_plan(&plain(message))
        }
        DataFusionError::Execution(message) => from_execution(&plain(message)),
        DataFusionError::ResourcesExhausted(message) => Error::out_of_memory(plain(message)),
        DataFusionError::ExecutionJoin(join) if join.is_cancelled() => Error::cancelled(),
        other => match other.find_root() {
            root if std::ptr::eq(root, other) => from_internal(&plain(&other.to_string())),
            root => from_datafusion(root),
        },
    }
}

/// An error that was boxed on its way: ours, the engine's, or of the file system, at any depth of its
/// sources.
fn from_foreign(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(own) = current.downcast_ref::<Error>() {
            return own.clone();
        }
        if let Some(own) = current.downcast_ref::<Arc<Error>>() {
            return own.as_ref().clone();
        }
        if let Some(engine) = current.downcast_ref::<EngineError>() {
            return engine.clone().into();
        }
        if let Some(inner) = current.downcast_ref::<DataFusionError>() {
            return from_datafusion(inner);
        }
        if let Some(inner) = current.downcast_ref::<ArrowError>() {
            return from_arrow(inner);
        }
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            if let Some(inner) = io.get_ref() {
                return from_foreign(inner);
            }
            if matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
                return Error::disk_full();
            }
            return Error::new(SqlState::IoError, io.to_string());
        }
        cause = current.source();
    }
    from_internal(&plain(&error.to_string()))
}

fn from_unimplemented(message: &str) -> Error {
    let message = plain(message);
    wording::known(&message)
        .unwrap_or_else(|| Error::new(SqlState::FeatureNotSupported, format!("not supported: {message}")))
}

/// Internal errors of DataFusion are often mistakes of the statement.
fn from_internal(message: &str) -> Error {
    if let Some(known) = wording::known(message) {
        return known;
    }
    if let Some((_, data_type)) = message.split_once("Cannot run range queries on datatype: ") {
        let data_type = data_type.trim_end_matches('.');
        return Error::unsupported(format!("a window with a frame of values, ordered by {data_type},"))
            .with_hint("count rows: ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW");
    }
    Error::internal(message)
}

fn from_arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => from_foreign(inner.as_ref()),
        ArrowError::DivideByZero => Error::new(SqlState::DivisionByZero, "division by zero"),
        ArrowError::ArithmeticOverflow(message) => {
            let message = plain(message);
            wording::known(&message).unwrap_or_else(|| Error::new(SqlState::NumericValueOutOfRange, message))
        }
        ArrowError::CastError(message)
        | ArrowError::ParseError(message)
        | ArrowError::ComputeError(message)
        | ArrowError::InvalidArgumentError(message) => from_execution(&plain(message)),
        ArrowError::NotYetImplemented(message) => from_unimplemented(message),
        ArrowError::IoError(_, io) => from_foreign(io),
        ArrowError::MemoryError(message) => Error::out_of_memory(plain(message)),
        other => from_internal(&plain(&other.to_string())),
    }
}

/// The parser's message with its position moved out of the text.
pub(crate) fn from_parser(error: &ParserError) -> Error {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Error::limit("the statement is nested too deeply")
                .with_hint("split it, or name parts of it with WITH");
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let (text, place) = split_position(message);
    let text = text.strip_prefix("sql parser error: ").unwrap_or(text);
    let mut text = text.to_owned();
    if let Some(first) = text.get(0..1) {
        let lower = first.to_lowercase();
        text.replace_range(0..1, &lower);
    }
    Error::syntax(format!("syntax error: {text}")).at(place)
}

/// Takes ` at Line: 3, Column: 7` off the end of a parser message.
fn split_position(message: &str) -> (&str, Option<Position>) {
    let Some(start) = message.rfind(" at Line: ") else { return (message, None) };
    let numbers = &message[start + " at Line: ".len()..];
    let mut parts = numbers.split(", Column: ");
    let line = parts.next().and_then(|part| part.trim().parse().ok());
    let column = parts.next().and_then(|part| part.trim().parse().ok());
    match (line, column) {
        (Some(line), Some(column)) => (&message[..start], position(line, column)),
        _ => (message, None),
    }
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields }
            if is_ambiguous(&field.name, valid_fields.iter().map(|known| known.name.as_str())) =>
        {
            ambiguous(&field.name)
        }
        SchemaError::FieldNotFound { field, valid_fields }
            if valid_fields.iter().any(|known| is_hidden(known, &field.name)) =>
        {
            Error::no_column(&shown(field, field), [])
                .with_hint("only a whole item of ORDER BY or GROUP BY names a column of the select list")
        }
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<String> = valid_fields.iter().map(|column| shown(column, field)).collect();
            Error::no_column(&shown(field, field), names.iter().map(String::as_str))
        }
        SchemaError::AmbiguousReference { field } => ambiguous(&field.name),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => Error::duplicate_column(shown_name(name)),
    }
}

/// A column that would have the name if it was not kept from being found by it.
fn is_hidden(column: &Column, name: &str) -> bool {
    column.name != name && shown_name(&column.name) == name
}

fn ambiguous(name: &str) -> Error {
    Error::new(SqlState::AmbiguousColumn, format!("column {name} is ambiguous"))
        .with_hint("write the table's name or alias before it, or give the columns other names")
}

/// The column as the user would write it: with the table only when the misspelt one had it too.
fn shown(column: &Column, like: &Column) -> String {
    match (&column.relation, &like.relation) {
        (Some(table), Some(_)) => format!("{}.{}", table.table(), shown_name(&column.name)),
        _ => shown_name(&column.name).to_owned(),
    }
}

fn from_plan(message: &str) -> Error {
    if let Some(known) = wording::known(message) {
        return known;
    }
    let lower = message.to_lowercase();
    if let Some(name) = between(message, "table '", "' not found") {
        return Error::no_table(name.rsplit('.').next().unwrap_or(name), []);
    }
    if lower.contains("no function matches") {
        return Error::no_function(message);
    }
    if lower.contains("table function") && lower.contains("not found") {
        return Error::no_function(message);
    }
    if lower.contains("placeholder") && !lower.contains("placeholderrow") {
        return Error::new(SqlState::ProtocolViolation, message);
    }
    if lower.contains("correlated") || lower.contains("unsupported subquery plan") {
        return subquery_unsupported();
    }
    if lower.contains("too many columns! the subquery") {
        return Error::syntax("subquery has too many columns")
            .with_hint("name one column in it, or compare as many as it has: (a, b) IN (SELECT …)");
    }
    if lower.contains("cannot coerce")
        || lower.contains("type_coercion")
        || lower.contains("cannot infer common")
    {
        return Error::type_mismatch(message);
    }
    Error::new(SqlState::SyntaxErrorOrAccessRuleViolation, message)
}

/// The name in the words of a plan that cannot run: `Column { relation: …, name: "id" }` ends them.
fn outer_name(message: &str) -> &str {
    let name = message.rsplit("name: \"").next().unwrap_or_default();
    name.split('"').next().unwrap_or_default()
}

fn subquery_unsupported() -> Error {
    Error::unsupported("a subquery that refers to the outer row in this way")
        .with_hint("take it to FROM and join it, or compute it first in a WITH")
}

fn from_execution(message: &str) -> Error {
    if let Some(known) = wording::known(message) {
        return known;
    }
    let lower = message.to_lowercase();
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return Error::new(SqlState::DivisionByZero, "division by zero");
    }
    if lower.contains("overflow") || lower.contains("out of range") || lower.contains("too large to store") {
        return Error::new(SqlState::NumericValueOutOfRange, message);
    }
    if lower.contains("cannot cast") || lower.contains("cannot parse") || lower.contains("error parsing") {
        return Error::new(SqlState::InvalidTextRepresentation, message);
    }
    if lower.contains("more than one element") {
        return Error::new(SqlState::CardinalityViolation, message);
    }
    Error::new(SqlState::DataException, message)
}

/// A message of DataFusion without its prefixes, its back trace, and the points in catalog names.
pub(crate) fn plain(message: &str) -> String {
    const PREFIXES: &[&str] = &[
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "Cast error: ",
        "Parser error: ",
        "Compute error: ",
        "Invalid argument error: ",
        "This feature is not implemented: ",
        "External error: ",
        "Internal error: ",
        "Schema error: ",
        "SQL error: ",
    ];
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    let mut text = message;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = text.split("\nThis issue was likely caused by a bug").next().unwrap_or(text);
    with_sql_names(&without_marks(&without_scan_names(&on_one_line(text.trim_end()))))
}

/// A message of several lines in one: the lists that follow a message of DataFusion are indented lines.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Cow::Owned(lines.collect::<Vec<_>>().join(" "))
}
