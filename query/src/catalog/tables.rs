//! Tables and views: their definitions, and a table with what follows from its definition.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use arrow::datatypes::{Field, Schema, SchemaRef};
use bygone_engine::{rows::RowSchema, types::KeyspaceId};
use bygone_snapshots::ObjectRef;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    names::ObjectPath,
    rows::{RowColumn, RowLayout},
    types::ColumnType,
};

/// A table or a view: they share one space of names.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    /// A table.
    Table(Arc<BoundTable>),
    /// A view.
    View(Arc<ViewDef>),
}

/// The row of a table or a view.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ObjectRow {
    /// A table.
    Table(TableDef),
    /// A view.
    View(ViewDef),
}

impl Object {
    /// The object of a row, at its path.
    pub(super) fn of_row(path: ObjectPath, row: ObjectRow) -> Self {
        match row {
            ObjectRow::Table(def) => Self::Table(Arc::new(BoundTable::new(path, def))),
            ObjectRow::View(def) => Self::View(Arc::new(def)),
        }
    }

    /// The row that describes it.
    pub(crate) fn row(&self) -> ObjectRow {
        match self {
            Self::Table(table) => ObjectRow::Table(table.def.clone()),
            Self::View(view) => ObjectRow::View(view.as_ref().clone()),
        }
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableDef {
    /// Never used by another table.
    pub id: u64,
    /// Keyspace of the rows.
    pub keyspace: u64,
    /// The columns in order.
    pub columns: Vec<ColumnDef>,
    /// Positions of the primary key's columns in key order; empty: rows have a hidden id.
    pub primary_key: Vec<usize>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnDef {
    /// Unique within the table, never used again: row values refer to it.
    pub id: u32,
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    pub nullable: bool,
    /// The default expression as SQL text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ViewDef {
    pub id: u64,
    /// The query's text, with the database and schema that its unqualified names meant.
    pub query: String,
    pub database: String,
    pub schema: String,
    /// Column names given in the definition; empty: those of the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl TableDef {
    /// Keyspace of the rows.
    pub(crate) fn keyspace_id(&self) -> KeyspaceId {
        KeyspaceId::new(self.keyspace)
    }

    /// Position of the column called `name`.
    pub(crate) fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether rows have a hidden id instead of a primary key.
    pub(crate) fn has_hidden_key(&self) -> bool {
        self.primary_key.is_empty()
    }
}

/// A table at its path, with what follows from its definition: made once for a state of the catalog, when it
/// is first asked for.
#[derive(Debug)]
pub(crate) struct BoundTable {
    path: ObjectPath,
    def: TableDef,
    layout: OnceLock<Arc<RowLayout>>,
    schema: OnceLock<SchemaRef>,
    row_schema: OnceLock<Arc<RowSchema>>,
}

/// Equal tables have one definition at one path.
impl PartialEq for BoundTable {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.def == other.def
    }
}

impl Deref for BoundTable {
    type Target = TableDef;

    fn deref(&self) -> &TableDef {
        &self.def
    }
}

impl BoundTable {
    pub(crate) fn new(path: ObjectPath, def: TableDef) -> Self {
        let (layout, schema, row_schema) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { path, def, layout, schema, row_schema }
    }

    /// Path of the table.
    pub(crate) fn path(&self) -> &ObjectPath {
        &self.path
    }

    /// Layout of the stored rows.
    ///
    /// # Errors
    /// 54000 when there are too many columns.
    pub(crate) fn layout(&self) -> Result<Arc<RowLayout>> {
        if let Some(layout) = self.layout.get() {
            return Ok(Arc::clone(layout));
        }
        let columns = self
            .def
            .columns
            .iter()
            .map(|column| RowColumn {
                id: column.id,
                name: column.name.clone(),
                column_type: column.column_type,
                nullable: column.nullable,
                missing: None,
            })
            .collect();
        let layout = RowLayout::new(self.path.to_string(), columns, self.def.primary_key.clone())?;
        Ok(Arc::clone(self.layout.get_or_init(|| Arc::new(layout))))
    }

    /// The columns as Arrow has them.
    pub(crate) fn schema(&self) -> &SchemaRef {
        let field =
            |column: &ColumnDef| Field::new(&column.name, column.column_type.arrow(), column.nullable);
        self.schema
            .get_or_init(|| Arc::new(Schema::new(self.def.columns.iter().map(field).collect::<Vec<_>>())))
    }

    /// The columns as rows have them that are yet to be checked: any may be NULL.
    pub(crate) fn nullable_schema(&self) -> Schema {
        let fields = self.schema().fields().iter();
        Schema::new(fields.map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>())
    }

    /// The columns as the engine stores them.
    ///
    /// # Errors
    /// As [`Self::layout`].
    pub(crate) fn row_schema(&self) -> Result<Arc<RowSchema>> {
        let layout = self.layout()?;
        Ok(Arc::clone(self.row_schema.get_or_init(|| Arc::new(layout.schema_of_rows()))))
    }

    /// Keyspaces of its rows: what a snapshot holds of it, and a restore puts back.
    pub(crate) fn keyspaces(&self) -> Vec<KeyspaceId> {
        vec![self.def.keyspace_id()]
    }

    /// The table as snapshots and restores know it.
    pub(crate) fn object_ref(&self) -> ObjectRef {
        ObjectRef { name: self.path.to_string(), id: self.def.id, keyspaces: self.keyspaces() }
    }
}
