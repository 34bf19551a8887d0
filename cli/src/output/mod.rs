//! Rows to text.
//!
//! A [`RowWriter`] is given a schema, then batches as they arrive, then the end. It holds a bounded number of
//! rows (only the table format holds any, to choose widths), so the size of a result never matters.

mod cells;
mod delimited;
mod json;
mod markdown;
mod table;

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// Format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned columns for people.
    Table,
    /// Comma-separated values; NULL is empty, the empty string is `""`.
    Csv,
    /// Tab-separated values; NULL is `\N`, tabs and newlines are escaped.
    Tsv,
    /// One JSON array of objects for each result.
    Json,
    /// One JSON object for each row.
    JsonLines,
    /// A Markdown table.
    Markdown,
}

impl Format {
    /// All formats, in the order help lists them.
    pub(crate) const ALL: [Format; 6] =
        [Format::Table, Format::Csv, Format::Tsv, Format::Json, Format::JsonLines, Format::Markdown];

    /// Returns the name the command line and `.mode` know the format by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::JsonLines => "jsonl",
            Format::Markdown => "markdown",
        }
    }

    /// Finds a format by its name.
    pub(crate) fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Makes the writer of one result.
    pub(crate) fn writer(self) -> Box<dyn RowWriter> {
        match self {
            Format::Table => Box::new(table::TableWriter::default()),
            Format::Csv => Box::new(delimited::DelimitedWriter::csv()),
            Format::Tsv => Box::new(delimited::DelimitedWriter::tsv()),
            Format::Json => Box::new(json::JsonWriter::array()),
            Format::JsonLines => Box::new(json::JsonWriter::lines()),
            Format::Markdown => Box::new(markdown::MarkdownWriter),
        }
    }
}

/// Writes one result: `begin` once, `write` for each batch, `finish` once.
pub(crate) trait RowWriter: Send {
    /// Writes what comes before the rows.
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()>;
    /// Writes the rows of a batch, or keeps a bounded number of them.
    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()>;
    /// Writes what is kept and what comes after the rows.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// A value that cannot be shown is a failure of the output, with the reason kept.
fn unshowable(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}

/// Gives repeated column names a number (`a`, `a:1`, `a:2`), for formats that are keyed by name.
fn distinct_names(schema: &SchemaRef) -> SchemaRef {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let count = seen.entry(field.name().clone()).or_default();
            let name = if *count == 0 { field.name().clone() } else { format!("{}:{count}", field.name()) };
            *count += 1;
            Arc::new(field.as_ref().clone().with_name(name))
        })
        .collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}

#[cfg(test)]
mod tests;
