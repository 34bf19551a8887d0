//! Loading chunks: through the cache, or from the file with as few reads as can be.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    cache::{CachePolicy, CachedChunk, ChunkKey},
    page::{Page, RowChunks},
    table::Table,
};
use crate::{
    error::{Error, Result},
    format::{
        ChunkEntry, Codec, Column, Damage, Encoding, KeyChunk, KindChunk, NumberChunk, ValueChunk, decompress,
    },
    types::VALUE_BYTES_MAX,
};

/// Largest chunk after decompression: the largest value, and a page around it.
const CHUNK_BYTES_MAX: usize = VALUE_BYTES_MAX + (64 << 20);
/// Bytes between chunks that are read along to save a read.
const GAP_BYTES_MAX: u64 = 64 << 10;
/// The columns of [`RowChunks`].
const ROW_COLUMNS: [Column; 4] = [Column::KEYS, Column::BEGINS, Column::ENDS, Column::KINDS];

/// Bytes of a page that were read at once.
#[derive(Clone)]
struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn slice(&self, entry: &ChunkEntry) -> Option<Bytes> {
        let start = entry.offset.checked_sub(self.start)?;
        let end = start + u64::from(entry.stored_len);
        (end <= self.bytes.len() as u64).then(|| self.bytes.slice(start as usize..end as usize))
    }
}

impl Table {
    /// Keys, timestamps and kinds of a page.
    #[inline]
    pub(super) async fn rows(&self, page: usize, policy: CachePolicy) -> Result<Arc<RowChunks>> {
        match self.cached_rows(page, policy) {
            Some(rows) => Ok(rows),
            None => self.load_rows(page, policy, None).await,
        }
    }

    /// Values of a page.
    #[inline]
    pub(super) async fn values(&self, page: usize, policy: CachePolicy) -> Result<Arc<ValueChunk>> {
        match self.cached_values(page, policy) {
            Some(values) => Ok(values),
            None => self.load_values(page, policy, None).await,
        }
    }

    /// A page, with one read where nothing of it is cached.
    pub(super) async fn load(
        &self,
        page: usize,
        policy: CachePolicy,
        with_values: bool,
    ) -> Result<Arc<Page>> {
        let (mut rows, mut values) = (self.cached_rows(page, policy), None);
        if with_values {
            values = self.cached_values(page, policy);
        }
        let window = match (&rows, &values) {
            (None, None) if with_values => Some(self.window(self.inner.index.page_chunks(page)).await?),
            _ => None,
        };
        if rows.is_none() {
            rows = Some(self.load_rows(page, policy, window.as_ref()).await?);
        }
        if with_values && values.is_none() {
            values = Some(self.load_values(page, policy, window.as_ref()).await?);
        }
        let rows = rows.expect("loaded above");
        Ok(Arc::new(Page { rows, begin_override: self.inner.meta.begin_override, values }))
    }

    #[inline]
    fn cached_rows(&self, page: usize, policy: CachePolicy) -> Option<Arc<RowChunks>> {
        let key = ChunkKey::new(self.inner.meta.id, page, Column::KEYS);
        match self.inner.cache.get(&key, policy)? {
            CachedChunk::Rows(rows) => Some(rows),
            CachedChunk::Values(_) => None,
        }
    }

    #[inline]
    fn cached_values(&self, page: usize, policy: CachePolicy) -> Option<Arc<ValueChunk>> {
        let key = ChunkKey::new(self.inner.meta.id, page, Column::VALUES);
        match self.inner.cache.get(&key, policy)? {
            CachedChunk::Values(values) => Some(values),
            CachedChunk::Rows(_) => None,
        }
    }

