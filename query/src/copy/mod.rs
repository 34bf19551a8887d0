//! Files of `COPY`: CSV and Parquet, read into batches of a table's types and written from batches.
//!
//! Files are reached through [`Files`], which the program injects: the command line gives the file system, a
//! server gives [`NoFiles`]. A value that cannot be read names the file, the line or row, the column and the
//! text. Memory is bounded by one batch and one record.
//!
//! 1. A value is stored as the file has it, or the file is refused: a Parquet column is held to what the same
//!    values as text of a CSV file would be held to (`exact`).
//! 2. Names decide which column is which wherever the file has names that are columns of the table (`names`).

mod csv_read;
mod csv_write;
mod exact;
mod names;
mod parquet_file;
mod value;

pub use names::Naming;

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
    error::{Error, Result, SqlState},
    parse::{CopyOptions, FileFormat},
    time::TimeZone,
    types::ColumnType,
};

/// The file system, as far as statements may touch it.
pub trait Files: Debug + Send + Sync {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Errors of the file system; `PermissionDenied` when files are out of reach.
    fn open(&self, path: &str) -> io::Result<InputFile>;

    /// Keeps what comes out of a pipe, so that it can be read at any place.
    ///
    /// # Errors
    ///
    /// As [`Files::open`]; also those of reading the pipe.
    fn spool(&self, pipe: Box<dyn Read + Send>) -> io::Result<Box<dyn SeekableFile>>;

    /// Starts a file that appears under its name when it is finished, in place of an older one. A file
    /// that is not regular (a pipe, a device) is written to as rows come.
    ///
    /// # Errors
    ///
    /// As [`Files::open`].
    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>>;
}

/// A file that is read.
pub enum InputFile {
    /// A file that can be read at any place.
    Seekable(Box<dyn SeekableFile>),
    /// A pipe or a device: read from its start, once.
    Pipe(Box<dyn Read + Send>),
}

impl Debug for InputFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Seekable(_) => "Seekable",
            Self::Pipe(_) => "Pipe",
        })
    }
}

/// A file that is read at any place.
pub trait SeekableFile: Read + Seek + Send {}

impl<T: Read + Seek + Send> SeekableFile for T {}

/// A file that is written. Dropped before [`OutputFile::finish`] it leaves nothing behind, unless it is a
/// pipe or a device.
pub trait OutputFile: Write + Send {
    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    ///
    /// Errors of the file system; there is no file then.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// No files at all: every statement that names one fails with 42501.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _path: &str) -> io::Result<InputFile> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn spool(&self, _pipe: Box<dyn Read + Send>) -> io::Result<Box<dyn SeekableFile>> {
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
    /// Whether it may be NULL.
    pub nullable: bool,
}

impl TargetColumn {
    /// An error where the column must not be NULL.
    fn check_null(&self) -> Result<()> {
        if self.nullable {
            return Ok(());
        }
        Err(Error::new(SqlState::NotNullViolation, "the column must not be NULL"))
    }

    /// An error where the text is longer than the column allows.
    fn check_length(&self, text: &str) -> Result<()> {
        let ColumnType::Text { chars_max: Some(chars_max) } = self.column_type else { return Ok(()) };
        if text.len() <= chars_max as usize || text.chars().count() <= chars_max as usize {
            return Ok(());
        }
        Err(Error::too_long(&self.name, self.column_type, text.chars().count()))
    }
}

/// Reads a file as batches of the target columns, in their order.
pub struct FileReader {
    reader: FormatReader,
    schema: SchemaRef,
    bytes: Option<u64>,
}

enum FormatReader {
    Csv(Box<csv_read::CsvReader>),
    Parquet(parquet_file::ParquetInput),
}

