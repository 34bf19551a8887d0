//! From batches to keys and values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use bygone_engine::rows::value::{self, tag};
use bytes::Bytes;

use super::{
    RowColumn, RowLayout,
    key::{ROW_ID_BYTES, Typed},
};
use crate::error::{Error, Result};

/// The keys of a batch, one after another in one buffer.
#[derive(Clone, Debug, Default)]
pub struct KeyBatch {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl KeyBatch {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        row.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[row]
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of one.
    pub fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.range(row)]
    }

    /// One, sharing the buffer.
    pub fn get_bytes(&self, row: usize) -> Bytes {
        self.bytes.slice(self.range(row))
    }
}

impl<'a> FromIterator<&'a [u8]> for KeyBatch {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(keys: I) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for key in keys {
            bytes.extend_from_slice(key);
            ends.push(bytes.len());
        }
        Self { bytes: bytes.into(), ends }
    }
}

/// Rows of a batch as keys and values.
#[derive(Clone, Debug, Default)]
pub struct EncodedRows {
    /// The keys.
    pub keys: KeyBatch,
    /// The values, in the same order.
    pub values: KeyBatch,
}

impl EncodedRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Writes batches of a table as keys and values.
#[derive(Clone, Debug)]
pub struct RowEncoder {
    layout: Arc<RowLayout>,
    /// For every column id: the column in the value, if it is one.
    slots: Vec<Option<usize>>,
}

impl RowEncoder {
    /// An encoder for the rows of a table.
    pub fn new(layout: Arc<RowLayout>) -> Self {
        let count = layout.columns.iter().map(|column| column.id as usize + 1).max().unwrap_or(0);
        let mut slots = vec![None; count];
        for (place, column) in layout.columns.iter().enumerate() {
            if !layout.key.contains(&place) {
                slots[column.id as usize] = Some(place);
            }
        }
        Self { layout, slots }
    }

    /// Encodes a batch that has all columns of the table in the table's order and of the table's types. A
    /// table without a primary key takes consecutive row ids from `next_row_id` on.
    ///
    /// # Errors
    ///
    /// 23502 when a column that must not be NULL is, 22001 when a text is longer than its column allows.
    pub fn encode(&self, batch: &RecordBatch, next_row_id: &mut u64) -> Result<EncodedRows> {
        let layout = &self.layout;
        if batch.num_columns() != layout.columns.len() {
            return Err(Error::internal("a batch has other columns than its table"));
        }
        for (column, array) in layout.columns.iter().zip(batch.columns()) {
            self.check_column(column, array)?;
        }
        let rows = batch.num_rows();
        let keys = if layout.has_hidden_key() {
            let keys = hidden_keys(rows, *next_row_id);
            *next_row_id += rows as u64;
            keys
        } else {
            let columns: Vec<&ArrayRef> = layout.key.iter().map(|place| batch.column(*place)).collect();
            self.keys_of(&columns, rows)?
        };
        Ok(EncodedRows { keys, values: self.values(batch)? })
    }

    /// Encodes values only, for rows whose keys are known: updates of a table without a primary key.
    ///
    /// # Errors
    ///
    /// As [`RowEncoder::encode`].
    pub fn encode_values(&self, batch: &RecordBatch) -> Result<KeyBatch> {
        for (column, array) in self.layout.columns.iter().zip(batch.columns()) {
            self.check_column(column, array)?;
        }
        self.values(batch)
    }

    /// Encodes keys from the columns of the primary key, in key order.
    ///
    /// # Errors
    ///
    /// 23502 when one of them is NULL.
    pub fn encode_keys(&self, columns: &[ArrayRef]) -> Result<KeyBatch> {
        if columns.len() != self.layout.key.len() {
            return Err(Error::internal("other columns than the primary key has"));
        }
        let rows = columns.first().map_or(0, Array::len);
        self.keys_of(&columns.iter().collect::<Vec<_>>(), rows)
    }

