//! Chunk K: the distinct keys of a page, searchable as they are stored.
//!
//! ```text
//!   header      prefix length u16 · offset width u8 (0, 2, 4) · flags u8 · keys u32 · suffix bytes or stride u32
//!   prefix      what all keys of the page start with
//!   heads       first 8 bytes after the prefix of every 16th key, padded with zeros
//!   ordinals    which key each row belongs to, u16; only where a key has more than one row
//!   offsets     keys + 1 numbers into the suffixes; absent (width 0) where all suffixes have one length
//!   suffixes
//! ```
//!
//! A key with many versions is stored once: its rows share an ordinal.

use std::cmp::Ordering;

use bytes::Bytes;

use super::{ByteCursor, Damage, Encoding};
use crate::key_head::suffix_head;

/// One head for this many keys.
pub(super) const HEAD_INTERVAL: usize = 16;
const HEADER_BYTES: usize = 12;
const FLAG_ORDINALS: u8 = 1;

/// Appends the keys of one page. `ends[k]` is where the distinct key `k` ends in `keys`; `ordinals[r]` is the
/// key of row `r`.
pub fn encode_keys(keys: &[u8], ends: &[u32], ordinals: &[u16], out: &mut Vec<u8>) -> Encoding {
    let count = ends.len();
    let key = |k: usize| &keys[if k == 0 { 0 } else { ends[k - 1] as usize }..ends[k] as usize];
    let Some(last) = count.checked_sub(1) else { return Encoding::Absent };
    let prefix_len = common_prefix(key(0), key(last));
    let unique = ordinals.len() == count;
    let stride = key(0).len() - prefix_len;
    let suffix_bytes = keys.len() - count * prefix_len;
    let width: u8 = if (0..count).all(|k| key(k).len() - prefix_len == stride) {
        0
    } else if u16::try_from(suffix_bytes).is_ok() {
        2
    } else {
        4
    };

    out.extend_from_slice(&(prefix_len as u16).to_le_bytes());
    out.push(width);
    out.push(if unique { 0 } else { FLAG_ORDINALS });
    out.extend_from_slice(&(count as u32).to_le_bytes());
    out.extend_from_slice(&(if width == 0 { stride } else { suffix_bytes } as u32).to_le_bytes());
    out.extend_from_slice(&key(0)[..prefix_len]);
    for k in (0..count).step_by(HEAD_INTERVAL) {
        out.extend_from_slice(&suffix_head(&key(k)[prefix_len..]).to_be_bytes());
    }
    if !unique {
        out.extend(ordinals.iter().flat_map(|ordinal| ordinal.to_le_bytes()));
    }
    let mut offset = 0;
    let ends_of_suffixes = (0..count).map(|k| {
        offset += key(k).len() - prefix_len;
        offset
    });
    match width {
        0 => {}
        2 => out.extend(std::iter::once(0).chain(ends_of_suffixes).flat_map(|o| (o as u16).to_le_bytes())),
        _ => out.extend(std::iter::once(0).chain(ends_of_suffixes).flat_map(|o| (o as u32).to_le_bytes())),
    }
    for k in 0..count {
        out.extend_from_slice(&key(k)[prefix_len..]);
    }
    Encoding::Prefix
}

/// A chunk whose suffixes are numbers of one width.
pub(super) struct Packable {
    /// Offset of its heads.
    pub(super) heads_at: usize,
    /// Bytes of a suffix: 1 to 8.
    pub(super) width: usize,
    pub(super) keys: usize,
    /// Whether it says which row has which key.
    pub(super) has_ordinals: bool,
}

/// Suffixes to pack in a chunk, if they are numbers of one width.
pub(super) fn packable(raw: &[u8]) -> Option<Packable> {
    let mut cursor = ByteCursor::new(raw);
    let prefix_len = usize::from(cursor.u16().ok()?);
    let [width, flags] = cursor.array().ok()?;
    let (keys, stride) = (cursor.u32().ok()? as usize, cursor.u32().ok()? as usize);
    let has_ordinals = flags & FLAG_ORDINALS != 0;
    let packable = Packable { heads_at: HEADER_BYTES + prefix_len, width: stride, keys, has_ordinals };
    (width == 0 && (1..=8).contains(&stride)).then_some(packable)
}

/// Bytes that two keys have in common at their front.
pub(crate) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

/// The keys of one page, still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChunk {
    raw: Bytes,
    rows: usize,
    count: usize,
    prefix_end: usize,
    ordinals_at: usize,
    offsets_at: usize,
    suffixes_at: usize,
    /// Length of every suffix where `width` is 0.
    stride: usize,
    width: u8,
    unique: bool,
}

