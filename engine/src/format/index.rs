//! The page index: statistics, key bounds and the chunk directory of every page, as columns.

use std::cmp::Ordering;

use bytes::Bytes;

use super::{ByteCursor, ChunkEntry, Column, Damage, keys::common_prefix};
use crate::{key_head::suffix_head, types::Timestamp};

/// Most columns of a page: those of the rows, and beside them keys, begins, ends, kinds, values as bytes, and
/// numbers of tags.
const COLUMNS_MAX: usize = crate::rows::COLUMNS_MAX + 6;

/// Facts that hold for every row of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageFlags {
    /// No row has a known end.
    pub all_open: bool,
    /// Every row is a value.
    pub all_put: bool,
    /// No key has two rows in the page, nor rows in the pages beside it.
    pub unique_keys: bool,
}

impl PageFlags {
    fn to_u8(self) -> u8 {
        u8::from(self.all_open) | u8::from(self.all_put) << 1 | u8::from(self.unique_keys) << 2
    }

    fn from_u8(byte: u8) -> Self {
        Self { all_open: byte & 1 != 0, all_put: byte & 2 != 0, unique_keys: byte & 4 != 0 }
    }
}

/// The statistics of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSummary {
    /// Number of versions.
    pub rows: u32,
    /// Versions that are values.
    pub puts: u32,
    /// Versions whose end is known.
    pub closed: u32,
    /// Smallest begin.
    pub min_begin: Timestamp,
    /// Largest begin.
    pub max_begin: Timestamp,
    /// Smallest end of a closed row; OPEN where none is closed.
    pub min_end: Timestamp,
    /// Largest end of a closed row; zero where none is closed.
    pub max_end: Timestamp,
    /// Facts that hold for every row.
    pub flags: PageFlags,
}

/// Collects the index while a file is written.
#[derive(Debug)]
pub(crate) struct PageIndexBuilder {
    columns: Vec<Column>,
    summaries: Vec<PageSummary>,
    chunks: Vec<ChunkEntry>,
    first_keys: KeyColumn,
    last_keys: KeyColumn,
}

#[derive(Debug, Default)]
struct KeyColumn {
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl KeyColumn {
    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        out.extend_from_slice(&self.bytes);
    }
}

impl PageIndexBuilder {
    /// An index of pages with these columns.
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            summaries: Vec::new(),
            chunks: Vec::new(),
            first_keys: KeyColumn::default(),
            last_keys: KeyColumn::default(),
        }
    }

    /// Adds a page. `chunks` has one entry per column.
    pub(crate) fn push(
        &mut self,
        summary: PageSummary,
        first_key: &[u8],
        last_key: &[u8],
        chunks: &[ChunkEntry],
    ) {
        assert_eq!(chunks.len(), self.columns.len(), "a page has one chunk entry per column");
        self.summaries.push(summary);
        self.chunks.extend_from_slice(chunks);
        self.first_keys.push(first_key);
        self.last_keys.push(last_key);
    }

    /// Takes `UNIQUE_KEYS` from the last page: its last key goes on in the page that follows.
    pub(crate) fn last_key_continues(&mut self) {
        if let Some(summary) = self.summaries.last_mut() {
            summary.flags.unique_keys = false;
        }
    }

    /// Number of pages.
    pub(crate) fn len(&self) -> usize {
        self.summaries.len()
    }

    /// About how many bytes [`encode`](Self::encode) appends.
    pub(crate) fn encoded_len(&self) -> usize {
        let per_page = 45 + 8 + self.columns.len() * 26;
        self.len() * per_page + self.first_keys.bytes.len() + self.last_keys.bytes.len() + 16
    }

    /// Appends the section.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let pages = &self.summaries;
        out.extend_from_slice(&(pages.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.columns.len() as u32).to_le_bytes());
        out.extend(self.columns.iter().flat_map(|column| column.0.to_le_bytes()));
        out.extend(pages.iter().flat_map(|page| page.rows.to_le_bytes()));
        out.extend(pages.iter().flat_map(|page| page.puts.to_le_bytes()));
        out.extend(pages.iter().flat_map(|page| page.closed.to_le_bytes()));
        for time in [
            |page: &PageSummary| page.min_begin,
            |page: &PageSummary| page.max_begin,
            |page: &PageSummary| page.min_end,
            |page: &PageSummary| page.max_end,
        ] {
            out.extend(pages.iter().flat_map(|page| time(page).as_micros().to_le_bytes()));
        }
        out.extend(pages.iter().map(|page| page.flags.to_u8()));
        self.first_keys.encode(out);
        self.last_keys.encode(out);
        for column in 0..self.columns.len() {
            let entries = || self.chunks.iter().skip(column).step_by(self.columns.len());
            out.extend(entries().flat_map(|entry| entry.offset.to_le_bytes()));
            out.extend(entries().flat_map(|entry| entry.checksum.to_le_bytes()));
            out.extend(entries().flat_map(|entry| entry.stored_len.to_le_bytes()));
            out.extend(entries().flat_map(|entry| entry.raw_len.to_le_bytes()));
            out.extend(entries().map(|entry| entry.encoding));
            out.extend(entries().map(|entry| entry.codec));
        }
    }
}

