//! The page that a writer is filling.

use std::sync::Arc;

use crate::{
    format::{RowSplitter, ZoneBuilder},
    rows::RowSchema,
    types::Kind,
};

/// The rows of the page that is being filled.
#[derive(Debug, Default)]
pub(super) struct OpenPage {
    pub(super) keys: Vec<u8>,
    pub(super) key_ends: Vec<u32>,
    pub(super) ordinals: Vec<u16>,
    pub(super) begins: Vec<u64>,
    pub(super) ends: Vec<u64>,
    pub(super) kinds: Vec<u8>,
    pub(super) values: Vec<u8>,
    pub(super) value_ends: Vec<u32>,
    pub(super) puts: u32,
    pub(super) closed: u32,
    /// Bytes of keys and values, each row counted.
    pub(super) row_bytes: usize,
    /// The first key has rows in the page before.
    pub(super) continues: bool,
}

/// The value columns of the open page, and what is known of those before.
pub(super) struct OpenColumns {
    pub(super) schema: Arc<RowSchema>,
    pub(super) splitter: RowSplitter,
    pub(super) zones: ZoneBuilder,
}

impl OpenColumns {
    pub(super) fn new(schema: Arc<RowSchema>) -> Self {
        Self { splitter: RowSplitter::new(&schema), schema, zones: ZoneBuilder::default() }
    }
}

impl OpenPage {
    /// Kind, key and value of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Kind, &[u8], &[u8])> {
        let bytes = |ends: &[u32], at: usize| {
            let start = at.checked_sub(1).map_or(0, |before| ends[before] as usize);
            start..ends[at] as usize
        };
        (0..self.begins.len()).map(move |row| {
            let kind = Kind::from_u8(self.kinds[row]).expect("kinds of an open page were written by us");
            let key = &self.keys[bytes(&self.key_ends, usize::from(self.ordinals[row]))];
            (kind, key, &self.values[bytes(&self.value_ends, row)])
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    pub(super) fn last_key(&self) -> &[u8] {
        let start = self.key_ends.len().checked_sub(2).map_or(0, |k| self.key_ends[k] as usize);
        &self.keys[start..]
    }

    /// This page without rows, keeping its memory unless one huge value grew it.
    pub(super) fn cleared(mut self) -> Self {
        const KEPT_BYTES_MAX: usize = 4 << 20;
        self.keys.clear();
        self.key_ends.clear();
        self.ordinals.clear();
        self.begins.clear();
        self.ends.clear();
        self.kinds.clear();
        self.values.clear();
        self.values.shrink_to(KEPT_BYTES_MAX);
        self.value_ends.clear();
        Self { puts: 0, closed: 0, row_bytes: 0, continues: false, ..self }
    }
}
