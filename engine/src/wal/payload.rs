//! The payload of a record: a group of stamped batches as varints and raw bytes. No I/O.
//!
//! ```text
//!   group := batches (timestamp runs (keyspace writes (key_len value_len+1|0 key value)*)*)*
//! ```
//!
//! A run is a stretch of writes to one keyspace. The order of the writes is kept. A value length of 0 is a
//! delete.

use bytes::Bytes;

use crate::{
    Error, Result,
    types::{KEY_BYTES_MAX, KeyspaceId, Timestamp, VALUE_BYTES_MAX, Write, WriteBatch},
    varint,
};

/// Writes that room is made for before they are read.
const RESERVE_MAX: usize = 1 << 16;

/// A batch with its commit timestamp.
#[derive(Clone, Copy, Debug)]
pub struct StampedBatch<'a> {
    /// The commit's timestamp.
    pub at: Timestamp,
    /// Its writes.
    pub batch: &'a WriteBatch,
}

/// Appends the payload of `groups` to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, groups: &[StampedBatch<'_>]) {
    varint::put(out, groups.len() as u64);
    for StampedBatch { at, batch } in groups {
        varint::put(out, at.as_micros());
        let runs = batch.writes().chunk_by(|a, b| a.keyspace == b.keyspace);
        varint::put(out, runs.clone().count() as u64);
        for run in runs {
            varint::put(out, run[0].keyspace.get());
            varint::put(out, run.len() as u64);
            for write in run {
                varint::put(out, write.key.len() as u64);
                varint::put(out, write.value.as_ref().map_or(0, |value| value.len() as u64 + 1));
                out.extend_from_slice(&write.key);
                out.extend_from_slice(write.value.as_deref().unwrap_or_default());
            }
        }
    }
}

/// Reads a payload; keys and values are slices of it.
pub(crate) fn decode(
    payload: &Bytes,
    mut apply: impl FnMut(Timestamp, Vec<Write>) -> Result<()>,
) -> Result<()> {
    let mut reader = PayloadReader { bytes: payload, at: 0 };
    for _ in 0..reader.count()? {
        let timestamp = Timestamp::from_micros(reader.varint()?);
        let mut writes = Vec::new();
        for _ in 0..reader.count()? {
            let keyspace = KeyspaceId::new(reader.varint()?);
            let count = reader.count()?;
            // Not for all of them at once: only what follows proves that there are so many.
            writes.reserve(count.min(RESERVE_MAX));
            for _ in 0..count {
                let key_len = reader.length(KEY_BYTES_MAX)?;
                let value_len = reader.length(VALUE_BYTES_MAX + 1)?;
                let key = reader.slice(key_len)?;
                let value = if value_len == 0 { None } else { Some(reader.slice(value_len - 1)?) };
                writes.push(Write { keyspace, key, value });
            }
        }
        apply(timestamp, writes)?;
    }
    if reader.at == payload.len() { Ok(()) } else { Err(reader.corrupt("bytes are left over")) }
}

struct PayloadReader<'b> {
    bytes: &'b Bytes,
    at: usize,
}

impl PayloadReader<'_> {
    /// File and offset are put in by the caller, who knows them.
    fn corrupt(&self, detail: &str) -> Error {
        Error::corrupt("", self.at as u64, format!("log payload: {detail}"))
    }

    fn varint(&mut self) -> Result<u64> {
        let mut rest = &self.bytes[self.at..];
        let value = varint::take(&mut rest).ok_or_else(|| self.corrupt("this is no number"))?;
        self.at = self.bytes.len() - rest.len();
        Ok(value)
    }

    fn length(&mut self, max: usize) -> Result<usize> {
        let value = self.varint()?;
        if value > max as u64 { Err(self.corrupt("a length is too large")) } else { Ok(value as usize) }
    }

    /// A count of things that each take at least one byte of what is left.
    fn count(&mut self) -> Result<usize> {
        let value = self.varint()?;
        let left = self.bytes.len() - self.at;
        if value > left as u64 { Err(self.corrupt("a count is too large")) } else { Ok(value as usize) }
    }

    fn slice(&mut self, len: usize) -> Result<Bytes> {
        if len > self.bytes.len() - self.at {
            return Err(self.corrupt("it ends in a key or value"));
        }
        let slice = self.bytes.slice(self.at..self.at + len);
        self.at += len;
        Ok(slice)
    }
}