/// The decoded page index of one file.
#[derive(Clone, Debug)]
pub struct PageIndex {
    columns: Vec<Column>,
    summaries: Vec<PageSummary>,
    /// Row number of each page's first row; one more for the end.
    row_starts: Vec<u64>,
    /// Page after page, one entry per column.
    chunks: Vec<ChunkEntry>,
    first_keys: Keys,
    last_keys: Keys,
    /// First eight bytes of each last key behind what all of them share, for search.
    heads: Vec<u64>,
    shared: usize,
}

#[derive(Clone, Debug)]
struct Keys {
    ends: Vec<u32>,
    bytes: Bytes,
}

impl Keys {
    fn decode(cursor: &mut ByteCursor<'_>, raw: &Bytes, pages: usize) -> Result<Self, Damage> {
        let ends = cursor.u32s(pages)?;
        if !ends.is_sorted() {
            return Err(Damage::new(cursor.position(), "key offsets of the page index fall"));
        }
        let start = cursor.position();
        let len = ends.last().map_or(0, |&end| end as usize);
        cursor.take(len)?;
        Ok(Self { ends, bytes: raw.slice(start..start + len) })
    }

    #[inline]
    fn range(&self, page: usize) -> std::ops::Range<usize> {
        let start = if page == 0 { 0 } else { self.ends[page - 1] as usize };
        start..self.ends[page] as usize
    }

    #[inline]
    fn get(&self, page: usize) -> &[u8] {
        &self.bytes[self.range(page)]
    }
}

impl PageIndex {
    /// Decodes the section of a file whose pages lie before `pages_end`.
    ///
    /// # Errors
    /// Lengths, statistics or chunk entries do not fit.
    pub fn decode(raw: &Bytes, pages_end: u64) -> Result<Self, Damage> {
        let mut cursor = ByteCursor::new(raw);
        let pages = cursor.u32()? as usize;
        let width = cursor.u32()? as usize;
        // A page takes more than 50 bytes of index; the check keeps the multiplications below in range.
        if width > COLUMNS_MAX || pages > raw.len() || pages == 0 {
            return Err(Damage::new(0, format!("{pages} pages of {width} columns do not fit")));
        }
        let columns = cursor.u32s(width)?.into_iter().map(Column).collect();
        let summaries = decode_summaries(&mut cursor, pages)?;
        let first_keys = Keys::decode(&mut cursor, raw, pages)?;
        let last_keys = Keys::decode(&mut cursor, raw, pages)?;
        let chunks = decode_chunks(&mut cursor, pages, width, pages_end)?;
        cursor.finish()?;

        let mut row_starts = Vec::with_capacity(pages + 1);
        row_starts.push(0);
        for summary in &summaries {
            row_starts.push(row_starts[row_starts.len() - 1] + u64::from(summary.rows));
        }
        let ordered = (0..pages).all(|page| {
            first_keys.get(page) <= last_keys.get(page)
                && (page == 0 || last_keys.get(page - 1) <= first_keys.get(page))
        });
        if !ordered {
            return Err(Damage::new(0, "keys of the page index are out of order"));
        }
        let shared = common_prefix(last_keys.get(0), last_keys.get(pages - 1));
        let heads = (0..pages).map(|page| suffix_head(&last_keys.get(page)[shared..])).collect();
        Ok(Self { columns, summaries, row_starts, chunks, first_keys, last_keys, heads, shared })
    }

