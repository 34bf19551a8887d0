//! The cache of decompressed chunks, bounded in bytes.

use std::sync::Arc;

use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::page::RowChunks;
use crate::{
    format::{Column, ColumnChunk, NumberChunk, ValueChunk},
    manifest::FileId,
    metrics::StripedCounter,
};

/// Effect of a read on the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachePolicy {
    /// Keeps what it reads: point reads.
    #[default]
    Keep,
    /// Keeps what it reads while there is room to spare, and never pushes anything out: scans.
    IfRoom,
    /// Uses what is there and leaves the cache as it is: compaction.
    PassBy,
}

/// Average weight of an entry, for the size of the cache's table.
const ENTRY_BYTES: u64 = 16 << 10;
/// Bytes that an entry costs besides its own.
const OVERHEAD_BYTES: u64 = 160;

/// A cache of chunks shared by all files of one root. A clone is the same cache.
#[derive(Clone, Debug)]
pub struct PageCache {
    chunks: Arc<Cache<ChunkKey, CachedChunk, ByBytes>>,
    lookups: Arc<Lookups>,
}

/// Outcomes of the lookups of readers; compactions do not count.
#[derive(Debug, Default)]
struct Lookups {
    hits: StripedCounter,
    misses: StripedCounter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChunkKey {
    pub(super) epoch: u64,
    pub(super) number: u64,
    pub(super) page: u32,
    pub(super) column: u32,
}

impl ChunkKey {
    pub(super) fn new(file: FileId, page: usize, column: Column) -> Self {
        Self { epoch: file.epoch, number: file.number, page: page as u32, column: column.0 }
    }
}

/// Verified chunks, decompressed and still lightly encoded.
#[derive(Clone, Debug)]
pub(super) enum CachedChunk {
    /// K, B, E and T, which lie together and are small; under the column of the keys.
    Rows(Arc<RowChunks>),
    /// V.
    Values(Arc<ValueChunk>),
    /// The numbers of tags.
    TagCounts(Arc<NumberChunk>),
    /// A value column.
    Column(Arc<ColumnChunk>),
}

impl CachedChunk {
    fn weight(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.weight(),
            Self::Values(values) => values.weight(),
            Self::TagCounts(counts) => counts.weight(),
            Self::Column(column) => column.weight(),
        }
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<ChunkKey, CachedChunk> for ByBytes {
    fn weight(&self, _: &ChunkKey, chunk: &CachedChunk) -> u64 {
        chunk.weight() as u64 + OVERHEAD_BYTES
    }
}

impl PageCache {
    /// A cache that holds about `bytes` bytes.
    pub fn new(bytes: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity((bytes / ENTRY_BYTES).max(64) as usize)
            .weight_capacity(bytes)
            .build();
        let chunks = match options {
            Ok(options) => Cache::with_options(
                options,
                ByBytes,
                quick_cache::DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::with_weighter(64, bytes, ByBytes),
        };
        Self { chunks: Arc::new(chunks), lookups: Arc::default() }
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.chunks.weight()
    }

    /// Bytes it may hold.
    pub fn capacity(&self) -> u64 {
        self.chunks.capacity()
    }

    /// Number of chunks held now.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    #[inline]
    pub(super) fn get(&self, key: &ChunkKey, policy: CachePolicy) -> Option<CachedChunk> {
        let found = match policy {
            CachePolicy::Keep => self.chunks.get(key),
            CachePolicy::IfRoom => self.chunks.peek(key),
            CachePolicy::PassBy => return self.chunks.peek(key),
        };
        let lookups = if found.is_some() { &self.lookups.hits } else { &self.lookups.misses };
        lookups.increment();
        found
    }

    /// Lookups of readers that found their chunk, and those that did not.
    pub(crate) fn lookups(&self) -> (u64, u64) {
        (self.lookups.hits.get(), self.lookups.misses.get())
    }

    /// Offers a chunk that was read under `policy`.
    pub(super) fn offer(&self, key: ChunkKey, policy: CachePolicy, chunk: impl FnOnce() -> CachedChunk) {
        let wanted = match policy {
            CachePolicy::Keep => true,
            CachePolicy::IfRoom => self.chunks.weight() < self.chunks.capacity() / 8 * 7,
            CachePolicy::PassBy => false,
        };
        if wanted {
            self.chunks.insert(key, chunk());
        }
    }

    /// Gives up the chunks of a file that nobody reads any more.
    pub(super) fn forget(&self, file: FileId, pages: usize, columns: &[Column]) {
        for page in 0..pages {
            for column in columns {
                self.chunks.remove(&ChunkKey::new(file, page, *column));
            }
        }
    }
}
