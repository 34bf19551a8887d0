//! `information_schema`: the catalog in the words of the SQL standard.

use std::fmt::Write as _;

use arrow::{
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};

use super::{ComputedKind, computed, describe::Described, schema_of, schema_of_kind};
use crate::{
    catalog::{CatalogState, INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA, TableDef},
    error::Result,
    names::ObjectPath,
    statement::Columns,
    types::ColumnType,
};

pub(super) fn schema(kind: ComputedKind) -> SchemaRef {
    let text = DataType::Utf8View;
    let names: &[(&str, DataType)] = match kind {
        ComputedKind::Schemata => &[("catalog_name", text.clone()), ("schema_name", text)],
        ComputedKind::Views => &[
            ("table_catalog", text.clone()),
            ("table_schema", text.clone()),
            ("table_name", text.clone()),
            ("view_definition", text),
        ],
        ComputedKind::Columns => &[
            ("table_catalog", text.clone()),
            ("table_schema", text.clone()),
            ("table_name", text.clone()),
            ("column_name", text.clone()),
            ("ordinal_position", DataType::Int64),
            ("column_default", text.clone()),
            ("is_nullable", text.clone()),
            ("data_type", text.clone()),
            ("character_maximum_length", DataType::Int64),
            ("numeric_precision", DataType::Int64),
            ("numeric_scale", DataType::Int64),
        ],
        ComputedKind::TableConstraints => &[
            ("constraint_catalog", text.clone()),
            ("constraint_schema", text.clone()),
            ("constraint_name", text.clone()),
            ("table_catalog", text.clone()),
            ("table_schema", text.clone()),
            ("table_name", text.clone()),
            ("constraint_type", text),
        ],
        ComputedKind::KeyColumnUsage => &[
            ("constraint_catalog", text.clone()),
            ("constraint_schema", text.clone()),
            ("constraint_name", text.clone()),
            ("table_catalog", text.clone()),
            ("table_schema", text.clone()),
            ("table_name", text.clone()),
            ("column_name", text),
            ("ordinal_position", DataType::Int64),
        ],
        _ => &[
            ("table_catalog", text.clone()),
            ("table_schema", text.clone()),
            ("table_name", text.clone()),
            ("table_type", text),
        ],
    };
    schema_of(names)
}

pub(super) fn rows(kind: ComputedKind, catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    match kind {
        ComputedKind::Schemata => schemata(catalog, database),
        ComputedKind::Views => views(catalog, database),
        ComputedKind::TableConstraints => constraints(catalog, database),
        ComputedKind::KeyColumnUsage => key_columns(catalog, database),
        _ => tables(catalog, database),
    }
}

fn tables(catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    let mut all: Vec<(String, String, &str)> = catalog
        .objects_of(database)
        .map(|(path, object)| {
            let kind = match object {
                Object::Table(_) => "BASE TABLE",
                Object::View(_) => "VIEW",
            };
            (path.schema, path.name, kind)
        })
        .collect();
    all.extend(computed().map(|(schema, name, _)| (schema.to_owned(), name.to_owned(), "VIEW")));
    Columns::default()
        .text("table_catalog", all.iter().map(|_| Some(database)))
        .text("table_schema", all.iter().map(|row| Some(&row.0)))
        .text("table_name", all.iter().map(|row| Some(&row.1)))
        .text("table_type", all.iter().map(|row| Some(row.2)))
        .build(all.len())
}

fn schemata(catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    let mut names: Vec<&str> = catalog
        .databases
        .get(database)
        .into_iter()
        .flat_map(|entry| entry.schemas.keys())
        .map(String::as_str)
        .collect();
    names.extend([SYSTEM_SCHEMA, INFORMATION_SCHEMA]);
    Columns::default()
        .text("catalog_name", names.iter().map(|_| Some(database)))
        .text("schema_name", names.iter().map(Some))
        .build(names.len())
}

fn views(catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    let all: Vec<(ObjectPath, &str)> = catalog
        .objects_of(database)
        .filter_map(|(path, object)| match object {
            Object::View(view) => Some((path, view.query.as_str())),
            Object::Table(_) => None,
        })
        .collect();
    Columns::default()
        .text("table_catalog", all.iter().map(|_| Some(database)))
        .text("table_schema", all.iter().map(|row| Some(&row.0.schema)))
        .text("table_name", all.iter().map(|row| Some(&row.0.name)))
        .text("view_definition", all.iter().map(|row| Some(row.1)))
        .build(all.len())
}

