//! Writing a table file.

use std::fmt;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{
    open_page::{OpenColumns, OpenPage},
    options::TableOptions,
    totals::{TableTotals, TimeSpan, file_meta},
};
use crate::{
    error::{Error, Result},
    format::{
        ChunkEntry, Column, ColumnBuffer, Compression, Compressor, Encoding, Features, FileSeed, Footer,
        KeyFilter, Numbers, PageFlags, PageIndexBuilder, PageSummary, Properties, RowSplitter, Section,
        SectionKind, VERSION_MAJOR, VERSION_MINOR, Zone, encode_keys, encode_kinds, encode_numbers,
        encode_values,
    },
    manifest::{FileId, FileMeta},
    store::{ObjectWriter, Root},
    types::{Kind, Timestamp, VersionRef, check_lengths},
};

/// Bytes that are handed to the store at once.
const WRITE_BYTES: usize = 1 << 20;
/// Keys of a page index stay addressable with 32 bits.
const INDEX_KEY_BYTES_MAX: usize = 1 << 30;

/// Writes one table file. Rows come with keys rising and, within a key, begins falling.
///
/// Memory: one page, the page index, eight bytes per distinct key, and one write buffer.
pub struct TableWriter {
    id: FileId,
    pub(super) seed: FileSeed,
    pub(super) options: TableOptions,
    object: ObjectWriter,
    /// Encoded bytes that the object writer has not got yet.
    pub(super) buffer: Vec<u8>,
    /// Bytes handed to the object writer.
    written: u64,
    hash: Xxh3,
    pub(super) page: OpenPage,
    index: PageIndexBuilder,
    pub(super) columns: Option<OpenColumns>,
    compressor: Box<Compressor>,
    raw: Vec<u8>,
    /// Bytes of the keys and values of each page.
    page_bytes: Vec<u32>,
    pub(super) hashes: Vec<u64>,
    pub(super) totals: TableTotals,
    pub(super) first_key: Vec<u8>,
    /// Key and begin of the last row.
    pub(super) last_key: Vec<u8>,
    pub(super) last_begin: Timestamp,
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.totals.rows;
        f.debug_struct("TableWriter").field("id", &self.id).field("rows", &rows).finish_non_exhaustive()
    }
}

impl TableWriter {
    /// Starts the file with this id.
    ///
    /// # Errors
    /// The object cannot be created, or an option is out of range.
    pub async fn create(root: &Root, id: FileId, options: &TableOptions) -> Result<Self> {
        if options.page_rows_max == 0 || options.page_rows_max > usize::from(u16::MAX) {
            return Err(Error::Invalid(format!("page_rows_max={} is not 1 to 65535", options.page_rows_max)));
        }
        Ok(Self {
            id,
            seed: FileSeed::new(id.epoch, id.number),
            options: options.clone(),
            object: root.create(&id.object_name()).await?,
            buffer: Vec::with_capacity(WRITE_BYTES + (WRITE_BYTES >> 2)),
            written: 0,
            hash: Xxh3::new(),
            page: OpenPage::default(),
            index: PageIndexBuilder::new(
                &options.schema.as_deref().map_or_else(|| Column::OPAQUE.to_vec(), RowSplitter::page_columns),
            ),
            columns: options.schema.clone().map(OpenColumns::new),
            compressor: Box::default(),
            raw: Vec::new(),
            page_bytes: Vec::new(),
            hashes: Vec::new(),
            totals: TableTotals::default(),
            first_key: Vec::new(),
            last_key: Vec::new(),
            last_begin: Timestamp::ZERO,
        })
    }

    /// Adds one version. Hands bytes to the store about once per MiB, and otherwise completes at once.
    ///
    /// # Errors
    /// `Invalid`: the key or value is too long, the row is out of order, or it ends before it begins; the
    /// writer is unchanged. Storage errors: abort the writer.
    #[inline]
    pub async fn push(&mut self, version: VersionRef<'_>) -> Result<()> {
        self.append(version)?;
        self.write_out_if_full().await
    }

