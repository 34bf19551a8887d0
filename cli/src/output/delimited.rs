//! Comma- and tab-separated values, as PostgreSQL's COPY writes them.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cells::Cells;
use super::{RowWriter, unshowable};

/// Writes a header line and one line for each row.
pub(super) struct DelimitedWriter {
    delimiter: u8,
    null: &'static str,
    quote: fn(&str, &mut Vec<u8>),
    line: Vec<u8>,
}

impl DelimitedWriter {
    pub(super) fn csv() -> Self {
        Self { delimiter: b',', null: "", quote: quote_csv, line: Vec::new() }
    }

    pub(super) fn tsv() -> Self {
        Self { delimiter: b'\t', null: "\\N", quote: escape_tsv, line: Vec::new() }
    }
}

impl RowWriter for DelimitedWriter {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                self.line.push(self.delimiter);
            }
            (self.quote)(field.name(), &mut self.line);
        }
        self.line.push(b'\n');
        out.write_all(&self.line)
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let cells = Cells::new(batch).map_err(unshowable)?;
        let mut text = String::new();
        for row in 0..cells.rows() {
            self.line.clear();
            for column in 0..cells.columns() {
                if column > 0 {
                    self.line.push(self.delimiter);
                }
                if cells.text(row, column, &mut text).map_err(unshowable)? {
                    (self.quote)(&text, &mut self.line);
                } else {
                    self.line.extend_from_slice(self.null.as_bytes());
                }
            }
            self.line.push(b'\n');
            out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Quotes where the text would be read as something else; the empty string is quoted because NULL is empty.
fn quote_csv(text: &str, line: &mut Vec<u8>) {
    let must_quote = text.is_empty() || text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if !must_quote {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
}

/// Escapes what would end a field or a line, and the backslash itself.
fn escape_tsv(text: &str, line: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\t' => line.extend_from_slice(b"\\t"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            other => line.push(other),
        }
    }
}
