//! Compression of a chunk or section after its light encoding: what a writer chooses, and how it is undone.

use std::{cell::RefCell, fmt};

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::{Damage, Numbers, packed};

/// Codec of compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Codec {
    /// Not at all.
    None = 0,
    /// LZ4 block format: decodes at memory speed.
    Lz4 = 1,
    /// Zstandard: smaller, and about five times as slow to decode.
    Zstd = 2,
    /// The integers of a chunk in as few bits as they need.
    Packed = 3,
}

impl Codec {
    /// The codec with this number in a file, if there is one.
    pub(crate) const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            3 => Some(Self::Packed),
            _ => None,
        }
    }
}

/// Effort of a writer to make bytes fewer. Nothing here is needed to read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Nothing.
    None,
    /// Compression that is undone at about the speed of memory: numbers are packed, and LZ4 where that is
    /// shorter. Keys stay as they are, so that a point read need not unpack them.
    #[default]
    Fast,
    /// For files that stay: keys as well, and Zstandard where it takes at least 30 % less than the best of
    /// these.
    Dense,
}

/// Zstandard level: the fast end, where it is still well ahead of LZ4 in size.
const ZSTD_LEVEL: i32 = 1;
/// Zstandard must take at most this many percent of what is taken without it.
const ZSTD_PERCENT: usize = 70;
/// A compressed chunk must be at most this many percent of the raw one, or the raw one is stored.
const WORTHWHILE_PERCENT: usize = 88;
/// Shorter input is stored as it is: what could be saved is not worth a call.
const INPUT_BYTES_MIN: usize = 64;
/// Bytes of a large input that are tried first: input that does not shrink is recognised without a full pass.
const SAMPLE_BYTES: usize = 4 << 10;
/// Inputs from here on are sampled.
const SAMPLED_FROM_BYTES: usize = 32 << 10;

/// Compresses with buffers that are kept between calls.
pub(crate) struct Compressor {
    lz4: Lz4,
    zstd: Zstd,
    packed: Vec<u8>,
    numbers: Vec<u64>,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            lz4: Lz4 { output: Vec::new(), table: CompressTable::large() },
            zstd: Zstd::default(),
            packed: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

impl Compressor {
    /// The bytes to store for `raw`, which may hold `numbers`, and the codec that was worth it.
    pub(crate) fn compress<'a>(
        &'a mut self,
        how: Compression,
        raw: &'a [u8],
        numbers: Option<Numbers>,
    ) -> (Codec, &'a [u8]) {
        let mut best = (Codec::None, raw);
        if how == Compression::None || raw.len() < INPUT_BYTES_MIN {
            return best;
        }
        let is_worthwhile = |len: usize| len * 100 <= raw.len() * WORTHWHILE_PERCENT;
        if let Some(numbers) = numbers
            && numbers.pack(raw, &mut self.numbers, &mut self.packed)
            && is_worthwhile(self.packed.len())
        {
            best = (Codec::Packed, &self.packed);
        }
        if let Some(shorter) =
            self.lz4.compress(raw).filter(|lz4| lz4.len() < best.1.len() && is_worthwhile(lz4.len()))
        {
            best = (Codec::Lz4, shorter);
        }
        if how == Compression::Dense
            && let Some(shorter) = self.zstd.compress(raw, best.1.len())
        {
            best = (Codec::Zstd, shorter);
        }
        best
    }
}

/// From the middle: offsets at the front shrink when the data behind them does not.
fn sample(raw: &[u8]) -> &[u8] {
    let middle = raw.len() / 2;
    if raw.len() < SAMPLED_FROM_BYTES { raw } else { &raw[middle..middle + SAMPLE_BYTES] }
}

struct Lz4 {
    output: Vec<u8>,
    table: CompressTable,
}

impl Lz4 {
    fn compress(&mut self, raw: &[u8]) -> Option<&[u8]> {
        let sample = sample(raw);
        if sample.len() < raw.len() && self.run(sample)? * 100 > sample.len() * 95 {
            return None;
        }
        let len = self.run(raw)?;
        Some(&self.output[..len])
    }

    /// None where the codec refuses.
    fn run(&mut self, raw: &[u8]) -> Option<usize> {
        let bound = get_maximum_output_size(raw.len());
        if self.output.len() < bound {
            self.output.resize(bound, 0);
        }
        compress_into_with_table(raw, &mut self.output, &mut self.table).ok()
    }
}

#[derive(Default)]
struct Zstd {
    output: Vec<u8>,
    /// Made when it is needed first.
    context: Option<zstd::bulk::Compressor<'static>>,
}

impl Zstd {
    /// The compressed bytes where they are well below `others`, which is what is stored otherwise.
    fn compress(&mut self, raw: &[u8], others: usize) -> Option<&[u8]> {
        let is_better = |len: usize, of: usize| len * raw.len() * 100 <= others * of * ZSTD_PERCENT;
        let sample = sample(raw);
        if sample.len() < raw.len() && !is_better(self.run(sample)?, sample.len()) {
            return None;
        }
        let len = self.run(raw).filter(|len| is_better(*len, raw.len()))?;
        Some(&self.output[..len])
    }

    /// None where the codec refuses.
    fn run(&mut self, raw: &[u8]) -> Option<usize> {
        if self.context.is_none() {
            self.context = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
        }
        let bound = zstd::zstd_safe::compress_bound(raw.len());
        if self.output.len() < bound {
            self.output.resize(bound, 0);
        }
        self.context.as_mut()?.compress_to_buffer(raw, &mut self.output).ok()
    }
}

thread_local! {
    /// Making a context costs more than most chunks.
    static UNZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unzstd(stored: &[u8], raw: &mut [u8]) -> std::io::Result<usize> {
    UNZSTD.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(zstd::bulk::Decompressor::new()?),
        };
        context.decompress_to_buffer(stored, raw)
    })
}

/// The `raw_len` bytes that `stored` holds.
///
/// # Errors
/// `stored` is not the compressed form of exactly `raw_len` bytes.
pub(crate) fn decompress(codec: Codec, stored: &[u8], raw_len: usize) -> Result<Vec<u8>, Damage> {
    let wrong = |detail: String| Damage::new(0, detail);
    // The allocation that a small damaged chunk can cause is bounded.
    let room = |raw_len_max: usize| {
        if raw_len > raw_len_max {
            return Err(wrong(format!("{} bytes cannot hold {raw_len}", stored.len())));
        }
        Ok(vec![0; raw_len])
    };
    let (raw, len) = match codec {
        Codec::None => (stored.to_vec(), stored.len()),
        Codec::Lz4 => {
            // A byte stands for 255 at best.
            let mut raw = room(stored.len().saturating_mul(255).saturating_add(16))?;
            let len = lz4_flex::block::decompress_into(stored, &mut raw);
            (raw, len.map_err(|error| wrong(format!("lz4: {error}")))?)
        }
        Codec::Zstd => {
            // Nothing is better than its window of repeated blocks.
            let mut raw = room(stored.len().saturating_mul(1 << 15))?;
            let len = unzstd(stored, &mut raw);
            (raw, len.map_err(|error| wrong(format!("zstd: {error}")))?)
        }
        Codec::Packed => return packed::unpack(stored, raw_len),
    };
    if len == raw_len { Ok(raw) } else { Err(wrong(format!("{len} bytes decompressed, {raw_len} expected"))) }
}
