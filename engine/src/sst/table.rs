//! Reading a table file.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{
    cache::{CachePolicy, CachedChunk, ChunkKey, PageCache},
    page::{Numbers, Page, first_visible},
};
use crate::{
    error::{Error, Result},
    format::{
        ChunkEntry, Codec, Column, Damage, Encoding, FileSeed, Footer, KeyChunk, KeyFilter, KindChunk,
        NumberChunk, PageIndex, Properties, Section, SectionKind, VERSION_MAJOR, ValueChunk, decompress,
    },
    manifest::FileMeta,
    store::{ObjectReader, Root},
    types::{Kind, Timestamp, VALUE_BYTES_MAX, Version},
};

/// Largest chunk after decompression: the largest value, and a page around it.
const CHUNK_BYTES_MAX: usize = VALUE_BYTES_MAX + (64 << 20);
/// Largest section after decompression.
const SECTION_BYTES_MAX: u64 = 4 << 30;
/// Bytes that [`Table::verify`] reads at once.
const VERIFY_BYTES: u64 = 1 << 20;

/// What [`Table::get`] found: the newest version that begins at or before the moment asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// When the version begins.
    pub begin: Timestamp,
    /// When it ends; OPEN where this file knows no successor.
    pub end: Timestamp,
    /// Whether it is a value.
    pub kind: Kind,
    /// The value, sharing the memory of the cached chunk; empty unless `kind` is PUT.
    pub value: Bytes,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The last user of a file that was compacted away; or a file that is closed, which reads its chunks again.
        self.cache.forget(self.meta.id, self.index.len());
    }
}

impl Found {
    /// This as a version of `key`.
    pub fn into_version(self, key: Bytes) -> Version {
        let Self { begin, end, kind, value } = self;
        Version { key, begin, end, kind, value }
    }
}

/// An open table file: index and filter in memory, chunks through the cache. A clone is the same file.
#[derive(Clone, Debug)]
pub struct Table {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    meta: FileMeta,
    name: String,
    reader: ObjectReader,
    seed: FileSeed,
    index: PageIndex,
    filter: Option<KeyFilter>,
    forbids_writing: bool,
    cache: PageCache,
}

