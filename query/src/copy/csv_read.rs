//! CSV in: records cut from a buffer, fields parsed straight into columns.
//!
//! A field in quotes is never NULL; an unquoted field that equals the NULL text is. Quoted fields may hold
//! line ends. A byte-order mark is skipped; lines end with LF or CR LF.

use std::io::Read;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
};

use super::{Naming, Target, TargetColumn, file_error, names, value::Column};
use crate::{
    error::{Error, Result, SqlState},
    parse::CopyOptions,
    time::TimeZone,
};

/// Rows of a batch.
const ROWS: usize = 8192;
/// Bytes of a batch after which it is handed out early.
const BATCH_BYTES: usize = 8 << 20;
/// Bytes read from the file at once; few under test, so that records cross the edges.
const CHUNK: usize = if cfg!(test) { 64 } else { 1 << 20 };
/// The longest record: a quote that is never closed must not read the whole file into memory.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// A field of the record in the buffer.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    quoted: bool,
    /// It contains escaped quotes.
    escaped: bool,
}

enum Cut {
    /// A record, and where the next one starts.
    Record(usize),
    /// The buffer ends inside the record.
    More,
}

pub(super) struct CsvReader {
    file: Box<dyn Read + Send>,
    path: String,
    options: CopyOptions,
    zone: TimeZone,
    schema: SchemaRef,
    columns: Vec<TargetColumn>,
    builders: Vec<Column>,
    /// For every field of the file, its column.
    order: Vec<usize>,
    buffer: Vec<u8>,
    /// Start of the current record in the buffer, in bytes.
    start: usize,
    fields: Vec<Field>,
    /// The line on which the current record starts.
    line: u64,
    blank_line: Option<u64>,
    at_end: bool,
    bytes_read: u64,
    scratch: Vec<u8>,
}

impl CsvReader {
    pub(super) fn new(
        file: Box<dyn Read + Send>,
        target: &Target<'_>,
        options: &CopyOptions,
    ) -> Result<Self> {
        let columns = target.columns;
        let mut reader = Self {
            file,
            path: target.path.to_owned(),
            options: options.clone(),
            zone: target.zone,
            schema: target.schema.clone(),
            columns: columns.to_vec(),
            builders: columns.iter().map(|column| Column::new(column.column_type)).collect(),
            order: (0..columns.len()).collect(),
            buffer: Vec::new(),
            start: 0,
            fields: Vec::new(),
            line: 1,
            blank_line: None,
            at_end: false,
            bytes_read: 0,
            scratch: Vec::new(),
        };
        reader.fill()?;
        if reader.buffer.starts_with(b"\xEF\xBB\xBF") {
            reader.start = 3;
        }
        if options.header.is_present() {
            reader.header(target.naming)?;
        }
        Ok(reader)
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read - (self.buffer.len() - self.start) as u64
    }

    fn header(&mut self, naming: Naming<'_>) -> Result<()> {
        let Some(next) = self.cut()? else {
            return Err(self
                .broken("the file is empty, but HEADER says that it starts with the names of its columns"));
        };
        let mut names = Vec::with_capacity(self.fields.len());
        for index in 0..self.fields.len() {
            names.push(self.text(index)?.trim().to_owned());
        }
        let place = format!("{}, line {}", self.path, self.line);
        self.order = names::places(&place, &names, &self.columns, naming)?;
        self.advance(next);
        Ok(())
    }

    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut rows = 0;
        let mut bytes = 0;
        while rows < ROWS && bytes < BATCH_BYTES {
            let Some(next) = self.cut()? else { break };
            if self.is_blank() {
                self.blank_line.get_or_insert(self.line);
            } else {
                self.record()?;
                rows += 1;
                bytes += next - self.start;
            }
            self.advance(next);
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.builders.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }

    /// An empty line, where one column does not make it a value.
    fn is_blank(&self) -> bool {
        self.columns.len() != 1
            && matches!(self.fields.as_slice(), [field] if !field.quoted && field.start == field.end)
    }

    fn record(&mut self) -> Result<()> {
        if let Some(line) = self.blank_line {
            self.line = line;
            return Err(self.broken("the line is empty"));
        }
        if self.fields.len() != self.order.len() {
            let (found, expected) = (self.fields.len(), self.order.len());
            return Err(self.broken(format!("{found} fields, expected {expected}")));
        }
        for index in 0..self.fields.len() {
            let place = self.order[index];
            let field = self.fields[index];
            let raw = &self.buffer[field.start..field.end];
            if !field.quoted && raw == self.options.null.as_bytes() {
                self.columns[place].check_null().map_err(|error| self.in_column(place, &error))?;
                self.builders[place].push_null();
                continue;
            }
            let raw = if field.escaped { unescape(raw, &self.options, &mut self.scratch) } else { raw };
            let column_type = self.columns[place].column_type;
            let pushed = match std::str::from_utf8(raw) {
                Ok(text) => self.columns[place]
                    .check_length(text)
                    .and_then(|()| self.builders[place].push(text, column_type, self.zone)),
                Err(_) => Err(Error::new(SqlState::CharacterNotInRepertoire, "the text is not UTF-8")),
            };
            if let Err(error) = pushed {
                return Err(self.in_column(place, &error));
            }
        }
        Ok(())
    }

    fn in_column(&self, place: usize, error: &Error) -> Error {
        let column = &self.columns[place].name;
        let placed = error
            .clone()
            .reworded(|message| format!("{}, line {}, column {column}: {message}", self.path, self.line));
        if error.state() == SqlState::InvalidTextRepresentation && self.options.null.is_empty() {
            return placed.with_hint("if that text means that there is no value, say so: WITH (NULL 'text')");
        }
        placed
    }

