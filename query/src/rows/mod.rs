//! The bytes of rows: keys in SQL order, values that outlive changes of the table.
//!
//! ```text
//!   key    = the primary key columns, each in an order-preserving form │ or the hidden row id, 8 bytes
//!   value  = count of columns │ one tag of 4 bits each │ the payloads in column order
//! ```
//!
//! 1. Comparing keys as bytes is comparing the key columns as SQL does, column by column.
//! 2. Column values are prefix-free: the rows with a given prefix of key columns are the keys with a prefix
//!    of bytes.
//! 3. A value says how long each of its payloads is, so it can be read without knowing how the table looked
//!    when it was written. A column that is younger than the row has the default given with it.
//! 4. Bytes from storage are never trusted: what does not decode is an error that says so.
//!
//! The forms of single values are the engine's ([`bygone_engine::rows`]). The normative description is in
//! FORMAT.md.

mod decode;
mod encode;
mod key;

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use bygone_engine::rows::RowSchema;
use datafusion::common::ScalarValue;

use crate::{
    error::{Error, Result},
    types::ColumnType,
};

pub use decode::RowDecoder;
pub use encode::{EncodedRows, KeyBatch, RowEncoder};

/// A column of a table, as its rows store it.
#[derive(Clone, Debug, PartialEq)]
pub struct RowColumn {
    /// Its number in the table: given once, never used again, small.
    pub id: u32,
    /// Its name, for messages.
    pub name: String,
    /// Its type. It may have been widened since a row was written (`INTEGER` to `BIGINT`, `REAL` to `DOUBLE
    /// PRECISION`, more digits, longer text).
    pub column_type: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Its value in rows that are older than the column; `None` is NULL.
    pub missing: Option<ScalarValue>,
}

/// Layout of the stored rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct RowLayout {
    table: String,
    columns: Vec<RowColumn>,
    key: Vec<usize>,
}

/// The version of the schemas of tables, whose columns do not change.
pub const SCHEMA_VERSION: u32 = 1;

/// Most columns that a table can have: their ids count from 1.
pub const COLUMNS_MAX: usize = bygone_engine::rows::COLUMNS_MAX - 1;

impl RowLayout {
    /// The layout of `table` with these columns. `key` names the columns of the primary key by their place in
    /// `columns`, in key order; without any, rows have a hidden id.
    ///
    /// # Errors
    ///
    /// 54000 when there are more than [`COLUMNS_MAX`] columns, 42P16 when the key names a column that is not
    /// there.
    pub fn new(table: impl Into<String>, columns: Vec<RowColumn>, key: Vec<usize>) -> Result<Self> {
        if columns.len() > COLUMNS_MAX || columns.iter().any(|column| column.id as usize > COLUMNS_MAX) {
            return Err(Error::limit(format!("a table has at most {COLUMNS_MAX} columns")));
        }
        if key.iter().any(|column| *column >= columns.len()) {
            return Err(Error::invalid_definition("the primary key names a column that is not there"));
        }
        Ok(Self { table: table.into(), columns, key })
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The columns in the table's order.
    pub fn columns(&self) -> &[RowColumn] {
        &self.columns
    }

    /// The places of the primary key's columns, in key order; empty for a hidden row id.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Whether rows are identified by a hidden id instead of columns.
    pub fn has_hidden_key(&self) -> bool {
        self.key.is_empty()
    }

    /// The Arrow schema of the columns in the table's order.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(RowColumn::field).collect::<Vec<_>>()))
    }

    fn key_columns(&self) -> impl Iterator<Item = &RowColumn> {
        self.key.iter().map(|column| &self.columns[*column])
    }

    /// The columns as the engine stores them.
    pub fn schema_of_rows(&self) -> RowSchema {
        let columns = self
            .columns
            .iter()
            .map(|column| bygone_engine::rows::RowColumn { id: column.id, kind: column.column_type.kind() });
        let key: Vec<u32> = self.key_columns().map(|column| column.id).collect();
        RowSchema::new(SCHEMA_VERSION, columns.collect(), &key)
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::corrupt(format!("a row of table {} cannot be read: {what}", self.table))
    }
}

impl RowColumn {
    /// The Arrow field of the column.
    pub fn field(&self) -> Field {
        Field::new(&self.name, self.column_type.arrow(), self.nullable)
    }
}

#[cfg(test)]
mod tests;
