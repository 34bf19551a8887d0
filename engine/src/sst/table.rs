//! Reading a table file.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    cache::{CachePolicy, PageCache},
    page::{Page, RowChunks},
    tail::Tail,
};
use crate::{
    error::{Error, Result},
    format::{ColumnSummary, FileSeed, KeyFilter, PageIndex, ZoneMaps},
    manifest::FileMeta,
    rows::RowSchema,
    store::{ObjectReader, Root},
    types::{Kind, Timestamp, Version},
};

/// Result of [`Table::get`]: the newest version that begins at or before the moment asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointHit {
    /// When the version begins.
    pub begin: Timestamp,
    /// When it ends; OPEN where this file knows no successor.
    pub end: Timestamp,
    /// Whether it is a value.
    pub kind: Kind,
    /// The value, sharing the memory of the cached chunk; empty unless `kind` is PUT.
    pub value: Bytes,
}

impl Drop for TableShared {
    fn drop(&mut self) {
        // The last user of a file that was compacted away; or a file that is closed, which reads its chunks
        // again.
        self.cache.forget(self.meta.id, self.index.len(), self.index.columns());
    }
}

impl PointHit {
    /// This as a version of `key`.
    pub fn into_version(self, key: Bytes) -> Version {
        let Self { begin, end, kind, value } = self;
        Version { key, begin, end, kind, value }
    }
}

/// An open table file: index and filter in memory, chunks through the cache. A clone is the same file.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) inner: Arc<TableShared>,
}

#[derive(Debug)]
pub(super) struct TableShared {
    pub(super) meta: FileMeta,
    pub(super) name: String,
    pub(super) reader: ObjectReader,
    pub(super) seed: FileSeed,
    pub(super) index: PageIndex,
    pub(super) filter: Option<KeyFilter>,
    /// None: the opaque layout.
    pub(super) schema: Option<Arc<RowSchema>>,
    /// The section of zone maps and its offset, decompressed; decoded when a scan asks.
    pub(super) zone_section: Option<(Bytes, u64)>,
    pub(super) zones: OnceLock<ZoneMaps>,
    /// Summaries of the zones, column after column of the schema; made when a planner asks.
    pub(super) summaries: OnceLock<Vec<ColumnSummary>>,
    /// Bytes of the keys and values of each page, each row counted; none in files of version 1.0.
    pub(super) page_bytes: Option<Vec<u32>>,
    pub(super) is_dense: bool,
    pub(super) forbids_writing: bool,
    pub(super) cache: PageCache,
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
        let properties = parts.checked_properties(&footer)?;
        let mut index = parts.index(&footer)?;
        if let Some(begin) = meta.begin_override {
            index.override_begin(begin);
        }
        let filter = parts.filter(&footer)?;
        let schema = parts.schema(&footer)?.map(Arc::new);
        let page_bytes = parts.page_bytes(&footer, index.len())?;
        let zone_section = parts.zone_section(&footer)?;
        let inner = TableShared {
            meta: meta.clone(),
            name,
            reader,
            seed,
            index,
            filter,
            schema,
            zone_section,
            zones: OnceLock::new(),
            summaries: OnceLock::new(),
            page_bytes,
            is_dense: properties.is_dense,
            forbids_writing: footer.features.forbid_writing(),
            cache: cache.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Entry of the file in the manifest.
    pub fn meta(&self) -> &FileMeta {
        &self.inner.meta
    }

    /// The page index. Begins are those that the rows are read with.
    pub fn index(&self) -> &PageIndex {
        &self.inner.index
    }

    /// The columns of the rows; none in the opaque layout.
    pub fn schema(&self) -> Option<&Arc<RowSchema>> {
        self.inner.schema.as_ref()
    }

    /// The zone maps; none in the opaque layout.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn zones(&self) -> Result<Option<&ZoneMaps>> {
        let (Some(schema), Some((raw, offset))) = (&self.inner.schema, &self.inner.zone_section) else {
            return Ok(None);
        };
        if self.inner.zones.get().is_none() {
            let zones = ZoneMaps::decode(raw, schema, self.inner.index.len())
                .map_err(|damage| Error::corrupt(&self.inner.name, offset + damage.offset, damage.detail))?;
            // Another reader may have been faster, with the same.
            self.inner.zones.set(zones).ok();
        }
        Ok(self.inner.zones.get())
    }

    /// Summary of each column of [`schema`](Self::schema) in the whole file; none in the opaque layout.
    ///
    /// # Errors
    /// `Corrupt`.
    ///
    /// # Cost
    /// A look at the zone maps of every page for the first who asks, nothing for others.
    pub fn summaries(&self) -> Result<Option<&[ColumnSummary]>> {
        let (Some(schema), Some(zones)) = (&self.inner.schema, self.zones()?) else { return Ok(None) };
        let index = &self.inner.index;
        let summaries = self.inner.summaries.get_or_init(|| {
            let rows = || (0..index.len()).map(|page| index.rows(page));
            (0..schema.columns().len()).map(|place| zones.summary(place, rows())).collect()
        });
        Ok(Some(summaries))
    }

    /// Whether the file has a feature that a database which holds it must know in order to write.
    pub fn forbids_writing(&self) -> bool {
        self.inner.forbids_writing
    }

    /// Whether the file was made as small as it can be, because it was to stay.
    pub(crate) fn is_dense(&self) -> bool {
        self.inner.is_dense
    }

    /// Bytes of index and filter in memory, which the cache does not count.
    pub fn weight(&self) -> usize {
        let zones = self.inner.zone_section.as_ref().map_or(0, |(raw, _)| raw.len() * 3);
        self.inner.index.weight()
            + self.inner.filter.as_ref().map_or(0, KeyFilter::weight)
            + zones
            + self.inner.page_bytes.as_ref().map_or(0, |bytes| bytes.len() * 4)
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
    /// Nothing, where the filter knows better; else keys and timestamps of one page, and the values of that
    /// page if the version is one: two reads when nothing is cached. Does not suspend when the chunks are
    /// cached or the root is local.
    pub async fn get(&self, key: &[u8], at: Timestamp) -> Result<Option<PointHit>> {
        if !self.may_contain(key) {
            return Ok(None);
        }
        let index = &self.inner.index;
        let mut page = index.first_page_reaching(key);
        while page < index.len() && index.first_key(page) <= key {
            if index.min_begin(page) <= at {
                let rows = self.rows(page, CachePolicy::Keep).await?;
                let Ok(ordinal) = rows.keys.search(key) else { return Ok(None) };
                if let Some(row) = rows.first_visible(ordinal, at, self.inner.meta.begin_override) {
                    return self.found(page, &rows, row).await.map(Some);
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

    async fn found(&self, page: usize, rows: &RowChunks, row: usize) -> Result<PointHit> {
        let begin = self.inner.meta.begin_override.unwrap_or_else(|| rows.begin(row));
        let (end, kind) = (rows.end(row), rows.kind(row));
        let value = match kind {
            Kind::Put => self.values(page, CachePolicy::Keep).await?.get_bytes(row),
            Kind::Delete => Bytes::new(),
        };
        Ok(PointHit { begin, end, kind, value })
    }
}
