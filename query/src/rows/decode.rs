//! From keys and values to batches.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
        Float64Builder, Int16Builder, Int32Builder, Int64Builder, RecordBatch, RecordBatchOptions,
        StringViewBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::SchemaRef,
};
use datafusion::common::ScalarValue;

use super::{
    RowLayout,
    key::{self, KeyValue},
    value::{self, tag},
};
use crate::{
    error::{Error, Result},
    types::{ColumnType, UTC},
};

/// Reads keys and values of a table into batches of some of its columns.
#[derive(Debug)]
pub struct RowDecoder {
    layout: Arc<RowLayout>,
    outputs: Vec<Output>,
    /// For every column id up to the largest wanted one: where its value goes.
    slots: Vec<Option<usize>>,
    /// For the key columns up to the last wanted one: its type and where it goes.
    key: Vec<(ColumnType, Option<usize>)>,
    /// For every output: the value of rows older than the column.
    missing: Vec<ScalarValue>,
    rows: usize,
}

impl RowDecoder {
    /// A decoder of the columns at these places of the table, in this order; none is allowed.
    ///
    /// # Errors
    ///
    /// XX000 when there is no such place.
    pub fn new(layout: Arc<RowLayout>, projection: &[usize]) -> Result<Self> {
        let mut slots: Vec<Option<usize>> = Vec::new();
        let mut key: Vec<(ColumnType, Option<usize>)> =
            layout.key_columns().map(|column| (column.column_type, None)).collect();
        let mut missing = Vec::with_capacity(projection.len());
        let mut outputs = Vec::with_capacity(projection.len());
        for (output, place) in projection.iter().enumerate() {
            let column =
                layout.columns.get(*place).ok_or_else(|| Error::internal("projection of no column"))?;
            if let Some(part) = layout.key.iter().position(|key| key == place) {
                key[part].1 = Some(output);
            } else {
                let id = column.id as usize;
                slots.resize(slots.len().max(id + 1), None);
                slots[id] = Some(output);
            }
            outputs.push(Output::new(column.column_type));
            missing.push(match &column.missing {
                Some(value) => value.clone(),
                None => ScalarValue::try_from(&column.column_type.arrow())?,
            });
        }
        let wanted = key.iter().rposition(|(_, output)| output.is_some()).map_or(0, |last| last + 1);
        key.truncate(wanted);
        Ok(Self { layout, outputs, slots, key, missing, rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// XX001 when the bytes are not a row; the rows so far are lost.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.rows += 1;
        let done = self.push_key(key).and_then(|()| self.push_value(value));
        done.ok_or_else(|| self.layout.corrupt("its bytes do not fit the table"))
    }

    fn push_key(&mut self, mut rest: &[u8]) -> Option<()> {
        for (column_type, output) in &self.key {
            let value = key::take(*column_type, &mut rest)?;
            if let Some(output) = output {
                self.outputs[*output].push_key(&value)?;
            }
        }
        Some(())
    }

    #[inline]
    fn push_value(&mut self, value: &[u8]) -> Option<()> {
        if self.slots.is_empty() {
            return Some(());
        }
        let (format, mut rest) = value.split_first()?;
        if *format != value::FORMAT {
            return None;
        }
        let count = value::take_varint(&mut rest)?;
        let (tags, mut payloads) = rest.split_at_checked(count.div_ceil(2))?;
        for (id, output) in self.slots.iter().enumerate() {
            if id >= count {
                if let Some(output) = output {
                    self.outputs[*output].push_scalar(&self.missing[*output])?;
                }
                continue;
            }
            let tag = tags[id / 2] >> (id % 2 * 4) & 0x0F;
            let payload = value::take(tag, &mut payloads)?;
            if let Some(output) = output {
                // A column that a row was written without, before it was added under an id in the middle.
                if tag == tag::ELSEWHERE {
                    self.outputs[*output].push_scalar(&self.missing[*output])?;
                } else {
                    self.outputs[*output].push(tag, payload)?;
                }
            }
        }
        Some(())
    }

    /// Rows added since the last batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row was added since the last batch.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows added so far as a batch of this schema, whose fields are the projected columns; starts anew.
    ///
    /// # Errors
    ///
    /// XX001 when a column that cannot be NULL is.
    pub fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns: Vec<ArrayRef> = self.outputs.iter_mut().map(Output::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| self.layout.corrupt("its values do not fit the table").with_source(error))
    }
}

/// A column being built.
#[derive(Debug)]
enum Output {
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringViewBuilder),
    Bytes(BinaryBuilder),
}

