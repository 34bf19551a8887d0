//! Rows: keys and values that are made of columns.
//!
//! The engine keeps versions of byte strings. Where the bytes of a keyspace are rows, a [`RowSchema`] says
//! how to take them apart, and table files store them column by column.
//!
//! ```text
//!   key    = the key columns, each in an order-preserving form │ or anything else
//!   value  = count of columns │ one tag of 4 bits each │ the payloads in the order of column ids
//! ```
//!
//! R1. Comparing keys as bytes is comparing the key columns, column by column.
//! R2. Values of key columns are prefix-free: the rows with a given prefix of columns are the keys with a
//!     prefix of bytes.
//! R3. A value says how long each of its payloads is, so it can be read without the schema it was written
//!     with.
//! R4. A value of a column has one form only. So a row that is taken apart and put together again has the
//!     same bytes, and what cannot be put together so is stored as the bytes that it is.

pub mod key;
pub mod value;

use crate::byte_cursor::{ByteCursor, Damage};

/// Kind of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ColumnKind {
    /// False or true.
    Boolean = 1,
    /// Signed, 16 bits.
    Int16 = 2,
    /// Signed, 32 bits.
    Int32 = 3,
    /// Signed, 64 bits.
    Int64 = 4,
    /// Signed, 128 bits.
    Int128 = 5,
    /// IEEE 754, 32 bits.
    Float32 = 6,
    /// IEEE 754, 64 bits.
    Float64 = 7,
    /// UTF-8.
    Text = 8,
    /// Any bytes.
    Bytes = 9,
}

impl ColumnKind {
    fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Boolean,
            2 => Self::Int16,
            3 => Self::Int32,
            4 => Self::Int64,
            5 => Self::Int128,
            6 => Self::Float32,
            7 => Self::Float64,
            8 => Self::Text,
            9 => Self::Bytes,
            _ => return None,
        })
    }
}

/// A column of the rows of a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowColumn {
    /// Its number in values; given once, never used again. Below [`COLUMNS_MAX`].
    pub id: u32,
    /// Kind of its values.
    pub kind: ColumnKind,
}

/// Most columns of a row; ids are smaller. Other bounds of columns follow from it.
pub const COLUMNS_MAX: usize = 4096;

/// The columns of the rows of a keyspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSchema {
    /// Rises when columns change.
    version: u32,
    /// By rising id, those of the key included.
    columns: Vec<RowColumn>,
    /// Places in `columns` of the columns that form the key, in key order; empty when keys are something
    /// else.
    key: Vec<usize>,
}

impl RowSchema {
    /// The schema with these columns; `key` has the ids of those that form the key, in key order.
    ///
    /// # Panics
    /// Two columns have the same id, an id is not below [`COLUMNS_MAX`], or the key names a column that is
    /// not there.
    pub fn new(version: u32, mut columns: Vec<RowColumn>, key: &[u32]) -> Self {
        columns.sort_unstable_by_key(|column| column.id);
        Self::checked(version, columns, key)
            .expect("ids are different and small, and the key's are among them")
    }

    fn checked(version: u32, columns: Vec<RowColumn>, key: &[u32]) -> Option<Self> {
        let rising = columns.windows(2).all(|pair| pair[0].id < pair[1].id);
        let small = columns.last().is_none_or(|column| (column.id as usize) < COLUMNS_MAX);
        let places: Option<Vec<usize>> =
            key.iter().map(|id| columns.binary_search_by_key(id, |column| column.id).ok()).collect();
        (rising && small).then_some(Self { version, columns, key: places? })
    }

    /// Rises when columns change.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The columns by rising id.
    pub fn columns(&self) -> &[RowColumn] {
        &self.columns
    }

    /// Places in [`columns`](Self::columns) of the columns that form the key, in key order.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// The place of a column in [`columns`](Self::columns).
    pub fn place(&self, id: u32) -> Option<usize> {
        self.columns.binary_search_by_key(&id, |column| column.id).ok()
    }

    /// Appends the schema as files store it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&(self.columns.len() as u32).to_le_bytes());
        for column in &self.columns {
            out.extend_from_slice(&column.id.to_le_bytes());
            out.push(column.kind as u8);
        }
        out.extend_from_slice(&(self.key.len() as u32).to_le_bytes());
        for place in &self.key {
            out.extend_from_slice(&self.columns[*place].id.to_le_bytes());
        }
    }

    /// Decodes a schema; bytes behind it belong to a later minor version.
    pub(crate) fn decode(raw: &[u8]) -> Result<Self, Damage> {
        let mut cursor = ByteCursor::new(raw);
        let version = cursor.u32()?;
        let count = bounded(&mut cursor)?;
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            let (id, kind) = (cursor.u32()?, cursor.u8()?);
            let kind = ColumnKind::from_u8(kind)
                .ok_or_else(|| Damage::new(cursor.position(), format!("column kind {kind} is not known")))?;
            columns.push(RowColumn { id, kind });
        }
        let count = bounded(&mut cursor)?;
        let key = (0..count).map(|_| cursor.u32()).collect::<Result<Vec<_>, _>>()?;
        Self::checked(version, columns, &key)
            .ok_or_else(|| Damage::new(cursor.position(), "columns are not those of a row"))
    }
}

fn bounded(cursor: &mut ByteCursor<'_>) -> Result<usize, Damage> {
    let count = cursor.u32()? as usize;
    if count > COLUMNS_MAX {
        return Err(Damage::new(cursor.position(), format!("{count} columns are too many")));
    }
    Ok(count)
}