impl Table {
    /// Opens the file that `meta` describes.
    ///
    /// # Errors
    /// `Corrupt` where the file is not the one described, `Invalid` where a newer program wrote it.
    ///
    /// # Cost
    /// One read of the tail.
    pub async fn open(root: &Root, meta: &FileMeta, cache: &PageCache) -> Result<Self> {
        let name = meta.object_name();
        let reader = root.open(&name, meta.len).await?;
        if meta.tail_offset >= meta.len {
            return Err(Error::corrupt(name, meta.len, "the manifest puts the page index behind the end"));
        }
        let tail = reader.read(meta.tail_offset..meta.len).await?;
        let seed = FileSeed::new(meta.id.epoch, meta.id.number);
        let parts = Tail { name: &name, meta, seed, bytes: &tail };
        let footer = parts.footer()?;
        parts.check_properties(&footer)?;
        let mut index = parts.index(&footer)?;
        if let Some(begin) = meta.begin_override {
            index.override_begin(begin);
        }
        let filter = parts.filter(&footer)?;
        let inner = Inner {
            meta: meta.clone(),
            name,
            reader,
            seed,
            index,
            filter,
            forbids_writing: footer.features.forbid_writing(),
            cache: cache.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the manifest says of the file.
    pub fn meta(&self) -> &FileMeta {
        &self.inner.meta
    }

    /// The page index. Begins are those that the rows are read with.
    pub fn index(&self) -> &PageIndex {
        &self.inner.index
    }

    /// Whether the file has a feature that a database which holds it must know in order to write.
    pub fn forbids_writing(&self) -> bool {
        self.inner.forbids_writing
    }

    /// Bytes of index and filter in memory, which the cache does not count.
    pub fn weight(&self) -> usize {
        self.inner.index.weight() + self.inner.filter.as_ref().map_or(0, KeyFilter::weight)
    }

    /// Whether the file may hold `key`; "no" is certain.
    #[inline]
    pub fn may_contain(&self, key: &[u8]) -> bool {
        self.inner.filter.as_ref().is_none_or(|filter| filter.may_contain(KeyFilter::hash(key)))
    }

    /// The newest version of `key` that begins at or before `at`.
    ///
    /// # Errors
    /// Storage errors and `Corrupt`.
    ///
    /// # Cost
    /// Nothing, where the filter knows better; else the K chunk of one page and the V chunk of the row, and B, E, T
    /// where the page's rows differ in them. Does not suspend when the chunks are cached or the root is local.
    pub async fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<Found>> {
        if !self.may_contain(key) {
            return Ok(None);
        }
        let index = &self.inner.index;
        let policy = CachePolicy::Keep;
        let mut page = index.first_page_reaching(key);
        while page < index.len() && index.first_key(page) <= key {
            if index.min_begin(page) <= at {
                let keys = self.keys(page, policy).await?;
                let Ok(ordinal) = keys.search(key) else { return Ok(None) };
                let (from, to) = (keys.first_row(ordinal), keys.first_row(ordinal + 1));
                let begins = self.begins(page, policy).await?;
                if let Some(row) = first_visible(&begins, from, to, at) {
                    return self.found(page, row, begins.get(row)).await.map(Some);
                }
            }
            if index.last_key(page) != key {
                return Ok(None);
            }
            page += 1;
        }
        Ok(None)
    }

    /// A page with its values.
    ///
    /// # Errors
    /// Storage errors and `Corrupt`.
    ///
    /// # Cost
    /// One read of what is not cached.
    pub async fn page(&self, page: usize, policy: CachePolicy) -> Result<Arc<Page>> {
        self.load(page, policy, true).await
    }

    /// A page with its values, for a scan: it stays in the cache only while there is room to spare.
    ///
    /// # Errors
    /// Storage errors and `Corrupt`.
    pub async fn scan_page(&self, page: usize) -> Result<Arc<Page>> {
        self.load(page, CachePolicy::IfRoom, true).await
    }

    /// A page without its values, for work on keys and timestamps.
    ///
    /// # Errors
    /// Storage errors and `Corrupt`.
    ///
    /// # Cost
    /// One read of what is not cached.
    pub async fn page_without_values(&self, page: usize, policy: CachePolicy) -> Result<Arc<Page>> {
        self.load(page, policy, false).await
    }

    /// Reads the whole file and compares it with the hash in the manifest, then decodes every page.
    ///
    /// # Errors
    /// Storage errors and `Corrupt`.
    pub async fn verify(&self) -> Result<()> {
        let Inner { meta, reader, name, .. } = &*self.inner;
        let mut hash = Xxh3::new();
        let mut at = 0;
        while at < meta.len {
            let end = meta.len.min(at + VERIFY_BYTES);
            hash.update(&reader.read(at..end).await?);
            at = end;
        }
        for page in 0..self.inner.index.len() {
            self.page(page, CachePolicy::PassBy).await?;
        }
        if hash.digest128() == meta.hash {
            Ok(())
        } else {
            Err(Error::corrupt(name, 0, "hash of the file does not match the manifest"))
        }
    }

    async fn load(&self, page: usize, policy: CachePolicy, with_values: bool) -> Result<Arc<Page>> {
        let window = self.window(page, policy, with_values).await?;
        let window = window.as_ref();
        let values = if with_values { Some(self.values(page, policy, window).await?) } else { None };
        Ok(Arc::new(Page {
            keys: self.keys_in(page, policy, window).await?,
            begins: self.begins_in(page, policy, window).await?,
            ends: self.ends(page, policy, window).await?,
            kinds: self.kinds(page, policy, window).await?,
            values,
        }))
    }

    async fn found(&self, page: usize, row: usize, begin: Timestamp) -> Result<Found> {
        let policy = CachePolicy::Keep;
        let end = match self.ends(page, policy, None).await? {
            None => Timestamp::OPEN,
            Some(ends) => ends.get(row),
        };
        let kind = match self.kinds(page, policy, None).await? {
            None => Kind::Put,
            Some(kinds) => kinds.get(row),
        };
        let value = match kind {
            Kind::Put => self.values(page, policy, None).await?.get_bytes(row),
            Kind::Delete | Kind::Absent => Bytes::new(),
        };
        Ok(Found { begin, end, kind, value })
    }
}

/// Bytes of a page that were read ahead of the chunks in them.
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

/// Chunks, through the cache.
impl Table {
    async fn keys(&self, page: usize, policy: CachePolicy) -> Result<Arc<KeyChunk>> {
        self.keys_in(page, policy, None).await
    }

    async fn begins(&self, page: usize, policy: CachePolicy) -> Result<Numbers> {
        self.begins_in(page, policy, None).await
    }

    async fn keys_in(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Arc<KeyChunk>> {
        match self.chunk(page, Column::KEYS, policy, window).await? {
            CachedChunk::Keys(chunk) => Ok(chunk),
            _ => Err(self.foreign(page)),
        }
    }

    async fn begins_in(&self, page: usize, policy: CachePolicy, window: Option<&Window>) -> Result<Numbers> {
        let summary = self.inner.index.summary(page);
        if summary.min_begin == summary.max_begin {
            return Ok(Numbers::Constant(summary.min_begin));
        }
        self.numbers(page, Column::BEGINS, policy, window).await
    }

    async fn ends(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Option<Numbers>> {
        let summary = self.inner.index.summary(page);
        if summary.closed == 0 {
            return Ok(None);
        }
        if summary.closed == summary.rows && summary.min_end == summary.max_end {
            return Ok(Some(Numbers::Constant(summary.min_end)));
        }
        self.numbers(page, Column::ENDS, policy, window).await.map(Some)
    }

    async fn numbers(
        &self,
        page: usize,
        column: Column,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Numbers> {
        match self.chunk(page, column, policy, window).await? {
            CachedChunk::Numbers(chunk) => Ok(Numbers::Chunk(chunk)),
            _ => Err(self.foreign(page)),
        }
    }

    async fn kinds(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Option<Arc<KindChunk>>> {
        if self.inner.index.summary(page).flags.all_put {
            return Ok(None);
        }
        match self.chunk(page, Column::KINDS, policy, window).await? {
            CachedChunk::Kinds(chunk) => Ok(Some(chunk)),
            _ => Err(self.foreign(page)),
        }
    }

    async fn values(
        &self,
        page: usize,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<Arc<ValueChunk>> {
        match self.chunk(page, Column::VALUES, policy, window).await? {
            CachedChunk::Values(chunk) => Ok(chunk),
            _ => Err(self.foreign(page)),
        }
    }

    #[inline]
    async fn chunk(
        &self,
        page: usize,
        column: Column,
        policy: CachePolicy,
        window: Option<&Window>,
    ) -> Result<CachedChunk> {
        let key = ChunkKey::new(self.inner.meta.id, page, column);
        if let Some(chunk) = self.inner.cache.get(&key, policy) {
            return Ok(chunk);
        }
        let entry = self.entry(page, column)?;
        let stored = match window.and_then(|window| window.slice(entry)) {
            Some(stored) => stored,
            None => self.read(entry.offset..entry.end()).await?,
        };
        let chunk = self.decode(page, column, entry, &stored, policy)?;
        self.inner.cache.offer(key, &chunk, policy);
        Ok(chunk)
    }

    /// Reads the part of a page that holds all its uncached chunks, if there are at least two of them.
    async fn window(&self, page: usize, policy: CachePolicy, with_values: bool) -> Result<Option<Window>> {
        let summary = self.inner.index.summary(page);
        let wanted = [
            (Column::KEYS, true),
            (Column::BEGINS, summary.min_begin != summary.max_begin),
            (Column::ENDS, summary.closed > 0),
            (Column::KINDS, !summary.flags.all_put),
            (Column::VALUES, with_values),
        ];
        let (mut missing, mut start, mut end) = (0, u64::MAX, 0);
        for (column, _) in wanted.into_iter().filter(|(_, needed)| *needed) {
            let key = ChunkKey::new(self.inner.meta.id, page, column);
            if self.inner.cache.get(&key, policy).is_none() {
                let entry = self.entry(page, column)?;
                missing += 1;
                start = start.min(entry.offset);
                end = end.max(entry.end());
            }
        }
        if missing < 2 || end - start > CHUNK_BYTES_MAX as u64 {
            return Ok(None);
        }
        Ok(Some(Window { start, bytes: self.read(start..end).await? }))
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let expected = range.end - range.start;
        let start = range.start;
        let bytes = self.inner.reader.read(range).await?;
        if bytes.len() as u64 == expected {
            Ok(bytes)
        } else {
            Err(Error::corrupt(&self.inner.name, start, format!("{} of {expected} bytes read", bytes.len())))
        }
    }

    fn entry(&self, page: usize, column: Column) -> Result<&ChunkEntry> {
        self.inner.index.chunk(page, column).ok_or_else(|| {
            let detail = format!("file has no column {} in page {page}", column.0);
            Error::corrupt(&self.inner.name, self.inner.meta.tail_offset, detail)
        })
    }

    /// Verifies and decodes one chunk.
    fn decode(
        &self,
        page: usize,
        column: Column,
        entry: &ChunkEntry,
        stored: &Bytes,
        policy: CachePolicy,
    ) -> Result<CachedChunk> {
        let name = &self.inner.name;
        let corrupt = |detail: String| {
            Error::corrupt(name, entry.offset, format!("page {page} column {}: {detail}", column.0))
        };
        let damaged = |damage: Damage| corrupt(damage.detail);
        if self.inner.seed.checksum(entry.offset, stored) != entry.checksum {
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
        let raw = match codec {
            // A slice of a window would keep the whole window in the cache.
            Codec::None if policy == CachePolicy::PassBy && stored.len() == raw_len => stored.clone(),
            codec => Bytes::from(decompress(codec, stored, raw_len).map_err(damaged)?),
        };
        let rows = self.inner.index.rows(page);
        Ok(match column {
            Column::KEYS => {
                CachedChunk::Keys(Arc::new(KeyChunk::decode(encoding, &raw, rows).map_err(damaged)?))
            }
            Column::BEGINS | Column::ENDS => {
                CachedChunk::Numbers(Arc::new(NumberChunk::decode(encoding, &raw, rows).map_err(damaged)?))
            }
            Column::KINDS => {
                CachedChunk::Kinds(Arc::new(KindChunk::decode(encoding, &raw, rows).map_err(damaged)?))
            }
            _ => CachedChunk::Values(Arc::new(ValueChunk::decode(encoding, &raw, rows).map_err(damaged)?)),
        })
    }

    fn foreign(&self, page: usize) -> Error {
        Error::corrupt(&self.inner.name, 0, format!("cache holds a foreign chunk for page {page}"))
    }
}

/// The end of a file while it is being opened.
struct Tail<'a> {
    name: &'a str,
    meta: &'a FileMeta,
    seed: FileSeed,
    bytes: &'a Bytes,
}

impl Tail<'_> {
    fn footer(&self) -> Result<Footer> {
        let Self { name, meta, bytes, .. } = self;
        let footer = Footer::decode(bytes, meta.tail_offset, meta.id.epoch, meta.id.number)
            .map_err(|damage| self.corrupt(meta.tail_offset, damage))?;
        let (major, minor) = footer.version;
        if major != VERSION_MAJOR {
            return Err(Error::Invalid(format!(
                "{name} has format {major}.{minor}, which this version cannot read"
            )));
        }
        let unknown = footer.features.unknown_required();
        if unknown != 0 {
            return Err(Error::Invalid(format!(
                "{name} needs features this version does not know bits={unknown:#x}"
            )));
        }
        Ok(footer)
    }

    /// The decompressed bytes of a section; none where the file has none of this kind.
    fn section(&self, footer: &Footer, kind: SectionKind) -> Result<Option<(Bytes, Section)>> {
        let Some(section) = footer.section(kind) else { return Ok(None) };
        let corrupt = |detail: String| {
            Error::corrupt(self.name, section.offset, format!("section {}: {detail}", kind.0))
        };
        // The footer's decoder checked that sections lie inside the tail.
        let start = (section.offset - self.meta.tail_offset) as usize;
        let stored = &self.bytes[start..start + section.stored_len as usize];
        if self.seed.checksum(section.offset, stored) != section.checksum {
            return Err(corrupt("checksum does not match".into()));
        }
        let codec = Codec::from_u8(section.codec)
            .ok_or_else(|| Error::Invalid(format!("{} has unknown codec {}", self.name, section.codec)))?;
        if section.raw_len > SECTION_BYTES_MAX {
            return Err(corrupt(format!("{} bytes are too many", section.raw_len)));
        }
        let raw =
            decompress(codec, stored, section.raw_len as usize).map_err(|damage| corrupt(damage.detail))?;
        Ok(Some((Bytes::from(raw), *section)))
    }

    fn needed(&self, footer: &Footer, kind: SectionKind) -> Result<(Bytes, Section)> {
        self.section(footer, kind)?.ok_or_else(|| {
            Error::corrupt(self.name, self.meta.tail_offset, format!("section {} is missing", kind.0))
        })
    }

    fn index(&self, footer: &Footer) -> Result<PageIndex> {
        let (raw, section) = self.needed(footer, SectionKind::PAGE_INDEX)?;
        let index = PageIndex::decode(&raw, self.meta.tail_offset)
            .map_err(|damage| self.corrupt(section.offset, damage))?;
        let last = index.len() - 1;
        let fits = index.row_start(last + 1) == self.meta.rows
            && index.first_key(0) == self.meta.min_key
            && index.last_key(last) == self.meta.max_key;
        if fits {
            Ok(index)
        } else {
            Err(Error::corrupt(self.name, section.offset, "page index does not match the manifest"))
        }
    }

    fn filter(&self, footer: &Footer) -> Result<Option<KeyFilter>> {
        match self.section(footer, SectionKind::FILTER)? {
            None => Ok(None),
            Some((raw, section)) => {
                KeyFilter::decode(&raw).map_err(|damage| self.corrupt(section.offset, damage))
            }
        }
    }

    /// Compares what the file says of itself with what the manifest says of it.
    fn check_properties(&self, footer: &Footer) -> Result<()> {
        let (raw, section) = self.needed(footer, SectionKind::PROPERTIES)?;
        let properties = Properties::decode(&raw).map_err(|damage| self.corrupt(section.offset, damage))?;
        let meta = self.meta;
        let same = properties.layout == meta.layout
            && properties.rows == meta.rows
            && properties.puts == meta.puts
            && properties.closed == meta.closed
            && properties.distinct_keys == meta.distinct_keys
            && properties.min_key == meta.min_key
            && properties.max_key == meta.max_key;
        if !same {
            return Err(Error::corrupt(
                self.name,
                section.offset,
                "file is not the one that the manifest describes",
            ));
        }
        if properties.layout != 0 {
            let layout = properties.layout;
            return Err(Error::Invalid(format!(
                "{} has value layout {layout}, which is not known",
                self.name
            )));
        }
        Ok(())
    }

    fn corrupt(&self, offset: u64, damage: Damage) -> Error {
        Error::corrupt(self.name, offset + damage.offset, damage.detail)
    }
}