    #[inline]
    pub(super) async fn write_out_if_full(&mut self) -> Result<()> {
        if self.buffer.len() >= WRITE_BYTES {
            self.write_out().await?;
        }
        Ok(())
    }

    /// Versions pushed so far.
    pub fn rows(&self) -> u64 {
        self.totals.rows
    }

    /// Key of the last version pushed; empty before the first.
    pub fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// About how long the file would be if it ended here. Compression of the open page is not foreseen.
    pub fn len_estimate(&self) -> u64 {
        let filter = if self.options.filter { self.hashes.len() * 9 / 8 } else { 0 };
        let open = self.page.bytes() + self.page.begins.len() * 4;
        let zones = self.columns.as_ref().map_or(0, |open| open.zones.encoded_len());
        self.written + (self.buffer.len() + open + self.index.encoded_len() + zones + filter) as u64
    }

    /// Writes the rest and makes the file durable.
    ///
    /// # Errors
    /// Storage errors, and `Invalid` when no version was pushed; the file does not exist then.
    pub async fn finish(mut self) -> Result<FileMeta> {
        if self.totals.rows == 0 {
            self.object.abort().await?;
            return Err(Error::Invalid("a table file needs at least one version".into()));
        }
        if self.open_rows() > 0 {
            self.close_page();
        }
        let tail_offset = self.offset();
        let sections = self.encode_sections();
        let footer = Footer {
            epoch: self.id.epoch,
            number: self.id.number,
            features: Features::default(),
            file_len: 0,
            version: (VERSION_MAJOR, VERSION_MINOR),
            sections,
        };
        footer.encode(self.offset(), &mut self.buffer);
        self.write_out().await?;
        let meta = file_meta(self.id, self.properties(), self.written, self.hash.digest128(), tail_offset);
        let len = self.object.finish().await?;
        assert_eq!(len, meta.len, "the store counts the bytes that it was given");
        Ok(meta)
    }

    /// Gives up: no object remains under the file's name.
    ///
    /// # Errors
    /// An upload could not be called off; what is left of it is not an object.
    pub async fn abort(self) -> Result<()> {
        self.object.abort().await
    }

