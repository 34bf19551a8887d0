//! CSV out, quoted as Postgres quotes: only where reading back would see something else.

use std::io::{self, Write};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, SchemaRef},
};

use super::{OutputFile, file_error};
use crate::{error::Result, parse::CopyOptions, value_text::text_formatter};

/// Bytes gathered before they are written.
const CHUNK: usize = 1 << 18;

pub(super) struct CsvWriter {
    file: Box<dyn OutputFile>,
    options: CopyOptions,
    buffer: Vec<u8>,
}

impl CsvWriter {
    pub(super) fn new(file: Box<dyn OutputFile>, schema: &SchemaRef, options: &CopyOptions) -> Self {
        let mut writer = Self { file, options: options.clone(), buffer: Vec::with_capacity(CHUNK * 2) };
        if options.header.is_present() {
            for (i, field) in schema.fields().iter().enumerate() {
                if i > 0 {
                    writer.buffer.push(options.delimiter);
                }
                writer.field(field.name().as_bytes());
            }
            writer.buffer.push(b'\n');
        }
        writer
    }

    pub(super) fn write(&mut self, batch: &RecordBatch, path: &str) -> Result<()> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
            columns.push((column, text_formatter(column.as_ref())?));
        }
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (i, (column, formatter)) in columns.iter().enumerate() {
                if i > 0 {
                    self.buffer.push(self.options.delimiter);
                }
                if column.is_null(row) {
                    self.buffer.extend_from_slice(self.options.null.as_bytes());
                    continue;
                }
                match column.data_type() {
                    DataType::Utf8View => self.field(column.as_string_view().value(row).as_bytes()),
                    DataType::Utf8 => self.field(column.as_string::<i32>().value(row).as_bytes()),
                    _ => {
                        text.clear();
                        formatter.value(row).write(&mut text)?;
                        self.field(text.as_bytes());
                    }
                }
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= CHUNK {
                self.flush().map_err(|error| file_error(path, &error))?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Box<dyn OutputFile>> {
        self.flush()?;
        Ok(self.file)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn field(&mut self, value: &[u8]) {
        let CopyOptions { delimiter, quote, escape, null, .. } = &self.options;
        let needs_quotes = value == null.as_bytes()
            || value.iter().any(|b| b == delimiter || b == quote || matches!(b, b'\n' | b'\r'))
            || value.is_empty();
        if !needs_quotes {
            self.buffer.extend_from_slice(value);
            return;
        }
        self.buffer.push(*quote);
        for byte in value {
            if byte == quote || byte == escape {
                self.buffer.push(*escape);
            }
            self.buffer.push(*byte);
        }
        self.buffer.push(*quote);
    }
}
