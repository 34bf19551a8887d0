use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
    sync::{Arc, Mutex},
};

use arrow::{
    array::{
        ArrayRef, AsArray, BinaryArray, Int32Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Int32Type, Schema, TimeUnit, TimestampMicrosecondType},
    util::pretty::pretty_format_batches,
};

use super::{
    FileReader, FileWriter, Files, InputFile, Naming, NoFiles, OutputFile, SeekableFile, TargetColumn,
};
use crate::{
    error::Result,
    parse::{CopyOptions, FileFormat, Header},
    time::TimeZone,
    types::ColumnType,
};

/// Files in memory; a file that is not finished does not appear.
#[derive(Debug, Default, Clone)]
struct MemoryFiles(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct MemoryFile {
    files: MemoryFiles,
    path: String,
    body: Vec<u8>,
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OutputFile for MemoryFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.files.0.lock().unwrap().insert(self.path, self.body);
        Ok(())
    }
}

impl Files for MemoryFiles {
    fn open(&self, path: &str) -> io::Result<InputFile> {
        let (name, is_pipe) = path.strip_prefix("pipe:").map_or((path, false), |name| (name, true));
        match self.0.lock().unwrap().get(name) {
            Some(body) if is_pipe => Ok(InputFile::Pipe(Box::new(Cursor::new(body.clone())))),
            Some(body) => Ok(InputFile::Seekable(Box::new(Cursor::new(body.clone())))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn spool(&self, mut pipe: Box<dyn Read + Send>) -> io::Result<Box<dyn SeekableFile>> {
        let mut body = Vec::new();
        pipe.read_to_end(&mut body)?;
        Ok(Box::new(Cursor::new(body)))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OutputFile>> {
        Ok(Box::new(MemoryFile { files: self.clone(), path: path.to_owned(), body: Vec::new() }))
    }
}

fn targets(columns: &[(&str, ColumnType)]) -> Vec<TargetColumn> {
    columns
        .iter()
        .map(|(name, t)| TargetColumn { name: (*name).to_owned(), column_type: *t, nullable: true })
        .collect()
}

/// The names of the file decide, or those of a list of columns that are all that the table has.
fn naming(by_name: bool) -> Naming<'static> {
    if by_name { Naming::ByName } else { Naming::Listed { table: &[], exactly: false } }
}

/// Opens a file by the names in it.
fn open(
    files: &dyn Files,
    path: &str,
    columns: &[TargetColumn],
    options: &CopyOptions,
) -> Result<FileReader> {
    FileReader::open(files, path, columns, Naming::ByName, options, TimeZone::UTC)
}

fn read_all(reader: &mut FileReader) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

fn read(
    body: &[u8],
    columns: &[(&str, ColumnType)],
    by_name: bool,
    options: &CopyOptions,
) -> Result<RecordBatch> {
    let files = MemoryFiles::default();
    files.0.lock().unwrap().insert("f.csv".to_owned(), body.to_vec());
    let mut reader =
        FileReader::open(&files, "f.csv", &targets(columns), naming(by_name), options, TimeZone::UTC)?;
    let batches = read_all(&mut reader)?;
    assert_eq!(reader.bytes_read(), body.len() as u64);
    Ok(arrow::compute::concat_batches(reader.schema(), &batches)?)
}

fn header() -> CopyOptions {
    CopyOptions { header: Header::Present, ..CopyOptions::default() }
}

fn shown(batch: &RecordBatch) -> String {
    pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}

const THREE: [(&str, ColumnType); 3] =
    [("id", ColumnType::Integer), ("name", ColumnType::TEXT), ("delay", ColumnType::Double)];

#[test]
fn quotes_nulls_and_line_ends_are_read_as_postgres_reads_them() {
    let body = b"\xEF\xBB\xBFid,name,delay\r\n1,\"a, \"\"b\"\"\r\nc\",1.5\r\n2,,NA\n3,\"NA\",\n4,\"\",-0.25";
    let options = CopyOptions { null: "NA".to_owned(), ..header() };
    let error = read(body, &THREE, true, &options).unwrap_err();
    assert_eq!(error.message(), "f.csv, line 5, column delay: \"\" is not a valid DOUBLE PRECISION");
    let body =
        b"\xEF\xBB\xBFid,name,delay\r\n1,\"a, \"\"b\"\"\r\nc\",1.5\r\n2,,NA\n3,\"NA\",NA\n4,\"\",-0.25\n\n";
    let batch = read(body, &THREE, true, &options).unwrap();
    let names: Vec<Option<&str>> = batch.column(1).as_string_view().iter().collect();
    assert_eq!(names, [Some("a, \"b\"\r\nc"), Some(""), Some("NA"), Some("")]);
    assert_eq!(batch.column(2).null_count(), 2);
    let plain = read(b"1,,2\n2,\"\",", &THREE, false, &CopyOptions::default()).unwrap();
    assert!(plain.column(1).is_null(0) && plain.column(1).is_valid(1) && plain.column(2).is_null(1));
}

#[test]
fn an_error_names_file_line_column_and_text() {
    for (body, code, message) in [
        ("id,name,delay\n1,a,2\nx,b,3\n", "22P02", "f.csv, line 3, column id: \"x\" is not a valid INTEGER"),
        (
            "id,name,delay\n1,\"a\nb\",2\n3,b,three\n",
            "22P02",
            "f.csv, line 4, column delay: \"three\" is not a valid DOUBLE PRECISION",
        ),
        (
            "id,name,delay\n99999999999,a,2\n",
            "22003",
            "f.csv, line 2, column id: 99999999999 is out of range for INTEGER",
        ),
        ("id,name,delay\n1,a\n", "22P04", "f.csv, line 2: 2 fields, expected 3"),
        ("id,name,delay\n1,a,2,3\n", "22P04", "f.csv, line 2: 4 fields, expected 3"),
        (
            "id,name,delay\n1,\"a\"b,2\n",
            "22P04",
            "f.csv, line 2: there is text between a closing quote and the next field",
        ),
        ("id,name,delay\n1,\"a,2\n", "22P04", "f.csv, line 2: a quote is not closed"),
        ("id,name,delay\n1,a,2\n\n2,b,3\n", "22P04", "f.csv, line 3: the line is empty"),
        ("id,nmae,delay\n", "42703", "f.csv, line 1: the file has a column nmae, the table has none"),
        ("id,name\n", "42703", "f.csv, line 1: the file has no column delay"),
        ("id,name,delay,id\n", "42701", "f.csv, line 1: the file has two columns id"),
        (
            "",
            "22P04",
            "f.csv, line 1: the file is empty, but HEADER says that it starts with the names of its columns",
        ),
    ] {
        let error = read(body.as_bytes(), &THREE, true, &header()).unwrap_err();
        assert_eq!((error.sqlstate(), error.message()), (code, message));
    }
    let error = read(b"1,\xFF\xFE,2\n", &THREE, false, &CopyOptions::default()).unwrap_err();
    assert_eq!(error.sqlstate(), "22021");
    assert_eq!(
        read(b"id,nmae,delay\n", &THREE, true, &header()).unwrap_err().hint(),
        Some("did you mean name?")
    );
}

#[test]
fn a_header_orders_the_columns_by_name_unless_they_were_listed() {
    let body = b"delay,ID,name\n1.5,7,x\n";
    let batch = read(body, &THREE, true, &header()).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().value(0), 7);
    let listed = [("delay", ColumnType::Double), ("id", ColumnType::Integer), ("name", ColumnType::TEXT)];
    let batch = read(b"a,b,c\n1.5,7,x\n", &listed, false, &header()).unwrap();
    assert_eq!(batch.column(1).as_primitive::<Int32Type>().value(0), 7);
    assert_eq!(read(b"a,b\n1.5,7,x\n", &listed, false, &header()).unwrap_err().sqlstate(), "22P04");
}

#[test]
fn every_type_is_read_from_its_text() {
    let columns = [
        ("a", ColumnType::Boolean),
        ("b", ColumnType::SmallInt),
        ("c", ColumnType::BigInt),
        ("d", ColumnType::Real),
        ("e", ColumnType::Decimal { precision: 9, scale: 2 }),
        ("f", ColumnType::Date),
        ("g", ColumnType::Timestamp),
        ("h", ColumnType::TimestampTz),
        ("i", ColumnType::Bytes),
    ];
    let body = "t,-32768,9223372036854775807,1e10,-1234.565,2013-01-31,2013-01-31 05:00:00.5,2013-01-31T05:00:00Z,\\xDEad\n\
                No, 7 ,-1,nan,.5,1960-02-29,2013-01-31T05:00,2013-01-31 05:00:00+02:00,raw\n";
    let batch = read(body.as_bytes(), &columns, false, &CopyOptions::default()).unwrap();
    assert_eq!(
        shown(&batch),
        "\
+-------+--------+---------------------+---------------+----------+------------+-------------------------+----------------------+--------+
| a     | b      | c                   | d             | e        | f          | g                       | h                    | i      |
+-------+--------+---------------------+---------------+----------+------------+-------------------------+----------------------+--------+
| true  | -32768 | 9223372036854775807 | 10000000000.0 | -1234.57 | 2013-01-31 | 2013-01-31T05:00:00.500 | 2013-01-31T05:00:00Z | dead   |
| false | 7      | -1                  | NaN           | 0.50     | 1960-02-29 | 2013-01-31T05:00:00     | 2013-01-31T03:00:00Z | 726177 |
+-------+--------+---------------------+---------------+----------+------------+-------------------------+----------------------+--------+"
    );
    for (column_type, text, code) in [
        (ColumnType::Boolean, "maybe", "22P02"),
        (ColumnType::SmallInt, "40000", "22003"),
        (ColumnType::SmallInt, "1.5", "22P02"),
        (ColumnType::Real, "1e99", "22003"),
        (ColumnType::Decimal { precision: 4, scale: 2 }, "100", "22003"),
        (ColumnType::Decimal { precision: 4, scale: 2 }, "1..0", "22P02"),
        (ColumnType::Date, "2013-02-30", "22008"),
        (ColumnType::Timestamp, "2013-01-31 25:00", "22008"),
        (ColumnType::Timestamp, "yesterday", "22007"),
        (ColumnType::Timestamp, "infinity", "0A000"),
        (ColumnType::Date, "9999-12-31 24:00", "22008"),
        (ColumnType::TimestampTz, "9999-12-31 23:00-05", "22008"),
        (ColumnType::Bytes, "\\xabc", "22P02"),
    ] {
        let error = read(text.as_bytes(), &[("x", column_type)], false, &CopyOptions::default()).unwrap_err();
        assert_eq!(error.sqlstate(), code, "{text}: {error}");
    }
}

#[test]
fn records_across_buffers_are_whole() {
    let long = "x".repeat(700);
    let records: Vec<String> = (0..20).map(|i| format!("{i},\"{long}\n{i}\",{i}.5\n")).collect();
    let body = records.concat();
    let batch = read(body.as_bytes(), &THREE, false, &CopyOptions::default()).unwrap();
    assert_eq!(batch.num_rows(), 20);
    assert!((0..20).all(|row| batch.column(1).as_string_view().value(row) == format!("{long}\n{row}")));
    let small: Vec<String> = (0..20_000).map(|i| format!("{i},n{i},{i}\r\n")).collect();
    let batch = read(small.concat().as_bytes(), &THREE, false, &CopyOptions::default()).unwrap();
    assert!((0..20_000).all(|row| batch.column(0).as_primitive::<Int32Type>().value(row) == row as i32));
}

fn sample() -> RecordBatch {
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int32, true),
        Field::new("na,me", DataType::Utf8View, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("raw", DataType::Binary, true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(StringViewArray::from(vec![Some("a \"b\", c\nd"), Some(""), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), None, Some(0)]).with_timezone("UTC")),
        Arc::new(BinaryArray::from(vec![Some(&b"\x00\xFF"[..]), None, Some(&b""[..])])),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

const SAMPLE: [(&str, ColumnType); 4] = [
    ("id", ColumnType::Integer),
    ("na,me", ColumnType::TEXT),
    ("at", ColumnType::TimestampTz),
    ("raw", ColumnType::Bytes),
];

#[test]
fn what_is_written_is_read_back_in_both_formats() {
    for format in [FileFormat::Csv, FileFormat::Parquet] {
        for null in ["", "NA"] {
            let csv = format == FileFormat::Csv;
            let header = if csv { Header::Present } else { Header::Absent };
            let options = CopyOptions { format, header, null: null.to_owned(), ..CopyOptions::default() };
            let files = MemoryFiles::default();
            let batch = sample();
            let mut writer = FileWriter::create(&files, "f", &batch.schema(), &options).unwrap();
            writer.write(&batch).unwrap();
            assert!(files.0.lock().unwrap().is_empty());
            assert_eq!(writer.finish().unwrap(), 3);
            for path in ["f", "pipe:f"] {
                let mut reader = open(&files, path, &targets(&SAMPLE), &options).unwrap();
                let read = read_all(&mut reader).unwrap();
                assert_eq!(read, std::slice::from_ref(&batch), "{path} {format:?} {null}");
            }
        }
    }
}

#[test]
fn csv_is_quoted_only_where_it_must_be() {
    let files = MemoryFiles::default();
    let mut writer = FileWriter::create(&files, "f", &sample().schema(), &header()).unwrap();
    writer.write(&sample()).unwrap();
    writer.finish().unwrap();
    let body = String::from_utf8(files.0.lock().unwrap()["f"].clone()).unwrap();
    assert_eq!(
        body,
        "id,\"na,me\",at,raw\n1,\"a \"\"b\"\", c\nd\",1970-01-01T00:00:01.500Z,\\x00ff\n,\"\",,\n3,,1970-01-01T00:00:00Z,\\x\n"
    );
}

#[test]
fn a_file_that_is_not_finished_does_not_appear() {
    let files = MemoryFiles::default();
    for format in [FileFormat::Csv, FileFormat::Parquet] {
        let options = CopyOptions { format, ..CopyOptions::default() };
        let mut writer = FileWriter::create(&files, "f", &sample().schema(), &options).unwrap();
        writer.write(&sample()).unwrap();
        drop(writer);
    }
    assert!(files.0.lock().unwrap().is_empty());
}

#[test]
fn parquet_columns_are_cast_to_the_table_or_refused() {
    let files = MemoryFiles::default();
    let options = CopyOptions { format: FileFormat::Parquet, ..CopyOptions::default() };
    let mut writer = FileWriter::create(&files, "f", &sample().schema(), &options).unwrap();
    writer.write(&sample()).unwrap();
    writer.finish().unwrap();
    let mut columns = SAMPLE;
    columns[0].1 = ColumnType::BigInt;
    columns[2].1 = ColumnType::Timestamp;
    let mut reader = open(&files, "f", &targets(&columns), &options).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    assert_eq!(batch.column(2).as_primitive::<TimestampMicrosecondType>().value(0), 1_500_000);
    columns[1].1 = ColumnType::Integer;
    let mut reader = open(&files, "f", &targets(&columns), &options).unwrap();
    let error = reader.next_batch().unwrap_err();
    assert!(error.message().starts_with("f, row 1, column na,me: "), "{error}");
    files.0.lock().unwrap().insert("g".to_owned(), b"not parquet at all".to_vec());
    let error = open(&files, "g", &targets(&columns), &options).unwrap_err();
    assert_eq!(error.sqlstate(), "22P04");
}

#[test]
fn files_are_out_of_reach_where_they_are_switched_off() {
    let refused = open(&NoFiles, "/etc/passwd", &targets(&THREE), &header());
    assert_eq!(refused.unwrap_err().sqlstate(), "42501");
    let create = FileWriter::create(&NoFiles, "x", &sample().schema(), &header());
    assert_eq!(create.unwrap_err().sqlstate(), "42501");
    let missing = open(&MemoryFiles::default(), "x", &targets(&THREE), &header());
    assert_eq!((missing.unwrap_err().sqlstate()), "58P01");
}

#[test]
fn a_value_that_the_column_forbids_names_its_line_or_row() {
    let files = MemoryFiles::default();
    let mut columns =
        targets(&[("id", ColumnType::Integer), ("name", ColumnType::Text { chars_max: Some(3) })]);
    columns[1].nullable = false;
    files.0.lock().unwrap().insert("null.csv".into(), b"id,name\n1,\"a\nb\"\n2,\n".to_vec());
    files.0.lock().unwrap().insert("long.csv".into(), "id,name\n1,äöü\n2,abcd\n".as_bytes().to_vec());
    let error = open(&files, "null.csv", &columns, &header()).unwrap().next_batch().unwrap_err();
    assert_eq!(
        (error.sqlstate(), error.message()),
        ("23502", "null.csv, line 4, column name: the column must not be NULL")
    );
    let error = open(&files, "long.csv", &columns, &header()).unwrap().next_batch().unwrap_err();
    assert_eq!(error.sqlstate(), "22001");
    assert!(error.message().starts_with("long.csv, line 3, column name: value of 4 characters"), "{error}");

    let options = CopyOptions { format: FileFormat::Parquet, ..CopyOptions::default() };
    for (names, code, place) in [
        (vec![Some("abc"), None], "23502", "f, row 2, column name: "),
        (vec![Some("abcd"), Some("a")], "22001", "f, row 1, column name: "),
    ] {
        let ids: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let names: ArrayRef = Arc::new(StringViewArray::from(names));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("name", names, true)]).unwrap();
        let mut writer = FileWriter::create(&files, "f", &batch.schema(), &options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let error = open(&files, "f", &columns, &options).unwrap().next_batch().unwrap_err();
        assert_eq!(error.sqlstate(), code, "{error}");
        assert!(error.message().starts_with(place), "{error}");
    }
}