/// `information_schema.columns`, of what `described` knows and of the computed tables.
pub(super) fn columns(database: &str, mut tables: Vec<(ObjectPath, Vec<Described>)>) -> Result<RecordBatch> {
    tables.extend(computed().map(|(schema, name, kind)| {
        let columns = schema_of_kind(kind).fields().iter().map(Described::of_field).collect();
        (ObjectPath::new(database, schema, name), columns)
    }));
    let all: Vec<(&ObjectPath, i64, &Described)> = tables
        .iter()
        .flat_map(|(path, columns)| {
            columns.iter().enumerate().map(move |(index, column)| (path, index as i64 + 1, column))
        })
        .collect();
    let length = |column: &Described| match column.column_type {
        Some(ColumnType::Text { chars_max }) => chars_max.map(i64::from),
        _ => None,
    };
    let digits = |column: &Described| match column.column_type {
        Some(ColumnType::Decimal { precision, scale }) => Some((i64::from(precision), i64::from(scale))),
        _ => None,
    };
    Columns::default()
        .text("table_catalog", all.iter().map(|_| Some(database)))
        .text("table_schema", all.iter().map(|row| Some(&row.0.schema)))
        .text("table_name", all.iter().map(|row| Some(&row.0.name)))
        .text("column_name", all.iter().map(|row| Some(&row.2.name)))
        .integer("ordinal_position", all.iter().map(|row| Some(row.1)))
        .text("column_default", all.iter().map(|row| row.2.default.as_ref()))
        .text("is_nullable", all.iter().map(|row| Some(if row.2.nullable { "YES" } else { "NO" })))
        .text("data_type", all.iter().map(|row| Some(&row.2.data_type)))
        .integer("character_maximum_length", all.iter().map(|row| length(row.2)))
        .integer("numeric_precision", all.iter().map(|row| digits(row.2).map(|d| d.0)))
        .integer("numeric_scale", all.iter().map(|row| digits(row.2).map(|d| d.1)))
        .build(all.len())
}

fn constraints(catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    let tables = catalog.tables_of(database).filter(|table| !table.has_hidden_key());
    let all: Vec<&ObjectPath> = tables.map(|table| table.path()).collect();
    Columns::default()
        .text("constraint_catalog", all.iter().map(|_| Some(database)))
        .text("constraint_schema", all.iter().map(|row| Some(&row.schema)))
        .text("constraint_name", all.iter().map(|row| Some(key_name(row))))
        .text("table_catalog", all.iter().map(|_| Some(database)))
        .text("table_schema", all.iter().map(|row| Some(&row.schema)))
        .text("table_name", all.iter().map(|row| Some(&row.name)))
        .text("constraint_type", all.iter().map(|_| Some("PRIMARY KEY")))
        .build(all.len())
}

fn key_columns(catalog: &CatalogState, database: &str) -> Result<RecordBatch> {
    let all: Vec<(&ObjectPath, &str, i64)> = catalog
        .tables_of(database)
        .flat_map(|table| {
            table.primary_key.iter().enumerate().map(move |(position, &index)| {
                (table.path(), table.columns[index].name.as_str(), position as i64 + 1)
            })
        })
        .collect();
    Columns::default()
        .text("constraint_catalog", all.iter().map(|_| Some(database)))
        .text("constraint_schema", all.iter().map(|row| Some(&row.0.schema)))
        .text("constraint_name", all.iter().map(|row| Some(key_name(row.0))))
        .text("table_catalog", all.iter().map(|_| Some(database)))
        .text("table_schema", all.iter().map(|row| Some(&row.0.schema)))
        .text("table_name", all.iter().map(|row| Some(&row.0.name)))
        .text("column_name", all.iter().map(|row| Some(row.1)))
        .integer("ordinal_position", all.iter().map(|row| Some(row.2)))
        .build(all.len())
}

fn key_name(path: &ObjectPath) -> String {
    format!("{}_pkey", path.name)
}

/// The statement that would create an object.
pub(crate) fn show_create(path: &ObjectPath, object: &Object) -> String {
    match object {
        Object::View(view) => format!("CREATE VIEW {path} AS {}", view.query),
        Object::Table(table) => create_table(path, table),
    }
}

fn create_table(path: &ObjectPath, table: &TableDef) -> String {
    let mut text = format!("CREATE TABLE {path} (");
    for (index, column) in table.columns.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(text, "{separator}\n  {} {}", column_name(&column.name), column.column_type);
        if !column.nullable && !table.primary_key.contains(&index) {
            text.push_str(" NOT NULL");
        }
        if let Some(default) = &column.default {
            let _ = write!(text, " DEFAULT {default}");
        }
    }
    if !table.has_hidden_key() {
        let names: Vec<String> =
            table.primary_key.iter().map(|&index| column_name(&table.columns[index].name)).collect();
        let _ = write!(text, ",\n  PRIMARY KEY ({})", names.join(", "));
    }
    text.push_str("\n)");
    text
}

fn column_name(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