    #[cold]
    async fn load_rows(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Arc<RowChunks>> {
        let mut entries = [ChunkEntry::default(); ROW_COLUMNS.len()];
        for (entry, column) in entries.iter_mut().zip(ROW_COLUMNS) {
            *entry = *self.entry(page, column)?;
        }
        let window = match window {
            Some(window) => window.clone(),
            None => self.window(&entries).await?,
        };
        let count = self.inner.index.rows(page);
        let [keys, begins, ends, kinds] = &entries;
        let (encoding, raw) = self.raw(keys, &window, policy).await?;
        let keys = KeyChunk::decode(encoding, &raw, count).map_err(|damage| self.damaged(keys, &damage))?;
        let (encoding, raw) = self.raw(begins, &window, policy).await?;
        let begins =
            NumberChunk::decode(encoding, &raw, count).map_err(|damage| self.damaged(begins, &damage))?;
        let mut rows = RowChunks { keys, begins, ends: None, kinds: None };
        if !ends.is_absent() {
            let (encoding, raw) = self.raw(ends, &window, policy).await?;
            let decoded = NumberChunk::decode(encoding, &raw, count);
            rows.ends = Some(decoded.map_err(|damage| self.damaged(ends, &damage))?);
        }
        if !kinds.is_absent() {
            let (encoding, raw) = self.raw(kinds, &window, policy).await?;
            let decoded = KindChunk::decode(encoding, &raw, count);
            rows.kinds = Some(decoded.map_err(|damage| self.damaged(kinds, &damage))?);
        }
        let rows = Arc::new(rows);
        let key = ChunkKey::new(self.inner.meta.id, page, Column::KEYS);
        self.inner.cache.offer(key, policy, || CachedChunk::Rows(Arc::clone(&rows)));
        Ok(rows)
    }

    #[cold]
    async fn load_values(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Arc<ValueChunk>> {
        let entry = *self.entry(page, Column::VALUES)?;
        let window = match window {
            Some(window) => window.clone(),
            None => self.window(&[entry]).await?,
        };
        let (encoding, raw) = self.raw(&entry, &window, policy).await?;
        let decoded = ValueChunk::decode(encoding, &raw, self.inner.index.rows(page));
        let values = Arc::new(decoded.map_err(|damage| self.damaged(&entry, &damage))?);
        let key = ChunkKey::new(self.inner.meta.id, page, Column::VALUES);
        self.inner.cache.offer(key, policy, || CachedChunk::Values(Arc::clone(&values)));
        Ok(values)
    }

    /// Reads what spans these chunks; nothing where they lie too far apart, and each is read by itself then.
    async fn window(&self, entries: &[ChunkEntry]) -> Result<Window> {
        let present = || entries.iter().filter(|entry| !entry.is_absent());
        let start = present().map(|entry| entry.offset).min().unwrap_or(0);
        let end = present().map(ChunkEntry::end).max().unwrap_or(0);
        let bytes: u64 = present().map(|entry| u64::from(entry.stored_len)).sum();
        if end.saturating_sub(start) > bytes + GAP_BYTES_MAX {
            return Ok(Window { start: 0, bytes: Bytes::new() });
        }
        Ok(Window { start, bytes: self.read(start..end).await? })
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let (start, expected) = (range.start, range.end - range.start);
        let bytes = self.inner.reader.read(range).await?;
        if bytes.len() as u64 == expected {
            Ok(bytes)
        } else {
            Err(Error::corrupt(&self.inner.name, start, format!("{} of {expected} bytes read", bytes.len())))
        }
    }

    /// The verified, decompressed bytes of one chunk.
    async fn raw(
        &self,
        entry: &ChunkEntry,
        window: &Window,
        policy: CachePolicy,
    ) -> Result<(Encoding, Bytes)> {
        let name = &self.inner.name;
        let corrupt = |detail: String| Error::corrupt(name, entry.offset, detail);
        let stored = match window.slice(entry) {
            Some(stored) => stored,
            None => self.read(entry.offset..entry.end()).await?,
        };
        if self.inner.seed.checksum(entry.offset, &stored) != entry.checksum {
            return Err(corrupt("checksum does not match".into()));
        }
        let encoding = Encoding::from_u8(entry.encoding)
            .ok_or_else(|| Error::Invalid(format!("{name} has unknown encoding {}", entry.encoding)))?;
        let codec = Codec::from_u8(entry.codec)
            .ok_or_else(|| Error::Invalid(format!("{name} has unknown codec {}", entry.codec)))?;
        let raw_len = entry.raw_len as usize;
        if raw_len > CHUNK_BYTES_MAX {
            return Err(corrupt(format!("chunk of {raw_len} bytes is too long")));
        }
        // A slice would keep the whole window in the cache, so only those who do not cache take one.
        if codec == Codec::None && policy == CachePolicy::PassBy && stored.len() == raw_len {
            return Ok((encoding, stored));
        }
        let raw = decompress(codec, &stored, raw_len).map_err(|damage| self.damaged(entry, &damage))?;
        Ok((encoding, raw.into()))
    }

    fn entry(&self, page: usize, column: Column) -> Result<&ChunkEntry> {
        self.inner.index.chunk(page, column).ok_or_else(|| {
            let detail = format!("file has no column {} in page {page}", column.0);
            Error::corrupt(&self.inner.name, self.inner.meta.tail_offset, detail)
        })
    }

    fn damaged(&self, entry: &ChunkEntry, damage: &Damage) -> Error {
        Error::corrupt(&self.inner.name, entry.offset, &*damage.detail)
    }
}