impl Output {
    fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::SmallInt => Self::Int16(Int16Builder::new()),
            ColumnType::Integer => Self::Int32(Int32Builder::new()),
            ColumnType::BigInt => Self::Int64(Int64Builder::new()),
            ColumnType::Real => Self::Float32(Float32Builder::new()),
            ColumnType::Double => Self::Float64(Float64Builder::new()),
            ColumnType::Decimal { .. } => {
                Self::Decimal(Decimal128Builder::new().with_data_type(column_type.arrow()))
            }
            ColumnType::Text { .. } => Self::Text(StringViewBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            ColumnType::TimestampTz => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            ColumnType::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    #[inline]
    fn push(&mut self, tag: u8, payload: &[u8]) -> Option<()> {
        if tag == tag::NULL {
            self.push_null();
            return Some(());
        }
        match self {
            Self::Boolean(builder) => builder.append_value(match tag {
                tag::ZERO => false,
                tag::ONE => true,
                _ => return None,
            }),
            Self::Int16(builder) => builder.append_value(value::int(tag, payload)?.try_into().ok()?),
            Self::Int32(builder) => builder.append_value(value::int(tag, payload)?.try_into().ok()?),
            Self::Date(builder) => builder.append_value(value::int(tag, payload)?.try_into().ok()?),
            Self::Int64(builder) => builder.append_value(value::int(tag, payload)?),
            Self::Timestamp(builder) => builder.append_value(value::int(tag, payload)?),
            Self::Float32(builder) => builder.append_value(value::f32(tag, payload)?),
            Self::Float64(builder) => builder.append_value(value::f64(tag, payload)?),
            Self::Decimal(builder) => builder.append_value(value::decimal(tag, payload)?),
            Self::Text(builder) => {
                builder.append_value(std::str::from_utf8(value::bytes(tag, payload)?).ok()?);
            }
            Self::Bytes(builder) => builder.append_value(value::bytes(tag, payload)?),
        }
        Some(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Decimal(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
        }
    }

    fn push_key(&mut self, value: &KeyValue<'_>) -> Option<()> {
        match (self, value) {
            (Self::Boolean(builder), KeyValue::Boolean(value)) => builder.append_value(*value),
            (Self::Int16(builder), KeyValue::Int(value)) => builder.append_value((*value).try_into().ok()?),
            (Self::Int32(builder), KeyValue::Int(value)) => builder.append_value((*value).try_into().ok()?),
            (Self::Date(builder), KeyValue::Int(value)) => builder.append_value((*value).try_into().ok()?),
            (Self::Int64(builder), KeyValue::Int(value)) => builder.append_value(*value),
            (Self::Timestamp(builder), KeyValue::Int(value)) => builder.append_value(*value),
            (Self::Float32(builder), KeyValue::Float32(value)) => builder.append_value(*value),
            (Self::Float64(builder), KeyValue::Float64(value)) => builder.append_value(*value),
            (Self::Decimal(builder), KeyValue::Decimal(value)) => builder.append_value(*value),
            (Self::Text(builder), value) => builder.append_value(std::str::from_utf8(value.bytes()?).ok()?),
            (Self::Bytes(builder), value) => builder.append_value(value.bytes()?),
            _ => return None,
        }
        Some(())
    }

    fn push_scalar(&mut self, scalar: &ScalarValue) -> Option<()> {
        match (self, scalar) {
            (output, scalar) if scalar.is_null() => output.push_null(),
            (Self::Boolean(builder), ScalarValue::Boolean(value)) => builder.append_option(*value),
            (Self::Int16(builder), ScalarValue::Int16(value)) => builder.append_option(*value),
            (Self::Int32(builder), ScalarValue::Int32(value)) => builder.append_option(*value),
            (Self::Int64(builder), ScalarValue::Int64(value)) => builder.append_option(*value),
            (Self::Float32(builder), ScalarValue::Float32(value)) => builder.append_option(*value),
            (Self::Float64(builder), ScalarValue::Float64(value)) => builder.append_option(*value),
            (Self::Decimal(builder), ScalarValue::Decimal128(value, _, _)) => builder.append_option(*value),
            (Self::Date(builder), ScalarValue::Date32(value)) => builder.append_option(*value),
            (Self::Timestamp(builder), ScalarValue::TimestampMicrosecond(value, _)) => {
                builder.append_option(*value);
            }
            (
                Self::Text(builder),
                ScalarValue::Utf8View(value) | ScalarValue::Utf8(value) | ScalarValue::LargeUtf8(value),
            ) => builder.append_option(value.as_deref()),
            (Self::Bytes(builder), ScalarValue::Binary(value) | ScalarValue::BinaryView(value)) => {
                builder.append_option(value.as_deref());
            }
            _ => return None,
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
        }
    }
}