impl KeyChunk {
    /// Decodes a chunk of `rows` rows.
    ///
    /// # Errors
    /// The encoding is not one of keys, or lengths, offsets and ordinals do not fit.
    pub fn decode(encoding: Encoding, raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        if encoding != Encoding::Prefix {
            return Err(Damage::new(0, format!("encoding {encoding:?} does not hold keys")));
        }
        let mut cursor = ByteCursor::new(raw);
        let prefix_len = usize::from(cursor.u16()?);
        let width = cursor.u8()?;
        let flags = cursor.u8()?;
        let count = cursor.u32()? as usize;
        let size = cursor.u32()? as usize;
        let unique = flags & FLAG_ORDINALS == 0;
        let fits = matches!(width, 0 | 2 | 4) && flags <= FLAG_ORDINALS && count > 0;
        if !fits || count > rows || (unique && count != rows) {
            return Err(Damage::new(0, format!("{count} keys for {rows} rows do not fit the key header")));
        }
        cursor.take(prefix_len)?;
        cursor.take(count.div_ceil(HEAD_INTERVAL) * 8)?;
        let ordinals_at = cursor.position();
        if !unique {
            check_ordinals(cursor.take(rows * 2)?, count)?;
        }
        let offsets_at = cursor.position();
        let offsets = cursor.take((count + 1) * usize::from(width) * usize::from(width != 0))?;
        let suffixes_at = cursor.position();
        let suffix_bytes = if width == 0 { count.checked_mul(size) } else { Some(size) };
        if suffix_bytes != Some(cursor.remaining()) {
            return Err(Damage::new(suffixes_at, "key suffixes do not fill the chunk"));
        }
        let covered = match width {
            0 => true,
            2 => {
                offsets_cover(offsets.as_chunks().0.iter().map(|o| usize::from(u16::from_le_bytes(*o))), size)
            }
            _ => offsets_cover(offsets.as_chunks().0.iter().map(|o| u32::from_le_bytes(*o) as usize), size),
        };
        if !covered {
            return Err(Damage::new(offsets_at, "key offsets do not cover the suffixes"));
        }
        Ok(Self {
            raw: raw.clone(),
            rows,
            count,
            prefix_end: HEADER_BYTES + prefix_len,
            ordinals_at,
            offsets_at,
            suffixes_at,
            stride: size,
            width,
            unique,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of distinct keys.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Prefix of all keys.
    #[inline]
    pub fn prefix(&self) -> &[u8] {
        &self.raw[HEADER_BYTES..self.prefix_end]
    }

    /// The rest of distinct key `ordinal`.
    #[inline]
    pub fn suffix(&self, ordinal: usize) -> &[u8] {
        let (start, end) = match self.width {
            0 => (ordinal * self.stride, ordinal * self.stride + self.stride),
            2 => {
                let at = self.offsets_at + ordinal * 2;
                let pair: [u8; 4] = self.raw[at..at + 4].try_into().unwrap_or_default();
                let pair = u32::from_le_bytes(pair);
                ((pair & 0xFFFF) as usize, (pair >> 16) as usize)
            }
            _ => {
                let at = self.offsets_at + ordinal * 4;
                let pair: [u8; 8] = self.raw[at..at + 8].try_into().unwrap_or_default();
                let pair = u64::from_le_bytes(pair);
                ((pair as u32) as usize, (pair >> 32) as usize)
            }
        };
        &self.raw[self.suffixes_at + start..self.suffixes_at + end]
    }

    /// Which distinct key row `row` belongs to.
    #[inline]
    pub fn ordinal(&self, row: usize) -> usize {
        if self.unique {
            return row;
        }
        let at = self.ordinals_at + row * 2;
        usize::from(u16::from_le_bytes([self.raw[at], self.raw[at + 1]]))
    }

    /// The first row of distinct key `ordinal`; the number of rows for the ordinal behind the last.
    pub fn first_row(&self, ordinal: usize) -> usize {
        if self.unique || ordinal == 0 {
            return ordinal;
        }
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.ordinal(middle) < ordinal { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Compares distinct key `ordinal` with `key`.
    pub fn compare(&self, ordinal: usize, key: &[u8]) -> Ordering {
        let prefix = self.prefix();
        let front = &key[..key.len().min(prefix.len())];
        prefix.cmp(front).then_with(|| self.suffix(ordinal).cmp(&key[front.len()..]))
    }

    /// The ordinal of `key`, or of the first key behind it.
    ///
    /// # Errors
    /// The key is not there; the ordinal where it would be.
    pub fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let prefix = self.prefix();
        let front = &key[..key.len().min(prefix.len())];
        match prefix.cmp(front) {
            Ordering::Less => return Err(self.count),
            Ordering::Greater => return Err(0),
            Ordering::Equal => {}
        }
        let target = &key[front.len()..];
        let target_head = suffix_head(target);
        let (mut low, mut high) = self.bracket(target_head);
        // Suffixes of one short length, as this one, are told apart by their heads.
        let is_short = self.width == 0 && (1..=8).contains(&self.stride) && target.len() == self.stride;
        while low < high {
            let middle = usize::midpoint(low, high);
            let order = if is_short {
                self.short_head(middle).cmp(&target_head)
            } else {
                self.suffix(middle).cmp(target)
            };
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The head of a suffix, where all have one length of 1 to 8 bytes.
    #[inline]
    fn short_head(&self, ordinal: usize) -> u64 {
        let at = self.suffixes_at + ordinal * self.stride;
        match self.raw[at..].first_chunk::<8>() {
            // Bytes that follow are of the next keys.
            Some(first) => u64::from_be_bytes(*first) & (u64::MAX << (64 - 8 * self.stride)),
            None => suffix_head(self.suffix(ordinal)),
        }
    }

    /// Bytes of every key, where all have as many.
    pub fn key_len(&self) -> Option<usize> {
        (self.width == 0).then(|| self.prefix().len() + self.stride)
    }

    /// Appends the [`head`]s of keys without their first `skip` bytes, which each of them has.
    pub(crate) fn append_heads(
        &self,
        ordinals: impl Iterator<Item = usize>,
        skip: usize,
        out: &mut Vec<u64>,
    ) {
        let prefix = self.prefix();
        // Of the prefix the end, and of the suffix all behind its start.
        let front = suffix_head(&prefix[skip.min(prefix.len())..]);
        let front_bits = (prefix.len().saturating_sub(skip) * 8) as u32;
        let start = skip.saturating_sub(prefix.len());
        if self.width != 0 {
            let rest = |ordinal| suffix_head(&self.suffix(ordinal)[start..]);
            out.extend(ordinals.map(|ordinal| front | rest(ordinal).unbounded_shr(front_bits)));
            return;
        }
        let bytes = &self.raw[self.suffixes_at..];
        let stride = self.stride;
        let of_suffix = !u64::MAX.unbounded_shr(((stride - start) * 8) as u32);
        out.extend(ordinals.map(|ordinal| {
            let at = ordinal * stride + start;
            let rest = match bytes[at..].first_chunk::<8>() {
                // Bytes that follow are of the next keys.
                Some(eight) => u64::from_be_bytes(*eight) & of_suffix,
                None => suffix_head(&bytes[at..(ordinal + 1) * stride]),
            };
            front | rest.unbounded_shr(front_bits)
        }));
    }

    /// The ordinals between which a suffix with this head lies: `low ..= high` as the place to insert.
    fn bracket(&self, target: u64) -> (usize, usize) {
        let heads = self.raw[self.prefix_end..self.ordinals_at].as_chunks::<8>().0;
        let below = heads.partition_point(|head| u64::from_be_bytes(*head) < target);
        let equal = heads[below..].iter().take_while(|head| u64::from_be_bytes(**head) == target).count();
        let low = if below == 0 { 0 } else { (below - 1) * HEAD_INTERVAL + 1 };
        // One past the last key that may match: the next head that is greater is itself behind the target.
        let high = ((below + equal) * HEAD_INTERVAL).min(self.count);
        (low.min(high), high)
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        self.raw.len()
    }

    /// Whether every key has one row.
    pub fn is_unique(&self) -> bool {
        self.unique
    }
}

/// Ordinals start at 0, rise by at most one, and reach the last key.
fn check_ordinals(bytes: &[u8], count: usize) -> Result<(), Damage> {
    let mut expected = 0;
    let mut stepwise = true;
    for (row, pair) in bytes.as_chunks::<2>().0.iter().enumerate() {
        let ordinal = usize::from(u16::from_le_bytes(*pair));
        stepwise &= ordinal == expected || (row > 0 && ordinal == expected + 1);
        expected = ordinal;
    }
    if stepwise && expected + 1 == count {
        Ok(())
    } else {
        Err(Damage::new(0, "rows do not belong to the keys in order"))
    }
}

/// Offsets start at 0, never fall, and end at `size`.
fn offsets_cover(offsets: impl Iterator<Item = usize>, size: usize) -> bool {
    let mut last = None;
    let mut rising = true;
    for offset in offsets {
        rising &= last.map_or(offset == 0, |last| last <= offset);
        last = Some(offset);
    }
    rising && last == Some(size)
}
