//! Files of `COPY`: CSV and Parquet, read into batches of a table's types and written from batches.
//!
//! Files are reached through [`Files`], which the program injects: the command line gives the file system, a server
//! gives [`NoFiles`]. A line that cannot be read names the file, the line, the column and the text. Memory is bounded
//! by one batch and one record.

mod csv_read;
mod csv_write;
mod parquet_file;
mod value;

pub(crate) use value::Column as TextColumn;

use std::{
    fmt::Debug,
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};

use crate::{
    error::{Error, Result},
    parse::{CopyOptions, FileFormat},
    points::TimeZone,
    types::ColumnType,
};

/// The file system, as far as statements may touch it.
pub trait Files: Debug + Send + Sync {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Those of the file system; `PermissionDenied` when files are out of reach.
    fn open(&self, path: &str) -> io::Result<Box<dyn InputFile>>;

    /// Starts a file that appears under its name when it is finished, in place of an older one.
    ///
    /// # Errors
    ///
    /// As [`Files::open`].
    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>>;
}

/// A file that is read.
pub trait InputFile: Read + Seek + Send {}

impl<T: Read + Seek + Send> InputFile for T {}

/// A file that is written. Dropped before [`OutputFile::finish`] it leaves nothing behind.
pub trait OutputFile: Write + Send {
    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    ///
    /// Those of the file system; there is no file then.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// No files at all: every statement that names one fails with 42501.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _path: &str) -> io::Result<Box<dyn InputFile>> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn create(&self, _path: &str) -> io::Result<Box<dyn OutputFile>> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// A column that a file is read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// Reads a file as batches of the target columns, in their order.
pub struct FileReader {
    reader: Reader,
    schema: SchemaRef,
    bytes: u64,
}

enum Reader {
    Csv(Box<csv_read::CsvReader>),
    Parquet(parquet_file::ParquetInput),
}

impl Debug for FileReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileReader").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl FileReader {
    /// Opens a file. With `by_name` the file's own column names (a CSV header, a Parquet schema) say which column is
    /// which, and must be those of `columns`; otherwise the file has `columns` in this order.
    ///
    /// # Errors
    ///
    /// 58P01 when there is no such file, 42501 when files may not be read, 42703 when the file names other columns.
    pub fn open(
        files: &dyn Files,
        path: &str,
        columns: &[TargetColumn],
        by_name: bool,
        options: &CopyOptions,
        zone: TimeZone,
    ) -> Result<Self> {
        let mut file = files.open(path).map_err(|error| file_error(path, &error))?;
        let bytes = file.seek(io::SeekFrom::End(0)).map_err(|error| file_error(path, &error))?;
        file.rewind().map_err(|error| file_error(path, &error))?;
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, column.column_type.arrow(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let reader = match options.format {
            FileFormat::Csv => Reader::Csv(Box::new(csv_read::CsvReader::new(
                file, path, columns, by_name, options, zone, &schema,
            )?)),
            FileFormat::Parquet => Reader::Parquet(parquet_file::ParquetInput::new(
                file, bytes, path, columns, by_name, &schema,
            )?),
        };
        Ok(Self { reader, schema, bytes })
    }

    /// The target columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of the file, for progress.
    pub fn bytes_total(&self) -> u64 {
        self.bytes
    }

    /// Bytes read so far, as near as is known.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            Reader::Csv(reader) => reader.bytes_read(),
            Reader::Parquet(reader) => (self.bytes as f64 * reader.share_read()) as u64,
        }
    }

    /// The next rows, or `None` at the end.
    ///
    /// # Errors
    ///
    /// 22P02, 22003 and the like with file, line and column; 22P04 when the file is not of its format.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.reader {
            Reader::Csv(reader) => reader.next_batch(),
            Reader::Parquet(reader) => reader.next_batch(),
        }
    }
}

/// Writes batches to a file, which appears when it is complete.
pub struct FileWriter {
    writer: Writer,
    path: String,
    rows: u64,
}

enum Writer {
    Csv(csv_write::CsvWriter),
    Parquet(Box<parquet_file::ParquetOutput>),
}

impl Debug for FileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWriter")
            .field("path", &self.path)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl FileWriter {
    /// Starts a file for batches of this schema.
    ///
    /// # Errors
    ///
    /// 58030 when it cannot be created, 42501 when files may not be written.
    pub fn create(files: &dyn Files, path: &str, schema: &SchemaRef, options: &CopyOptions) -> Result<Self> {
        let file = files.create(path).map_err(|error| file_error(path, &error))?;
        let writer = match options.format {
            FileFormat::Csv => Writer::Csv(csv_write::CsvWriter::new(file, schema, options)),
            FileFormat::Parquet => {
                Writer::Parquet(Box::new(parquet_file::ParquetOutput::new(file, schema, path)?))
            }
        };
        Ok(Self { writer, path: path.to_owned(), rows: 0 })
    }

    /// Adds rows.
    ///
    /// # Errors
    ///
    /// 53100 when the disk is full, 58030 for other failures of the file.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        match &mut self.writer {
            Writer::Csv(writer) => writer.write(batch, &self.path),
            Writer::Parquet(writer) => writer.write(batch, &self.path),
        }
    }

    /// Completes the file; returns its rows. Without this call there is no file.
    ///
    /// # Errors
    ///
    /// As [`FileWriter::write`].
    pub fn finish(self) -> Result<u64> {
        let file = match self.writer {
            Writer::Csv(writer) => writer.finish().map_err(|error| file_error(&self.path, &error))?,
            Writer::Parquet(writer) => writer.finish(&self.path)?,
        };
        file.finish().map_err(|error| file_error(&self.path, &error))?;
        Ok(self.rows)
    }
}

fn file_error(path: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Error::new(
            crate::error::ErrorKind::Invalid,
            "42501",
            format!("file {path}: permission denied"),
        );
    }
    Error::file(path, error)
}

/// Which target column each column of the file is.
fn match_names(path: &str, names: &[String], columns: &[TargetColumn]) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let Some(place) = columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)) else {
            let error = Error::no_column(name, columns.iter().map(|column| column.name.as_str()));
            let hint = error.hint().map_or_else(
                || "name the columns that the file has in their order: COPY t (a, b) FROM …".to_owned(),
                str::to_owned,
            );
            return Err(Error::new(
                crate::error::ErrorKind::NotFound,
                "42703",
                format!("{path}: the file has a column {name}, the table has none"),
            )
            .with_hint(hint));
        };
        if places.contains(&place) {
            return Err(Error::new(
                crate::error::ErrorKind::Invalid,
                "42701",
                format!("{path}: the file has two columns {name}"),
            ));
        }
        places.push(place);
    }
    if let Some(column) =
        columns.iter().enumerate().find(|(place, _)| !places.contains(place)).map(|(_, c)| c)
    {
        return Err(Error::new(
            crate::error::ErrorKind::NotFound,
            "42703",
            format!("{path}: the file has no column {}", column.name),
        )
        .with_hint(
            "name the columns that the file has: COPY t (a, b) FROM …; the others get their defaults",
        ));
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