    /// Number of pages.
    pub fn len(&self) -> usize {
        self.summaries.len()
    }

    /// Whether there is no page. A file has at least one.
    pub fn is_empty(&self) -> bool {
        self.summaries.is_empty()
    }

    /// The statistics of a page.
    pub fn summary(&self, page: usize) -> &PageSummary {
        &self.summaries[page]
    }

    /// Key of the first row of a page.
    pub fn first_key(&self, page: usize) -> &[u8] {
        self.first_keys.get(page)
    }

    /// Key of the last row of a page.
    pub fn last_key(&self, page: usize) -> &[u8] {
        self.last_keys.get(page)
    }

    /// Number of versions in a page.
    pub fn rows(&self, page: usize) -> usize {
        self.summaries[page].rows as usize
    }

    /// Number of values in a page.
    pub fn puts(&self, page: usize) -> usize {
        self.summaries[page].puts as usize
    }

    /// Facts that hold for every row of a page.
    pub fn flags(&self, page: usize) -> PageFlags {
        self.summaries[page].flags
    }

    /// Smallest begin in a page.
    pub fn min_begin(&self, page: usize) -> Timestamp {
        self.summaries[page].min_begin
    }

    /// Largest begin in a page.
    pub fn max_begin(&self, page: usize) -> Timestamp {
        self.summaries[page].max_begin
    }

    /// Smallest end of the closed rows of a page; OPEN where none is closed.
    pub fn min_end(&self, page: usize) -> Timestamp {
        self.summaries[page].min_end
    }

    /// Largest end of the closed rows of a page; zero where none is closed.
    pub fn max_end(&self, page: usize) -> Timestamp {
        self.summaries[page].max_end
    }

    /// Whether every row of the page is what a reader at `at` sees, so that it can be taken whole where no
    /// newer run overlaps it.
    pub fn is_clean(&self, page: usize, at: Timestamp) -> bool {
        let PageSummary { flags, max_begin, .. } = self.summaries[page];
        flags.all_open && flags.all_put && flags.unique_keys && max_begin <= at
    }

    /// Number in the file of the page's first row; for the page behind the last, the number of rows.
    pub fn row_start(&self, page: usize) -> u64 {
        self.row_starts[page]
    }

    /// Bytes of a page in the file.
    pub fn stored_bytes(&self, page: usize) -> u64 {
        self.page_chunks(page).iter().map(|entry| u64::from(entry.stored_len)).sum()
    }

    /// Bytes of a page before compression.
    pub fn raw_bytes(&self, page: usize) -> u64 {
        self.page_chunks(page).iter().map(|entry| u64::from(entry.raw_len)).sum()
    }

