//! Pages that go from one file to another as they are stored.
//!
//! P1. A page is passed on only where its rows stay what they are: the caller knows that no other version of
//!     its keys goes to the new file, and that none of its rows closes, moves or is dropped.
//! P2. A page passed on was verified: a chunk that does not have its checksum never gets another one.
//!
//! Only the keys are looked into, for the filter. A page that was written fast becomes dense chunk by chunk
//! on its way into a dense file, and the begins of a bulk load, which are not in its pages, are put there.

use bytes::Bytes;

use super::{cache::CachePolicy, options::TableOptions, page::RowChunks, table::Table, writer::TableWriter};
use crate::{
    error::{Error, Result},
    format::{ChunkEntry, Column, Compression, KeyFilter, Zone, encode_numbers},
    types::Kind,
};

/// A page as it is stored, verified.
pub(super) struct StoredPage {
    pub(super) rows: RowChunks,
    /// One for each column of the file, with its bytes: as they are in the file, or unpacked.
    pub(super) chunks: Vec<(ChunkEntry, Bytes)>,
    pub(super) is_unpacked: bool,
}

impl TableOptions {
    /// Whether a file with these options can take a page as it is stored: it has the same columns, and the
    /// page is at least half as large as it could be.
    pub(crate) fn takes(&self, from: &Table, page: usize) -> bool {
        let has_columns = match (&self.schema, from.schema()) {
            (None, None) => true,
            (Some(own), Some(other)) => own.columns() == other.columns() && own.key() == other.key(),
            _ => false,
        };
        let rows = from.index().rows(page);
        let is_large =
            |bytes: u32| rows * 2 >= self.page_rows_max || bytes as usize * 2 >= self.page_bytes_max;
        let bytes = from.inner.page_bytes.as_ref().map(|bytes| bytes[page]);
        has_columns && rows <= self.page_rows_max && bytes.is_some_and(is_large)
    }
}

impl TableWriter {
    /// Rows of the page that is being filled.
    pub(crate) fn open_rows(&self) -> usize {
        self.page.begins.len()
    }

    /// Adds a page that the options take (P1). Its keys are behind all that were pushed.
    ///
    /// # Errors
    /// `Corrupt` where the page is damaged, `Invalid` where it is out of order, and storage errors: abort the
    /// writer.
    pub(crate) async fn push_page(&mut self, from: &Table, page: usize) -> Result<()> {
        let index = from.index();
        let (first_key, last_key) = (index.first_key(page), index.last_key(page));
        if self.totals.rows > 0 && self.last_key.as_slice() >= first_key {
            return Err(Error::Invalid("pages are out of order".into()));
        }
        let unpack = self.options.compression == Compression::Dense && !from.is_dense();
        let stored = from.stored_page(page, unpack).await?;
        if self.open_rows() > 0 {
            self.close_page();
        }
        let chunks = self.add_chunks(from, &stored, index.rows(page) as u32);
        let row_bytes = from.inner.page_bytes.as_ref().map_or(0, |bytes| bytes[page]);
        self.add_to_index(index.summary(page), first_key, last_key, &chunks, row_bytes);
        if let (Some(open), Some(zones)) = (&mut self.columns, from.zones()?) {
            let columns = open.schema.columns().len();
            open.zones.push((0..columns).map(|place| Zone::clone(zones.zone(page, place))));
        }
        self.add_keys(&stored.rows);
        if self.totals.rows == 0 {
            self.first_key.extend_from_slice(first_key);
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(last_key);
        self.last_begin = stored.rows.begin(index.rows(page) - 1);
        self.totals.rows += index.rows(page) as u64;
        self.write_out_if_full().await
    }

    fn add_chunks(&mut self, from: &Table, stored: &StoredPage, rows: u32) -> Vec<ChunkEntry> {
        let columns = from.index().columns().iter();
        let add = |(column, (entry, bytes)): (&Column, &(ChunkEntry, Bytes))| {
            if entry.is_absent() {
                return self.absent_chunk();
            }
            match from.meta().begin_override {
                Some(begin) if *column == Column::BEGINS => {
                    let begins = vec![begin.as_micros(); rows as usize];
                    self.chunk(*column, rows, |raw| encode_numbers(&begins, raw) as u8)
                }
                _ if stored.is_unpacked => self.chunk(*column, rows, |raw| {
                    raw.extend_from_slice(bytes);
                    entry.encoding
                }),
                _ => self.stored_chunk(entry, bytes),
            }
        };
        columns.zip(&stored.chunks).map(add).collect()
    }

    /// Adds a chunk as another file stores it.
    fn stored_chunk(&mut self, entry: &ChunkEntry, stored: &[u8]) -> ChunkEntry {
        let offset = self.offset();
        self.buffer.extend_from_slice(stored);
        ChunkEntry { offset, checksum: self.seed.checksum(offset, stored), ..*entry }
    }

    /// Counts the keys and deletes of a page, and keeps the hashes of its keys.
    fn add_keys(&mut self, rows: &RowChunks) {
        let keys = &rows.keys;
        self.totals.distinct_keys += keys.count() as u64;
        if self.options.filter {
            let mut key = keys.prefix().to_vec();
            let prefix = key.len();
            self.hashes.extend((0..keys.count()).map(|ordinal| {
                key.truncate(prefix);
                key.extend_from_slice(keys.suffix(ordinal));
                KeyFilter::hash(&key)
            }));
        }
        if let Some(kinds) = &rows.kinds {
            let deletes = (0..keys.rows()).filter(|row| kinds.get(*row) == Kind::Delete);
            self.totals.deletes += deletes.count() as u64;
        }
    }
}

impl Table {
    /// A page as it is stored, or with its chunks unpacked. One read, past the cache.
    async fn stored_page(&self, page: usize, unpack: bool) -> Result<StoredPage> {
        let entries = self.index().page_chunks(page);
        let window = self.window(entries).await?;
        let rows = self.decode_rows(page, CachePolicy::PassBy, &window).await?;
        let mut chunks = Vec::with_capacity(entries.len());
        for entry in entries {
            let bytes = match entry {
                entry if entry.is_absent() => Bytes::new(),
                entry if unpack => self.raw_bytes(entry, &window, CachePolicy::PassBy).await?,
                entry => self.stored_bytes(entry, &window).await?,
            };
            chunks.push((*entry, bytes));
        }
        Ok(StoredPage { rows, chunks, is_unpacked: unpack })
    }
}