    fn broken(&self, what: impl std::fmt::Display) -> Error {
        Error::new(SqlState::BadCopyFileFormat, format!("{}, line {}: {what}", self.path, self.line))
    }

    fn text(&mut self, index: usize) -> Result<String> {
        let field = self.fields[index];
        let raw = &self.buffer[field.start..field.end];
        let raw = if field.escaped { unescape(raw, &self.options, &mut self.scratch) } else { raw };
        match std::str::from_utf8(raw) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Error::new(
                SqlState::CharacterNotInRepertoire,
                format!("{}, line {}: the text is not UTF-8", self.path, self.line),
            )),
        }
    }

    /// Goes to the next record.
    fn advance(&mut self, next: usize) {
        let has_quotes = self.fields.iter().any(|field| field.quoted);
        self.line += if has_quotes {
            self.buffer[self.start..next].split(|b| *b == b'\n').count() as u64 - 1
        } else {
            1
        };
        self.start = next;
    }

    /// Finds the fields of the record at `start`; `None` at the end of the file.
    fn cut(&mut self) -> Result<Option<usize>> {
        loop {
            if self.start == self.buffer.len() && self.at_end {
                return Ok(None);
            }
            match self.cut_buffered()? {
                Cut::Record(next) => return Ok(Some(next)),
                Cut::More => {
                    if self.buffer.len() - self.start > RECORD_BYTES_MAX {
                        let limit = RECORD_BYTES_MAX >> 20;
                        return Err(Error::limit(format!(
                            "{}, line {}: a record of more than {limit} MiB: is a quote not closed?",
                            self.path, self.line
                        )));
                    }
                    self.fill()?;
                }
            }
        }
    }

    fn cut_buffered(&mut self) -> Result<Cut> {
        let (delimiter, quote, escape) = (self.options.delimiter, self.options.quote, self.options.escape);
        self.fields.clear();
        let buffer = self.buffer.as_slice();
        let mut at = self.start;
        loop {
            if buffer.get(at) == Some(&quote) {
                // In quotes: up to the quote that is not escaped.
                let start = at + 1;
                let mut escaped = false;
                at = start;
                let end = loop {
                    let Some(step) = buffer[at..].iter().position(|b| *b == quote || *b == escape) else {
                        return self.unfinished("a quote is not closed");
                    };
                    at += step;
                    let follows = buffer.get(at + 1);
                    if follows.is_none() && !self.at_end {
                        return Ok(Cut::More);
                    }
                    let is_escape =
                        buffer[at] == escape && follows.is_some_and(|b| *b == quote || *b == escape);
                    if is_escape {
                        escaped = true;
                        at += 2;
                    } else if buffer[at] == quote {
                        break at;
                    } else {
                        at += 1;
                    }
                };
                self.fields.push(Field { start, end, quoted: true, escaped });
                at = end + 1;
                match buffer.get(at) {
                    Some(byte) if *byte == delimiter => {}
                    Some(b'\n') => return Ok(Cut::Record(at + 1)),
                    Some(b'\r') if buffer.get(at + 1) == Some(&b'\n') => return Ok(Cut::Record(at + 2)),
                    Some(b'\r') if at + 1 == buffer.len() && !self.at_end => return Ok(Cut::More),
                    None if self.at_end => return Ok(Cut::Record(at)),
                    None => return Ok(Cut::More),
                    Some(_) => {
                        return Err(self.broken("there is text between a closing quote and the next field"));
                    }
                }
            } else {
                let start = at;
                match buffer[at..].iter().position(|b| *b == delimiter || *b == b'\n') {
                    Some(step) => at += step,
                    None if self.at_end => at = buffer.len(),
                    None => return Ok(Cut::More),
                }
                let is_last = buffer.get(at).is_none_or(|b| *b == b'\n');
                let end = if is_last && at > start && buffer[at - 1] == b'\r' { at - 1 } else { at };
                self.fields.push(Field { start, end, quoted: false, escaped: false });
                if is_last {
                    return Ok(Cut::Record((at + 1).min(buffer.len())));
                }
            }
            // Over the delimiter; a file may end right after it, with an empty last field.
            at += 1;
            if at == buffer.len() && !self.at_end {
                return Ok(Cut::More);
            }
        }
    }

    fn unfinished(&self, what: &str) -> Result<Cut> {
        if self.at_end { Err(self.broken(what)) } else { Ok(Cut::More) }
    }

    /// Reads on, keeping what belongs to the current record.
    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        // Long records double the step, so that they are not cut again and again.
        let step = CHUNK.max(kept);
        self.buffer.resize(kept + step, 0);
        let mut filled = kept;
        while filled < self.buffer.len() {
            match self.file.read(&mut self.buffer[filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(file_error(&self.path, &error)),
            }
        }
        self.buffer.truncate(filled);
        self.bytes_read += (filled - kept) as u64;
        Ok(())
    }
}

/// Takes the escape bytes out of a quoted field.
fn unescape<'a>(raw: &[u8], options: &CopyOptions, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    scratch.clear();
    let mut at = 0;
    while at < raw.len() {
        let follows = raw.get(at + 1);
        if raw[at] == options.escape && follows.is_some_and(|b| *b == options.quote || *b == options.escape) {
            at += 1;
        }
        scratch.push(raw[at]);
        at += 1;
    }
    scratch
}