    /// Offset of the next byte of the file.
    pub(super) fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    async fn write_out(&mut self) -> Result<()> {
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(WRITE_BYTES + (WRITE_BYTES >> 2)));
        self.hash.update(&full);
        self.written += full.len() as u64;
        self.object.write(Bytes::from(full)).await
    }

    #[inline]
    fn append(&mut self, version: VersionRef<'_>) -> Result<()> {
        let VersionRef { key, begin, end, kind, value } = version;
        let new_key = self.totals.rows == 0 || self.last_key != key;
        self.check(version, new_key)?;
        let row_bytes = value.len() + if new_key { key.len() } else { 0 };
        let rows = self.page.begins.len();
        if rows > 0
            && (rows >= self.options.page_rows_max
                || self.page.bytes() + row_bytes > self.options.page_bytes_max)
        {
            self.close_page();
            if !new_key {
                self.index.last_key_continues();
                self.page.continues = true;
            }
        }
        if new_key {
            if self.totals.rows == 0 {
                self.first_key.extend_from_slice(key);
            }
            self.last_key.clear();
            self.last_key.extend_from_slice(key);
            self.totals.distinct_keys += 1;
            if self.options.filter {
                self.hashes.push(KeyFilter::hash(key));
            }
        }
        self.last_begin = begin;
        self.totals.rows += 1;
        let page = &mut self.page;
        page.row_bytes += key.len() + value.len();
        if new_key || page.begins.is_empty() {
            page.keys.extend_from_slice(key);
            page.key_ends.push(page.keys.len() as u32);
        }
        page.ordinals.push((page.key_ends.len() - 1) as u16);
        page.begins.push(begin.as_micros());
        page.ends.push(end.as_micros());
        page.kinds.push(kind as u8);
        page.values.extend_from_slice(value);
        page.value_ends.push(page.values.len() as u32);
        page.puts += u32::from(kind == Kind::Put);
        page.closed += u32::from(end != Timestamp::OPEN);
        self.totals.deletes += u64::from(kind == Kind::Delete);
        Ok(())
    }

    #[inline]
    fn check(&self, version: VersionRef<'_>, new_key: bool) -> Result<()> {
        let VersionRef { key, begin, end, kind, value } = version;
        check_lengths(key, Some(value))?;
        if end <= begin || (kind != Kind::Put && !value.is_empty()) {
            return Err(Error::Invalid(format!("version makes no sense begin={begin} end={end}")));
        }
        let ordered =
            if new_key { self.totals.rows == 0 || *self.last_key < *key } else { begin < self.last_begin };
        if !ordered {
            return Err(Error::Invalid("versions are out of order".into()));
        }
        if self.totals.index_key_bytes > INDEX_KEY_BYTES_MAX {
            return Err(Error::Invalid("table file is too large for its page index".into()));
        }
        Ok(())
    }

    /// Encodes the open page into the buffer and adds it to the index.
    pub(super) fn close_page(&mut self) {
        let page = std::mem::take(&mut self.page);
        let begins = TimeSpan::of(page.begins.iter().copied());
        let ends = TimeSpan::of(page.ends.iter().copied().filter(|&end| end != Timestamp::OPEN.as_micros()));
        let rows = page.begins.len() as u32;
        let summary = PageSummary {
            rows,
            puts: page.puts,
            closed: page.closed,
            min_begin: begins.min,
            max_begin: begins.max,
            min_end: ends.min,
            max_end: ends.max,
            flags: PageFlags {
                all_open: page.closed == 0,
                all_put: page.puts == rows,
                unique_keys: page.key_ends.len() == page.begins.len() && !page.continues,
            },
        };
        let mut chunks = vec![
            self.chunk(Column::KEYS, rows, |raw| {
                encode_keys(&page.keys, &page.key_ends, &page.ordinals, raw) as u8
            }),
            self.chunk(Column::BEGINS, rows, |raw| encode_numbers(&page.begins, raw) as u8),
            self.chunk(Column::ENDS, rows, |raw| {
                if page.closed == 0 { Encoding::Absent as u8 } else { encode_numbers(&page.ends, raw) as u8 }
            }),
            self.chunk(Column::KINDS, rows, |raw| encode_kinds(&page.kinds, raw) as u8),
        ];
        self.value_chunks(&page, &mut chunks);
        let first_key = &page.keys[..page.key_ends[0] as usize];
        self.add_to_index(&summary, first_key, page.last_key(), &chunks, page.row_bytes as u32);
        self.page = page.cleared();
    }

    /// Adds a page whose chunks are in the buffer.
    pub(super) fn add_to_index(
        &mut self,
        summary: &PageSummary,
        first_key: &[u8],
        last_key: &[u8],
        chunks: &[ChunkEntry],
        row_bytes: u32,
    ) {
        self.index.push(*summary, first_key, last_key, chunks);
        self.page_bytes.push(row_bytes);
        self.totals.add_page(summary, first_key.len() + last_key.len(), row_bytes);
    }

    /// Adds the values: as columns where there are such and the rows can be taken apart, else as bytes.
    fn value_chunks(&mut self, page: &OpenPage, chunks: &mut Vec<ChunkEntry>) {
        let rows = page.begins.len() as u32;
        let mut open = self.columns.take();
        let is_taken_apart = open.as_mut().is_some_and(|open| open.splitter.fill(&open.schema, page.rows()));
        if is_taken_apart {
            chunks.push(self.absent_chunk());
        } else {
            chunks.push(
                self.chunk(Column::VALUES, rows, |raw| {
                    encode_values(&page.values, &page.value_ends, raw) as u8
                }),
            );
        }
        let Some(mut open) = open else { return };
        if is_taken_apart {
            chunks.push(
                self.chunk(Column::TAG_COUNTS, rows, |raw| {
                    encode_numbers(&open.splitter.tag_counts, raw) as u8
                }),
            );
            for (column, buffer) in open.schema.columns().iter().zip(open.splitter.columns()) {
                chunks.push(self.chunk(Column::of_value(column.id), rows, |raw| buffer.encode(raw)));
            }
            open.zones.push(open.splitter.columns().iter().map(ColumnBuffer::zone));
        } else {
            let columns = open.schema.columns().len();
            chunks.extend((0..=columns).map(|_| self.absent_chunk()));
            // Nothing is known of the values.
            open.zones.push((0..columns).map(|_| Zone { has_missing: true, ..Zone::default() }));
        }
        self.columns = Some(open);
    }

    pub(super) fn absent_chunk(&self) -> ChunkEntry {
        ChunkEntry { offset: self.offset(), ..ChunkEntry::default() }
    }

    /// Encodes, compresses and checksums one chunk into the buffer. `encode` returns the encoding byte.
    pub(super) fn chunk(
        &mut self,
        column: Column,
        rows: u32,
        encode: impl FnOnce(&mut Vec<u8>) -> u8,
    ) -> ChunkEntry {
        let offset = self.offset();
        self.raw.clear();
        let encoding = encode(&mut self.raw);
        if encoding == Encoding::Absent as u8 {
            return self.absent_chunk();
        }
        let how = match self.options.compression {
            Compression::Fast if column == Column::KEYS => Compression::None,
            how => how,
        };
        let numbers = Numbers::find(column, encoding, &self.raw, rows as usize);
        let (codec, stored) = self.compressor.compress(how, &self.raw, numbers);
        self.buffer.extend_from_slice(stored);
        ChunkEntry {
            offset,
            checksum: self.seed.checksum(offset, stored),
            stored_len: stored.len() as u32,
            raw_len: self.raw.len() as u32,
            encoding,
            codec: codec as u8,
        }
    }

    fn encode_sections(&mut self) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut raw = Vec::with_capacity(self.index.encoded_len());
        self.index.encode(&mut raw);
        sections.push(self.section(SectionKind::PAGE_INDEX, self.options.compression, &raw));
        raw.clear();
        if let Some(open) = self.columns.take() {
            open.zones.encode(&open.schema, &mut raw);
            sections.push(self.section(SectionKind::ZONE_MAPS, self.options.compression, &raw));
            raw.clear();
            open.schema.encode(&mut raw);
            sections.push(self.section(SectionKind::ROW_SCHEMA, Compression::None, &raw));
            raw.clear();
        }
        raw.extend(self.page_bytes.iter().flat_map(|bytes| bytes.to_le_bytes()));
        sections.push(self.section(SectionKind::PAGE_BYTES, self.options.compression, &raw));
        raw.clear();
        if let Some(filter) =
            self.options.filter.then(|| KeyFilter::build(std::mem::take(&mut self.hashes))).flatten()
        {
            filter.encode(&mut raw);
            sections.push(self.section(SectionKind::FILTER, Compression::None, &raw));
            raw.clear();
        }
        self.properties().encode(&mut raw);
        sections.push(self.section(SectionKind::PROPERTIES, Compression::None, &raw));
        sections
    }

    fn section(&mut self, kind: SectionKind, how: Compression, raw: &[u8]) -> Section {
        let offset = self.offset();
        let (codec, stored) = self.compressor.compress(how, raw, None);
        self.buffer.extend_from_slice(stored);
        Section {
            kind,
            codec: codec as u8,
            offset,
            stored_len: stored.len() as u64,
            raw_len: raw.len() as u64,
            checksum: self.seed.checksum(offset, stored),
        }
    }

    fn properties(&self) -> Properties {
        self.totals.properties(&self.options, &self.first_key, &self.last_key)
    }
}