    /// The first page whose last key is `key` or behind it: where `key` is, if it is in the file. The number
    /// of pages when all keys are before it.
    pub fn first_page_reaching(&self, key: &[u8]) -> usize {
        let front = &key[..key.len().min(self.shared)];
        match self.last_keys.get(0)[..self.shared].cmp(front) {
            Ordering::Less => return self.len(),
            Ordering::Greater => return 0,
            Ordering::Equal => {}
        }
        let target = suffix_head(&key[front.len()..]);
        let mut low = self.heads.partition_point(|&head| head < target);
        let mut high = low + self.heads[low..].partition_point(|&head| head == target);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.last_key(middle) < key { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Number of pages that start at or before `key`: the first page that cannot hold it.
    pub fn pages_starting_at_or_before(&self, key: &[u8]) -> usize {
        let mut page = self.first_page_reaching(key);
        while page < self.len() && self.first_key(page) <= key {
            page += 1;
        }
        page
    }

    /// The columns of every page, in the order in which it stores them.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The chunk of a page in `column`; none where the file has no such column.
    pub fn chunk(&self, page: usize, column: Column) -> Option<&ChunkEntry> {
        let at = self.columns.iter().position(|&id| id == column)?;
        self.page_chunks(page).get(at)
    }

    /// All chunks of a page.
    pub fn page_chunks(&self, page: usize) -> &[ChunkEntry] {
        let width = self.columns.len();
        &self.chunks[page * width..(page + 1) * width]
    }

    /// Takes `begin` as the begin of every row, whatever the rows say.
    pub fn override_begin(&mut self, begin: Timestamp) {
        for summary in &mut self.summaries {
            summary.min_begin = begin;
            summary.max_begin = begin;
        }
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        let per_page = size_of::<PageSummary>() + self.columns.len() * size_of::<ChunkEntry>() + 24;
        self.len() * per_page + self.first_keys.bytes.len() + self.last_keys.bytes.len()
    }
}

fn decode_summaries(cursor: &mut ByteCursor<'_>, pages: usize) -> Result<Vec<PageSummary>, Damage> {
    let (rows, puts, closed) = (cursor.u32s(pages)?, cursor.u32s(pages)?, cursor.u32s(pages)?);
    let (min_begin, max_begin) = (cursor.u64s(pages)?, cursor.u64s(pages)?);
    let (min_end, max_end) = (cursor.u64s(pages)?, cursor.u64s(pages)?);
    let flags = cursor.take(pages)?;
    let summaries: Vec<_> = (0..pages)
        .map(|page| PageSummary {
            rows: rows[page],
            puts: puts[page],
            closed: closed[page],
            min_begin: Timestamp::from_micros(min_begin[page]),
            max_begin: Timestamp::from_micros(max_begin[page]),
            min_end: Timestamp::from_micros(min_end[page]),
            max_end: Timestamp::from_micros(max_end[page]),
            flags: PageFlags::from_u8(flags[page]),
        })
        .collect();
    let sane = |page: &PageSummary| {
        page.rows > 0
            && page.puts <= page.rows
            && page.closed <= page.rows
            && page.min_begin <= page.max_begin
            && page.flags.all_open == (page.closed == 0)
            && page.flags.all_put == (page.puts == page.rows)
    };
    match summaries.iter().position(|page| !sane(page)) {
        None => Ok(summaries),
        Some(page) => Err(Damage::new(0, format!("statistics of page {page} contradict each other"))),
    }
}

fn decode_chunks(
    cursor: &mut ByteCursor<'_>,
    pages: usize,
    width: usize,
    pages_end: u64,
) -> Result<Vec<ChunkEntry>, Damage> {
    // 26 bytes an entry must still be there before a table of them is allocated.
    if pages.checked_mul(width).and_then(|count| count.checked_mul(26)) != Some(cursor.remaining()) {
        return Err(Damage::new(cursor.position(), "chunk directory does not fill the page index"));
    }
    let mut chunks = vec![ChunkEntry::default(); pages * width];
    for column in 0..width {
        let (offset, checksum) = (cursor.u64s(pages)?, cursor.u64s(pages)?);
        let (stored_len, raw_len) = (cursor.u32s(pages)?, cursor.u32s(pages)?);
        let (encoding, codec) = (cursor.take(pages)?, cursor.take(pages)?);
        for page in 0..pages {
            let end = offset[page].checked_add(u64::from(stored_len[page]));
            if end.is_none_or(|end| end > pages_end) {
                return Err(Damage::new(
                    cursor.position(),
                    format!("a chunk of page {page} is out of place"),
                ));
            }
            chunks[page * width + column] = ChunkEntry {
                offset: offset[page],
                checksum: checksum[page],
                stored_len: stored_len[page],
                raw_len: raw_len[page],
                encoding: encoding[page],
                codec: codec[page],
            };
        }
    }
    Ok(chunks)
}
