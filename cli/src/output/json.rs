//! JSON: an array of objects with one row per line, or one object per line. Numbers, also decimals, are exact
//! JSON numbers; only NULL is `null`. The floats that JSON has no number for are the texts `"NaN"`,
//! `"Infinity"` and `"-Infinity"`, as in PostgreSQL; times are ISO 8601 text, intervals as in every other
//! format; binary is `\x` text.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited, NullableEncoder, WriterBuilder, make_encoder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use arrow::util::display::ArrayFormatter;
use bygone::text_formatter;

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
    let builder = WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Texts));
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

/// The values that are texts in JSON, because it has no others for them.
#[derive(Debug)]
struct Texts;

/// Encoding of the floats that JSON has numbers for.
static PLAIN: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

impl EncoderFactory for Texts {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            data_type if data_type.is_binary() => {
                Box::new(Bytes { texts: text_formatter(array)?, text: String::new() })
            }
            DataType::Interval(_) => {
                Box::new(Intervals { texts: text_formatter(array)?, text: String::new() })
            }
            data_type if data_type.is_floating() => {
                let values = cast(array, &DataType::Float64)?;
                let numbers = make_encoder(field, array, &PLAIN)?;
                Box::new(Floats { values: values.as_primitive::<Float64Type>().values().to_vec(), numbers })
            }
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Bytes<'a> {
    texts: ArrayFormatter<'a>,
    text: String,
}

impl Encoder for Bytes<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.text.clear();
        self.texts.value(row).write(&mut self.text).expect("bytes have a text, and a String takes all of it");
        // Its first character is a backslash, and the others are digits.
        out.extend_from_slice(b"\"\\");
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'"');
    }
}

struct Intervals<'a> {
    texts: ArrayFormatter<'a>,
    text: String,
}

impl Encoder for Intervals<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.text.clear();
        let written = self.texts.value(row).write(&mut self.text);
        written.expect("an interval has a text, and a String takes all of it");
        // Letters, digits and signs, which JSON needs no escapes for.
        out.push(b'"');
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'"');
    }
}

struct Floats<'a> {
    values: Vec<f64>,
    numbers: NullableEncoder<'a>,
}

impl Encoder for Floats<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        match self.values[row] {
            value if value.is_finite() => self.numbers.encode(row, out),
            value if value.is_nan() => out.extend_from_slice(b"\"NaN\""),
            value if value > 0.0 => out.extend_from_slice(b"\"Infinity\""),
            _ => out.extend_from_slice(b"\"-Infinity\""),
        }
    }
}
