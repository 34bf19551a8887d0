//! Parquet in and out.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
};
use bytes::Bytes;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{ChunkReader, Length},
    },
};

use super::{
    OutputFile, SeekableFile, Target, TargetColumn,
    exact::{self, Refused},
    file_error, names,
};
use crate::{
    error::{Error, ErrorKind, Result, SqlState},
    time::TimeZone,
};

const ROWS: usize = 8192;

/// A file that is read at any place.
#[derive(Clone)]
struct Shared {
    file: Arc<Mutex<Box<dyn SeekableFile>>>,
    len: u64,
}

impl Shared {
    fn read_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        file.read(buffer)
    }
}

struct From {
    shared: Shared,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.shared.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Shared {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::new(From { shared: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF("the file is shorter than it says".to_owned()));
        }
        let mut buffer = vec![0; length];
        From { shared: self.clone(), at: start }.read_exact(&mut buffer)?;
        Ok(buffer.into())
    }
}

pub(super) struct ParquetInput {
    reader: ParquetRecordBatchReader,
    path: String,
    columns: Vec<TargetColumn>,
    /// For every target column, its column in the file.
    order: Vec<usize>,
    schema: SchemaRef,
    zone: TimeZone,
    rows_total: u64,
    rows_read: u64,
}

impl ParquetInput {
    pub(super) fn new(file: Box<dyn SeekableFile>, len: u64, target: &Target<'_>) -> Result<Self> {
        let (path, columns) = (target.path, target.columns);
        let shared = Shared { file: Arc::new(Mutex::new(file)), len };
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(shared).map_err(|error| not_parquet(path, error))?;
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut order = vec![0; columns.len()];
        for (in_file, place) in names::places(path, &names, columns, target.naming)?.into_iter().enumerate() {
            order[place] = in_file;
        }
        let rows_total = builder.metadata().file_metadata().num_rows().max(0) as u64;
        let reader = builder.with_batch_size(ROWS).build().map_err(|error| not_parquet(path, error))?;
        Ok(Self {
            reader,
            path: path.to_owned(),
            columns: columns.to_vec(),
            order,
            schema: target.schema.clone(),
            zone: target.zone,
            rows_total,
            rows_read: 0,
        })
    }

    pub(super) fn share_read(&self) -> f64 {
        if self.rows_total == 0 { 1.0 } else { self.rows_read as f64 / self.rows_total as f64 }
    }

    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|error| {
            Error::new(SqlState::BadCopyFileFormat, format!("{} cannot be read: {error}", self.path))
                .of_kind(ErrorKind::Corrupt)
                .with_source(error)
        })?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, in_file) in self.columns.iter().zip(&self.order) {
            let array = batch.column(*in_file);
            let converted = exact::convert(array, column.column_type, self.zone)
                .and_then(|array| check(&array, column).map(|()| array));
            columns.push(converted.map_err(|refused| self.in_column(column, &refused))?);
        }
        self.rows_read += batch.num_rows() as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }

    fn in_column(&self, column: &TargetColumn, refused: &Refused) -> Error {
        let Refused { row, error } = refused;
        let row = self.rows_read + *row as u64 + 1;
        let message = format!("{}, row {row}, column {}: {error}", self.path, column.name);
        error.clone().reworded(|_| message)
    }
}

/// The checks of the column that are about single values.
fn check(array: &ArrayRef, column: &TargetColumn) -> Result<(), Refused> {
    if !column.nullable && array.null_count() > 0 {
        let row = (0..array.len()).find(|&row| array.is_null(row)).unwrap_or_default();
        return column.check_null().map_err(|error| Refused { row, error });
    }
    let Some(texts) = array.as_string_view_opt() else { return Ok(()) };
    for (row, text) in texts.iter().enumerate() {
        column.check_length(text.unwrap_or_default()).map_err(|error| Refused { row, error })?;
    }
    Ok(())
}

fn not_parquet(path: &str, error: ParquetError) -> Error {
    Error::new(SqlState::BadCopyFileFormat, format!("{path} is not a Parquet file: {error}"))
        .with_source(error)
}

pub(super) struct ParquetOutput {
    writer: ArrowWriter<Sink>,
}

/// The file, as the writer wants it.
struct Sink(Box<dyn OutputFile>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl ParquetOutput {
    pub(super) fn new(file: Box<dyn OutputFile>, schema: &SchemaRef, path: &str) -> Result<Self> {
        for (index, field) in schema.fields().iter().enumerate() {
            if schema.fields()[..index].iter().any(|other| other.name() == field.name()) {
                return Err(Error::duplicate_column(field.name())
                    .with_hint("a Parquet file needs a name for each column: SELECT … AS name"));
            }
        }
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(Sink(file), schema.clone(), Some(properties))
            .map_err(|error| not_written(path, error))?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch, path: &str) -> Result<()> {
        self.writer.write(batch).map_err(|error| not_written(path, error))
    }

    pub(super) fn finish(self, path: &str) -> Result<Box<dyn OutputFile>> {
        Ok(self.writer.into_inner().map_err(|error| not_written(path, error))?.0)
    }
}

fn not_written(path: &str, error: ParquetError) -> Error {
    if let ParquetError::External(source) = &error
        && let Some(io) = source.downcast_ref::<io::Error>()
    {
        return file_error(path, io);
    }
    match &error {
        ParquetError::NYI(what) | ParquetError::ArrowError(what) => {
            Error::unsupported(format!("{what} in a Parquet file"))
        }
        _ => Error::new(SqlState::IoError, format!("file {path}: {error}")),
    }
    .with_source(error)
}