impl Debug for FileReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileReader").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl FileReader {
    /// Opens a file. `naming` says how the file's own column names (a CSV header, a Parquet schema) and
    /// `columns` go together.
    ///
    /// # Errors
    ///
    /// 58P01 when there is no such file, 42501 when files may not be read, 42703 when the file names other
    /// columns, 22P04 when it names them in another order than it must.
    pub fn open(
        files: &dyn Files,
        path: &str,
        columns: &[TargetColumn],
        naming: Naming<'_>,
        options: &CopyOptions,
        zone: TimeZone,
    ) -> Result<Self> {
        let failed = |error: io::Error| file_error(path, &error);
        let file = files.open(path).map_err(failed)?;
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, column.column_type.arrow(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let target = Target { path, columns, naming, zone, schema: &schema };
        let (reader, bytes) = match options.format {
            FileFormat::Csv => {
                let (file, bytes): (Box<dyn Read + Send>, _) = match file {
                    InputFile::Pipe(pipe) => (pipe, None),
                    InputFile::Seekable(mut file) => {
                        let bytes = length(file.as_mut()).map_err(failed)?;
                        (Box::new(file), Some(bytes))
                    }
                };
                (FormatReader::Csv(Box::new(csv_read::CsvReader::new(file, &target, options)?)), bytes)
            }
            FileFormat::Parquet => {
                let mut file = match file {
                    InputFile::Seekable(file) => file,
                    // The columns are found from the end of the file.
                    InputFile::Pipe(pipe) => files.spool(pipe).map_err(failed)?,
                };
                let bytes = length(file.as_mut()).map_err(failed)?;
                (FormatReader::Parquet(parquet_file::ParquetInput::new(file, bytes, &target)?), Some(bytes))
            }
        };
        Ok(Self { reader, schema, bytes })
    }

    /// The target columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of the file, for progress; `None` for a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes
    }

    /// Bytes read so far, as near as is known.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            FormatReader::Csv(reader) => reader.bytes_read(),
            FormatReader::Parquet(reader) => {
                (self.bytes.unwrap_or_default() as f64 * reader.share_read()) as u64
            }
        }
    }

    /// The next rows, or `None` at the end.
    ///
    /// # Errors
    ///
    /// 22P02, 22003 and the like with file, line and column; 22P04 when the file is not of its format.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.reader {
            FormatReader::Csv(reader) => reader.next_batch(),
            FormatReader::Parquet(reader) => reader.next_batch(),
        }
    }
}

/// Writes batches to a file, which appears when it is complete.
pub struct FileWriter {
    writer: FormatWriter,
    path: String,
    rows: u64,
}

enum FormatWriter {
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
            FileFormat::Csv => FormatWriter::Csv(csv_write::CsvWriter::new(file, schema, options)),
            FileFormat::Parquet => {
                FormatWriter::Parquet(Box::new(parquet_file::ParquetOutput::new(file, schema, path)?))
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
            FormatWriter::Csv(writer) => writer.write(batch, &self.path),
            FormatWriter::Parquet(writer) => writer.write(batch, &self.path),
        }
    }

    /// Completes the file; returns its rows. Without this call there is no file.
    ///
    /// # Errors
    ///
    /// As [`FileWriter::write`].
    pub fn finish(self) -> Result<u64> {
        let file = match self.writer {
            FormatWriter::Csv(writer) => writer.finish().map_err(|error| file_error(&self.path, &error))?,
            FormatWriter::Parquet(writer) => writer.finish(&self.path)?,
        };
        file.finish().map_err(|error| file_error(&self.path, &error))?;
        Ok(self.rows)
    }
}

/// Target that a file is read into.
struct Target<'a> {
    path: &'a str,
    columns: &'a [TargetColumn],
    naming: Naming<'a>,
    /// Local times become instants in this zone, and instants local times.
    zone: TimeZone,
    schema: &'a SchemaRef,
}

/// The bytes of a file, which is at its start afterwards.
fn length(file: &mut dyn SeekableFile) -> io::Result<u64> {
    let bytes = file.seek(io::SeekFrom::End(0))?;
    file.rewind()?;
    Ok(bytes)
}

fn file_error(path: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Error::new(SqlState::InsufficientPrivilege, format!("file {path}: permission denied"));
    }
    Error::file(path, error)
}

#[cfg(test)]
mod tests;
