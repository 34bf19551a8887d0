//! Markdown tables, written as rows arrive.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bygone::printable;

use super::cells::{Cells, is_number};
use super::{RowWriter, unshowable};

pub(super) struct MarkdownWriter;

impl RowWriter for MarkdownWriter {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()> {
        let mut header = String::from("|");
        let mut rule = String::from("|");
        for field in schema.fields() {
            push_cell(field.name(), &mut header);
            rule.push_str(if is_number(field.data_type()) { "---:|" } else { "---|" });
        }
        writeln!(out, "{header}\n{rule}")
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let cells = Cells::new(batch).map_err(unshowable)?;
        let (mut line, mut text) = (String::new(), String::new());
        for row in 0..cells.rows() {
            line.clear();
            line.push('|');
            for column in 0..cells.columns() {
                let is_value = cells.text(row, column, &mut text).map_err(unshowable)?;
                push_cell(if is_value { &text } else { "NULL" }, &mut line);
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

fn push_cell(text: &str, line: &mut String) {
    line.push(' ');
    line.push_str(&printable(text).replace('|', "\\|"));
    line.push_str(" |");
}
