//! Values that a page stores in columns, put together again.

use std::sync::Arc;

use crate::{
    format::{ColumnChunk, NumberChunk},
    rows::{
        RowSchema,
        value::{self, tag},
    },
};

/// The columns of a page from which the bytes of its values can be made.
#[derive(Debug)]
pub(crate) struct RowValues {
    pub(super) schema: Arc<RowSchema>,
    /// The number of tags of each row's value.
    pub(super) tag_counts: Arc<NumberChunk>,
    /// By place in the schema; none for columns of the key and those that all rows are missing in.
    pub(super) columns: Vec<Option<Arc<ColumnChunk>>>,
}

impl RowValues {
    /// Appends the value of a row that is one.
    pub(super) fn append(&self, row: usize, out: &mut Vec<u8>) {
        // Checked when the chunk was read.
        let count = self.tag_counts.get(row) as usize;
        out.push(value::FORMAT);
        value::push_varint(count, out);
        let tags = out.len();
        // All elsewhere; the unused half of the last byte is zero.
        out.resize(tags + count / 2, tag::ELSEWHERE | tag::ELSEWHERE << 4);
        if !count.is_multiple_of(2) {
            out.push(tag::ELSEWHERE);
        }
        for (column, chunk) in self.schema.columns().iter().zip(&self.columns) {
            let id = column.id as usize;
            let Some(chunk) = chunk.as_ref().filter(|_| id < count) else { continue };
            let tag = chunk.append_payload(row, out);
            let byte = &mut out[tags + id / 2];
            *byte = if id.is_multiple_of(2) { *byte & 0xF0 | tag } else { *byte & 0x0F | tag << 4 };
        }
    }
}
