//! Properties of a whole file.

use bytes::Bytes;

use super::{ByteCursor, Damage};
use crate::types::{KEY_BYTES_MAX, Timestamp};

/// Values are bytes of which nothing is known.
pub(crate) const LAYOUT_OPAQUE: u8 = 0;
/// Values are rows, stored column by column.
pub(crate) const LAYOUT_COLUMNAR: u8 = 1;

/// The properties section. The manifest repeats what it needs to skip a file without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Value layout: [`LAYOUT_OPAQUE`] or [`LAYOUT_COLUMNAR`].
    pub layout: u8,
    /// Not used: 0.
    pub schema_id: u64,
    /// Version of that schema.
    pub schema_version: u32,
    /// Number of versions.
    pub rows: u64,
    /// Versions that are values.
    pub puts: u64,
    /// Versions that are deletions.
    pub deletes: u64,
    /// Versions whose end is known.
    pub closed: u64,
    /// Number of different keys.
    pub distinct_keys: u64,
    /// Bytes of keys and values, each version counted.
    pub raw_bytes: u64,
    /// Smallest begin.
    pub min_begin: Timestamp,
    /// Largest begin.
    pub max_begin: Timestamp,
    /// Smallest end of a closed row; OPEN where none is closed.
    pub min_end: Timestamp,
    /// Largest end of a closed row; zero where none is closed.
    pub max_end: Timestamp,
    /// Smallest key.
    pub min_key: Bytes,
    /// Largest key.
    pub max_key: Bytes,
    /// The program that wrote the file, for people.
    pub writer: String,
    /// The file was made small, because it was to stay.
    pub is_dense: bool,
}

impl Properties {
    /// Appends the section.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.layout);
        out.extend_from_slice(&self.schema_id.to_le_bytes());
        out.extend_from_slice(&self.schema_version.to_le_bytes());
        let times = [self.min_begin, self.max_begin, self.min_end, self.max_end].map(Timestamp::as_micros);
        let counts = [self.rows, self.puts, self.deletes, self.closed, self.distinct_keys, self.raw_bytes];
        for number in counts.into_iter().chain(times) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for bytes in [&self.min_key[..], &self.max_key[..], self.writer.as_bytes()] {
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out.push(u8::from(self.is_dense));
    }

    /// Decodes a section. Bytes behind the known fields belong to a later minor version and are ignored.
    ///
    /// # Errors
    /// It is cut short, or a key is longer than a key can be.
    pub(crate) fn decode(raw: &[u8]) -> Result<Self, Damage> {
        let mut cursor = ByteCursor::new(raw);
        let layout = cursor.u8()?;
        let schema_id = cursor.u64()?;
        let schema_version = cursor.u32()?;
        let mut number = || cursor.u64();
        let (rows, puts, deletes, closed) = (number()?, number()?, number()?, number()?);
        let (distinct_keys, raw_bytes) = (number()?, number()?);
        let mut time = || cursor.u64().map(Timestamp::from_micros);
        let (min_begin, max_begin, min_end, max_end) = (time()?, time()?, time()?, time()?);
        let min_key = Bytes::copy_from_slice(bounded(&mut cursor, KEY_BYTES_MAX)?);
        let max_key = Bytes::copy_from_slice(bounded(&mut cursor, KEY_BYTES_MAX)?);
        let writer = String::from_utf8_lossy(bounded(&mut cursor, 1 << 10)?).into_owned();
        // Since version 1.1.
        let is_dense = cursor.remaining() > 0 && cursor.u8()? == 1;
        Ok(Self {
            layout,
            schema_id,
            schema_version,
            rows,
            puts,
            deletes,
            closed,
            distinct_keys,
            raw_bytes,
            min_begin,
            max_begin,
            min_end,
            max_end,
            min_key,
            max_key,
            writer,
            is_dense,
        })
    }
}

fn bounded<'a>(cursor: &mut ByteCursor<'a>, max: usize) -> Result<&'a [u8], Damage> {
    let len = cursor.u32()? as usize;
    if len > max {
        return Err(Damage::new(cursor.position(), format!("{len} bytes where at most {max} belong")));
    }
    cursor.take(len)
}
