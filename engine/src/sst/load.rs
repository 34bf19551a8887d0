//! Loading chunks: through the cache, or from the file with as few reads as can be.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use super::{
    cache::{CachePolicy, CachedChunk, ChunkKey},
    page::{Page, PageValues, RowChunks},
    rows::RowValues,
    table::Table,
};
use crate::{
    error::{Error, Result},
    format::{
        ChunkEntry, Codec, Column, ColumnChunk, Damage, Encoding, KeyChunk, KindChunk, NumberChunk,
        ValueChunk, decompress,
    },
    rows::{COLUMNS_MAX, RowSchema},
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
pub(super) struct PageBytes {
    start: u64,
    bytes: Bytes,
}

impl PageBytes {
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
            None => Box::pin(self.load_rows(page, policy, None)).await,
        }
    }

    /// Values of a page.
    #[inline]
    pub(crate) async fn values(&self, page: usize, policy: CachePolicy) -> Result<PageValues> {
        match self.cached_values(page, policy) {
            Some(values) => Ok(values),
            None => Box::pin(self.load_values(page, policy, None)).await,
        }
    }

    /// A page, with one read where nothing of it is cached.
    pub(crate) async fn load(
        &self,
        page: usize,
        policy: CachePolicy,
        with_values: bool,
    ) -> Result<Arc<Page>> {
        let (mut rows, mut values) = (self.cached_rows(page, policy), None);
        if with_values {
            values = self.cached_values(page, policy);
        }
        if rows.is_none() || with_values && values.is_none() {
            // On the heap: callers need not carry the state of a read in their own.
            (rows, values) = Box::pin(self.load_rest(page, policy, with_values, rows, values)).await?;
        }
        let rows = rows.expect("loaded above");
        Ok(Arc::new(Page { rows, begin_override: self.inner.meta.begin_override, values }))
    }

    /// Loads what is not there yet.
    #[cold]
    async fn load_rest(
        &self,
        page: usize,
        policy: CachePolicy,
        with_values: bool,
        mut rows: Option<Arc<RowChunks>>,
        mut values: Option<PageValues>,
    ) -> Result<(Option<Arc<RowChunks>>, Option<PageValues>)> {
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
        Ok((rows, values))
    }

    /// The columns at these places of the file's schema; `None` for a page whose values are byte strings, or
    /// an opaque file. One read where nothing is cached and the columns lie near each other.
    pub(crate) async fn columns(
        &self,
        page: usize,
        places: &[usize],
        policy: CachePolicy,
    ) -> Result<Option<Vec<Arc<ColumnChunk>>>> {
        let Some(schema) = self.inner.schema.as_ref().filter(|_| self.is_columnar(page)) else {
            return Ok(None);
        };
        let mut found: Vec<_> = places
            .iter()
            .map(|place| self.cached_column(page, schema.columns()[*place].id, policy))
            .collect();
        if found.iter().any(Option::is_none) {
            let mut entries = Vec::with_capacity(places.len());
            for (place, _) in places.iter().zip(&found).filter(|(_, found)| found.is_none()) {
                entries.push(*self.entry(page, Column::of_value(schema.columns()[*place].id))?);
            }
            let window = self.window(&entries).await?;
            for (place, found) in places.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                *found = Some(self.load_column(page, schema, *place, &window, policy).await?);
            }
        }
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// Whether the values of a page are in columns.
    pub(crate) fn is_columnar(&self, page: usize) -> bool {
        let counts = self.inner.index.chunk(page, Column::TAG_COUNTS);
        self.inner.schema.is_some() && counts.is_some_and(|entry| !entry.is_absent())
    }

    #[inline]
    fn cached_rows(&self, page: usize, policy: CachePolicy) -> Option<Arc<RowChunks>> {
        let key = ChunkKey::new(self.inner.meta.id, page, Column::KEYS);
        match self.inner.cache.get(&key, policy)? {
            CachedChunk::Rows(rows) => Some(rows),
            _ => None,
        }
    }

    #[inline]
    fn cached_values(&self, page: usize, policy: CachePolicy) -> Option<PageValues> {
        if self.is_columnar(page) {
            return self.cached_row_values(page, policy).map(|rows| PageValues::Rows(Arc::new(rows)));
        }
        let key = ChunkKey::new(self.inner.meta.id, page, Column::VALUES);
        match self.inner.cache.get(&key, policy)? {
            CachedChunk::Values(values) => Some(PageValues::Bytes(values)),
            _ => None,
        }
    }

    fn cached_row_values(&self, page: usize, policy: CachePolicy) -> Option<RowValues> {
        let schema = self.inner.schema.as_ref()?;
        let key = ChunkKey::new(self.inner.meta.id, page, Column::TAG_COUNTS);
        let CachedChunk::TagCounts(tag_counts) = self.inner.cache.get(&key, policy)? else { return None };
        let mut columns = Vec::with_capacity(schema.columns().len());
        for (place, column) in schema.columns().iter().enumerate() {
            let is_needed = self.is_in_values(page, schema, place);
            columns.push(if is_needed { Some(self.cached_column(page, column.id, policy)?) } else { None });
        }
        Some(RowValues { schema: Arc::clone(schema), tag_counts, columns })
    }

    /// Whether a column is needed to put values together: it is not of the key, and not missing in all rows.
    fn is_in_values(&self, page: usize, schema: &RowSchema, place: usize) -> bool {
        let entry = self.inner.index.chunk(page, Column::of_value(schema.columns()[place].id));
        !schema.key().contains(&place) && entry.is_some_and(|entry| !entry.is_absent())
    }

    #[inline]
    fn cached_column(&self, page: usize, id: u32, policy: CachePolicy) -> Option<Arc<ColumnChunk>> {
        let key = ChunkKey::new(self.inner.meta.id, page, Column::of_value(id));
        match self.inner.cache.get(&key, policy)? {
            CachedChunk::Column(column) => Some(column),
            _ => None,
        }
    }

    #[cold]
    async fn load_rows(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&PageBytes>,
    ) -> Result<Arc<RowChunks>> {
        let window = match window {
            Some(window) => window.clone(),
            None => self.window(&self.row_entries(page)?).await?,
        };
        let rows = Arc::new(self.decode_rows(page, policy, &window).await?);
        let key = ChunkKey::new(self.inner.meta.id, page, Column::KEYS);
        self.inner.cache.offer(key, policy, || CachedChunk::Rows(Arc::clone(&rows)));
        Ok(rows)
    }

    fn row_entries(&self, page: usize) -> Result<[ChunkEntry; ROW_COLUMNS.len()]> {
        let mut entries = [ChunkEntry::default(); ROW_COLUMNS.len()];
        for (entry, column) in entries.iter_mut().zip(ROW_COLUMNS) {
            *entry = *self.entry(page, column)?;
        }
        Ok(entries)
    }

    /// Keys, timestamps and kinds of a page, which are not offered to the cache.
    pub(super) async fn decode_rows(
        &self,
        page: usize,
        policy: CachePolicy,
        window: &PageBytes,
    ) -> Result<RowChunks> {
        let entries = self.row_entries(page)?;
        let count = self.inner.index.rows(page);
        let [keys, begins, ends, kinds] = &entries;
        let (encoding, raw) = self.raw(keys, window, policy).await?;
        let keys = KeyChunk::decode(encoding, &raw, count).map_err(|damage| self.damaged(keys, &damage))?;
        let (encoding, raw) = self.raw(begins, window, policy).await?;
        let begins =
            NumberChunk::decode(encoding, &raw, count).map_err(|damage| self.damaged(begins, &damage))?;
        let mut rows = RowChunks { keys, begins, ends: None, kinds: None };
        if !ends.is_absent() {
            let (encoding, raw) = self.raw(ends, window, policy).await?;
            let decoded = NumberChunk::decode(encoding, &raw, count);
            rows.ends = Some(decoded.map_err(|damage| self.damaged(ends, &damage))?);
        }
        if !kinds.is_absent() {
            let (encoding, raw) = self.raw(kinds, window, policy).await?;
            let decoded = KindChunk::decode(encoding, &raw, count);
            rows.kinds = Some(decoded.map_err(|damage| self.damaged(kinds, &damage))?);
        }
        Ok(rows)
    }

    #[cold]
    async fn load_values(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&PageBytes>,
    ) -> Result<PageValues> {
        if let Some(schema) = self.inner.schema.as_ref().filter(|_| self.is_columnar(page)) {
            return self.load_row_values(page, schema, policy, window).await;
        }
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
        Ok(PageValues::Bytes(values))
    }

    async fn load_row_values(
        &self,
        page: usize,
        schema: &Arc<RowSchema>,
        policy: CachePolicy,
        window: Option<&PageBytes>,
    ) -> Result<PageValues> {
        let window = match window {
            Some(window) => window.clone(),
            None => self.window(&self.inner.index.page_chunks(page)[ROW_COLUMNS.len()..]).await?,
        };
        let entry = *self.entry(page, Column::TAG_COUNTS)?;
        let (encoding, raw) = self.raw(&entry, &window, policy).await?;
        let rows = self.inner.index.rows(page);
        let tag_counts =
            NumberChunk::decode(encoding, &raw, rows).map_err(|damage| self.damaged(&entry, &damage))?;
        if (0..rows).any(|row| tag_counts.get(row) > COLUMNS_MAX as u64) {
            return Err(self.damaged(&entry, &Damage::new(0, "a row has too many tags")));
        }
        let tag_counts = Arc::new(tag_counts);
        let key = ChunkKey::new(self.inner.meta.id, page, Column::TAG_COUNTS);
        self.inner.cache.offer(key, policy, || CachedChunk::TagCounts(Arc::clone(&tag_counts)));
        let mut columns = Vec::with_capacity(schema.columns().len());
        for (place, column) in schema.columns().iter().enumerate() {
            columns.push(if !self.is_in_values(page, schema, place) {
                None
            } else if let Some(cached) = self.cached_column(page, column.id, policy) {
                Some(cached)
            } else {
                Some(self.load_column(page, schema, place, &window, policy).await?)
            });
        }
        let schema = Arc::clone(schema);
        Ok(PageValues::Rows(Arc::new(RowValues { schema, tag_counts, columns })))
    }

    async fn load_column(
        &self,
        page: usize,
        schema: &RowSchema,
        place: usize,
        window: &PageBytes,
        policy: CachePolicy,
    ) -> Result<Arc<ColumnChunk>> {
        let column = schema.columns()[place];
        let entry = *self.entry(page, Column::of_value(column.id))?;
        let rows = self.inner.index.rows(page);
        if entry.is_absent() {
            return Ok(Arc::new(ColumnChunk::all_missing(column.kind, rows)));
        }
        let raw = self.raw_bytes(&entry, window, policy).await?;
        let chunk = ColumnChunk::decode(column.kind, entry.encoding, &raw, rows);
        let chunk = Arc::new(chunk.map_err(|damage| self.damaged(&entry, &damage))?);
        let key = ChunkKey::new(self.inner.meta.id, page, Column::of_value(column.id));
        self.inner.cache.offer(key, policy, || CachedChunk::Column(Arc::clone(&chunk)));
        Ok(chunk)
    }

    /// Reads what spans these chunks; nothing where they lie too far apart, and each is read by itself then.
    pub(super) async fn window(&self, entries: &[ChunkEntry]) -> Result<PageBytes> {
        let present = || entries.iter().filter(|entry| !entry.is_absent());
        let start = present().map(|entry| entry.offset).min().unwrap_or(0);
        let end = present().map(ChunkEntry::end).max().unwrap_or(0);
        let bytes: u64 = present().map(|entry| u64::from(entry.stored_len)).sum();
        if end.saturating_sub(start) > bytes + GAP_BYTES_MAX {
            return Ok(PageBytes { start: 0, bytes: Bytes::new() });
        }
        Ok(PageBytes { start, bytes: self.read(start..end).await? })
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

    /// The encoding of a chunk and its verified, decompressed bytes.
    async fn raw(
        &self,
        entry: &ChunkEntry,
        window: &PageBytes,
        policy: CachePolicy,
    ) -> Result<(Encoding, Bytes)> {
        let raw = self.raw_bytes(entry, window, policy).await?;
        let name = &self.inner.name;
        let encoding = Encoding::from_u8(entry.encoding)
            .ok_or_else(|| Error::Invalid(format!("{name} has unknown encoding {}", entry.encoding)))?;
        Ok((encoding, raw))
    }

    /// The verified, decompressed bytes of a chunk.
    pub(super) async fn raw_bytes(
        &self,
        entry: &ChunkEntry,
        window: &PageBytes,
        policy: CachePolicy,
    ) -> Result<Bytes> {
        let name = &self.inner.name;
        let corrupt = |detail: String| Error::corrupt(name, entry.offset, detail);
        let stored = self.stored_bytes(entry, window).await?;
        let codec = Codec::from_u8(entry.codec)
            .ok_or_else(|| Error::Invalid(format!("{name} has unknown codec {}", entry.codec)))?;
        let raw_len = entry.raw_len as usize;
        if raw_len > CHUNK_BYTES_MAX {
            return Err(corrupt(format!("chunk of {raw_len} bytes is too long")));
        }
        // A slice would keep the whole window in the cache, so only those who do not cache take one.
        if codec == Codec::None && policy == CachePolicy::PassBy && stored.len() == raw_len {
            return Ok(stored);
        }
        let raw = decompress(codec, &stored, raw_len).map_err(|damage| self.damaged(entry, &damage))?;
        Ok(raw.into())
    }

    /// The verified bytes of a chunk.
    pub(super) async fn stored_bytes(&self, entry: &ChunkEntry, window: &PageBytes) -> Result<Bytes> {
        let stored = match window.slice(entry) {
            Some(stored) => stored,
            None => self.read(entry.offset..entry.end()).await?,
        };
        if self.inner.seed.checksum(entry.offset, &stored) != entry.checksum {
            return Err(Error::corrupt(&self.inner.name, entry.offset, "checksum does not match"));
        }
        Ok(stored)
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