    fn keys_of(&self, columns: &[&ArrayRef], rows: usize) -> Result<KeyBatch> {
        let mut typed = Vec::with_capacity(columns.len());
        for (column, array) in self.layout.key_columns().zip(columns) {
            if array.null_count() > 0 {
                return Err(Error::null_not_allowed(&self.layout.table, &column.name));
            }
            typed.push(Typed::new(column, array)?);
        }
        let mut bytes = Vec::with_capacity(rows * 16);
        let mut ends = Vec::with_capacity(rows);
        for row in 0..rows {
            for column in &typed {
                column.push_key(row, &mut bytes);
            }
            let length = bytes.len() - ends.last().copied().unwrap_or(0);
            if length > bygone_engine::types::KEY_BYTES_MAX {
                return Err(Error::limit(format!("a key of {length} bytes in table {}", self.layout.table))
                    .with_hint(format!("keys have at most {} bytes", bygone_engine::types::KEY_BYTES_MAX)));
            }
            ends.push(bytes.len());
        }
        Ok(KeyBatch { bytes: bytes.into(), ends })
    }

    fn values(&self, batch: &RecordBatch) -> Result<KeyBatch> {
        let mut columns: Vec<Option<Typed<'_>>> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            columns.push(match slot {
                Some(place) => Some(Typed::new(&self.layout.columns[*place], batch.column(*place))?),
                None => None,
            });
        }
        let rows = batch.num_rows();
        let mut head = vec![value::FORMAT];
        value::push_varint(columns.len(), &mut head);
        let tags_start = head.len();
        head.resize(tags_start + columns.len().div_ceil(2), 0);
        let mut bytes = Vec::with_capacity(rows * (head.len() + columns.len() * 3));
        let mut ends = Vec::with_capacity(rows);
        for row in 0..rows {
            let start = bytes.len();
            bytes.extend_from_slice(&head);
            for (id, column) in columns.iter().enumerate() {
                let tag = match column {
                    Some(column) => push_value(column, row, &mut bytes),
                    None => tag::ELSEWHERE,
                };
                bytes[start + tags_start + id / 2] |= tag << (id % 2 * 4);
            }
            let length = bytes.len() - start;
            if length > bygone_engine::types::VALUE_BYTES_MAX {
                return Err(Error::limit(format!("a row of {length} bytes in table {}", self.layout.table)));
            }
            ends.push(bytes.len());
        }
        Ok(KeyBatch { bytes: bytes.into(), ends })
    }

    fn check_column(&self, column: &RowColumn, array: &ArrayRef) -> Result<()> {
        if !column.nullable && array.null_count() > 0 {
            return Err(Error::null_not_allowed(&self.layout.table, &column.name));
        }
        if let Typed::Text(texts, Some(chars_max)) = Typed::new(column, array)? {
            let chars_max = chars_max as usize;
            let too_long = texts
                .iter()
                .flatten()
                .find(|text| text.len() > chars_max && text.chars().count() > chars_max);
            if let Some(text) = too_long {
                return Err(Error::too_long(&column.name, column.column_type, text.chars().count()));
            }
        }
        Ok(())
    }
}

fn hidden_keys(rows: usize, first: u64) -> KeyBatch {
    let mut bytes = Vec::with_capacity(rows * ROW_ID_BYTES);
    for id in first..first + rows as u64 {
        bytes.extend_from_slice(&id.to_be_bytes());
    }
    KeyBatch { bytes: bytes.into(), ends: (1..=rows).map(|row| row * ROW_ID_BYTES).collect() }
}

/// Appends a payload; returns its tag.
fn push_value(column: &Typed<'_>, row: usize, out: &mut Vec<u8>) -> u8 {
    if column.is_null(row) {
        return tag::NULL;
    }
    match column {
        Typed::Boolean(array) => tag::ZERO + u8::from(array.value(row)),
        Typed::Int16(array) => value::push_int(i64::from(array.value(row)), out),
        Typed::Int32(array) => value::push_int(i64::from(array.value(row)), out),
        Typed::Date(array) => value::push_int(i64::from(array.value(row)), out),
        Typed::Int64(array) => value::push_int(array.value(row), out),
        Typed::Timestamp(array) => value::push_int(array.value(row), out),
        Typed::Float32(array) => value::push_f32(array.value(row), out),
        Typed::Float64(array) => value::push_f64(array.value(row), out),
        Typed::Decimal(array, _) => value::push_decimal(array.value(row), out),
        Typed::Text(array, _) => value::push_bytes(array.value(row).as_bytes(), out),
        Typed::Bytes(array) => value::push_bytes(array.value(row), out),
    }
}
