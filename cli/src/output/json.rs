//! JSON: an array of objects with one row per line, or one object per line. Numbers, also decimals, are exact
//! JSON numbers; NULL is `null`, as are the floats JSON has no number for; times are ISO 8601 text, intervals
//! as in every other format; binary is `\x` text.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, FieldRef, IntervalUnit, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited, NullableEncoder, WriterBuilder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};

use super::cells::{bytes_at, hex, interval_at};
use super::{RowWriter, distinct_names, unshowable};

pub(super) struct JsonWriter {
    is_array: bool,
    schema: Option<SchemaRef>,
    any_rows: bool,
}

impl JsonWriter {
    pub(super) fn array() -> Self {
        Self { is_array: true, schema: None, any_rows: false }
    }

    pub(super) fn lines() -> Self {
        Self { is_array: false, schema: None, any_rows: false }
    }
}

impl RowWriter for JsonWriter {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()> {
        self.schema = Some(distinct_names(schema));
        if self.is_array { out.write_all(b"[") } else { Ok(()) }
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let Some(schema) = &self.schema else { unreachable!("begin comes before write") };
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows).map_err(unshowable)?;
        if self.is_array {
            out.write_all(if self.any_rows { b",\n " } else { b"\n " })?;
            write_batch::<ArrayRows>(&batch, out)?;
        } else {
            write_batch::<LineDelimited>(&batch, out)?;
        }
        self.any_rows = true;
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match (self.is_array, self.any_rows) {
            (true, true) => out.write_all(b"\n]\n"),
            (true, false) => out.write_all(b"]\n"),
            (false, _) => Ok(()),
        }
    }
}

fn write_batch<F: JsonFormat>(batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
    let builder = WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(BinaryAsHex));
    let mut writer = builder.build::<_, F>(out);
    writer.write(batch).and_then(|()| writer.finish()).map_err(unshowable)
}

/// The rows of one batch inside an array whose brackets are written around all batches.
#[derive(Debug, Default)]
struct ArrayRows;

impl JsonFormat for ArrayRows {
    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        if !is_first_row {
            writer.write_all(b",\n ")?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct BinaryAsHex;

impl EncoderFactory for BinaryAsHex {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if let DataType::Interval(IntervalUnit::MonthDayNano) = array.data_type() {
            return Ok(Some(NullableEncoder::new(Box::new(IntervalEncoder(array)), array.nulls().cloned())));
        }
        let is_binary = matches!(
            array.data_type(),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
        );
        Ok(is_binary.then(|| NullableEncoder::new(Box::new(HexEncoder(array)), array.nulls().cloned())))
    }
}

struct IntervalEncoder<'a>(&'a dyn Array);

impl Encoder for IntervalEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(interval_at(self.0, row).as_bytes());
        out.push(b'"');
    }
}

struct HexEncoder<'a>(&'a dyn Array);

impl Encoder for HexEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"\\");
        out.extend_from_slice(hex(bytes_at(self.0, row)).as_bytes());
        out.push(b'"');
    }
}
