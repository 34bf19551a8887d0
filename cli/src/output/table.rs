//! Aligned columns for people.
//!
//! Widths come from the first rows: up to [`BUFFERED_ROWS_MAX`] rows or [`BUFFERED_BYTES_MAX`] bytes of text
//! are held back. Later rows use those widths, and a longer cell pushes its line to the right; nothing is cut
//! off.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bygone::printable;
use unicode_width::UnicodeWidthStr;

use super::cells::{Cells, is_number};
use super::{RowWriter, unshowable};

const BUFFERED_ROWS_MAX: usize = 1_000;
const BUFFERED_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
pub(super) struct TableWriter {
    columns: Vec<Column>,
    buffer: Vec<Vec<String>>,
    buffered_bytes: usize,
    header_written: bool,
    rows: u64,
}

struct Column {
    name: String,
    right: bool,
    width: usize,
}

impl RowWriter for TableWriter {
    fn begin(&mut self, schema: &SchemaRef, _out: &mut dyn Write) -> io::Result<()> {
        self.columns = schema
            .fields()
            .iter()
            .map(|field| {
                let name = printable(field.name()).into_owned();
                Column { width: name.width(), right: is_number(field.data_type()), name }
            })
            .collect();
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let cells = Cells::new(batch).map_err(unshowable)?;
        let mut text = String::new();
        for row in 0..cells.rows() {
            let mut line = Vec::with_capacity(cells.columns());
            for column in 0..cells.columns() {
                let is_value = cells.text(row, column, &mut text).map_err(unshowable)?;
                line.push(if is_value { printable(&text).into_owned() } else { "NULL".to_owned() });
            }
            self.rows += 1;
            if self.header_written {
                self.write_row(&line, out)?;
            } else {
                self.hold(line);
                if self.buffer.len() >= BUFFERED_ROWS_MAX || self.buffered_bytes >= BUFFERED_BYTES_MAX {
                    self.write_held(out)?;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.header_written {
            self.write_held(out)?;
        }
        writeln!(out, "({} {})", self.rows, if self.rows == 1 { "row" } else { "rows" })
    }
}

impl TableWriter {
    fn hold(&mut self, line: Vec<String>) {
        for (column, cell) in self.columns.iter_mut().zip(&line) {
            column.width = column.width.max(cell.width());
            self.buffered_bytes += cell.len();
        }
        self.buffer.push(line);
    }

    fn write_held(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write_header(out)?;
        self.header_written = true;
        for line in std::mem::take(&mut self.buffer) {
            self.write_row(&line, out)?;
        }
        Ok(())
    }

    fn write_header(&self, out: &mut dyn Write) -> io::Result<()> {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        self.write_row(&names, out)?;
        let rules: Vec<String> = self.columns.iter().map(|column| "-".repeat(column.width + 2)).collect();
        writeln!(out, "{}", rules.join("+"))
    }

    fn write_row(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                line.push('|');
            }
            let padding = " ".repeat(column.width.saturating_sub(cell.width()));
            line.push(' ');
            if column.right {
                line.push_str(&padding);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&padding);
            }
            line.push(' ');
        }
        writeln!(out, "{}", line.trim_end())
    }
}
