//! Compression of a chunk or section after its light encoding.

use std::fmt;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::Damage;

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// Not at all.
    None = 0,
    /// LZ4 block format: decodes at memory speed.
    #[default]
    Lz4 = 1,
    /// Zstandard: smaller, and about five times as slow to decode.
    Zstd = 2,
}

impl Codec {
    /// The codec with this number in a file, if there is one.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Zstandard level: the fast end, where it is still well ahead of LZ4 in size.
const ZSTD_LEVEL: i32 = 1;
/// A compressed chunk must be at most this many percent of the raw one, or the raw one is stored.
const WORTHWHILE_PERCENT: usize = 88;
/// Shorter input is stored as it is: what could be saved is not worth a call.
const INPUT_BYTES_MIN: usize = 64;
/// Bytes of a large input that are tried first: input that does not shrink is recognised without a full pass.
const SAMPLE_BYTES: usize = 4 << 10;
/// Inputs from here on are sampled.
const SAMPLED_FROM_BYTES: usize = 32 << 10;

/// Compresses with buffers that are kept between calls.
pub struct Compressor {
    output: Vec<u8>,
    table: CompressTable,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self { output: Vec::new(), table: CompressTable::large() }
    }
}

impl Compressor {
    /// The bytes to store for `raw`, and the codec that was worth it (at most `wanted`).
    pub fn compress<'a>(&'a mut self, wanted: Codec, raw: &'a [u8]) -> (Codec, &'a [u8]) {
        if wanted == Codec::None || raw.len() < INPUT_BYTES_MIN {
            return (Codec::None, raw);
        }
        if raw.len() >= SAMPLED_FROM_BYTES {
            // From the middle: offsets at the front shrink when the data behind them does not.
            let middle = raw.len() / 2;
            let sample = &raw[middle..middle + SAMPLE_BYTES];
            let promising = self.run(wanted, sample).is_some_and(|len| len * 100 <= SAMPLE_BYTES * 95);
            if !promising {
                return (Codec::None, raw);
            }
        }
        match self.run(wanted, raw) {
            Some(len) if len * 100 <= raw.len() * WORTHWHILE_PERCENT => (wanted, &self.output[..len]),
            _ => (Codec::None, raw),
        }
    }

    /// Compresses into `self.output`; none where the codec refuses, which stores the input as it is.
    fn run(&mut self, codec: Codec, raw: &[u8]) -> Option<usize> {
        let bound = match codec {
            Codec::None => return None,
            Codec::Lz4 => get_maximum_output_size(raw.len()),
            Codec::Zstd => zstd::zstd_safe::compress_bound(raw.len()),
        };
        if self.output.len() < bound {
            self.output.resize(bound, 0);
        }
        match codec {
            Codec::None => None,
            Codec::Lz4 => compress_into_with_table(raw, &mut self.output, &mut self.table).ok(),
            Codec::Zstd => zstd::bulk::compress_to_buffer(raw, &mut self.output, ZSTD_LEVEL).ok(),
        }
    }
}

/// The `raw_len` bytes that `stored` holds.
///
/// # Errors
/// `stored` is not the compressed form of exactly `raw_len` bytes.
pub fn decompress(codec: Codec, stored: &[u8], raw_len: usize) -> Result<Vec<u8>, Damage> {
    let wrong = |detail: String| Damage::new(0, detail);
    // LZ4 spends a byte per 255 at best, zstd cannot do better than its window of repeated blocks; this bounds what a
    // small damaged chunk can make us allocate.
    let raw_len_max = match codec {
        Codec::None => stored.len(),
        Codec::Lz4 => stored.len().saturating_mul(255).saturating_add(16),
        Codec::Zstd => stored.len().saturating_mul(1 << 15),
    };
    if raw_len > raw_len_max {
        return Err(wrong(format!("{} bytes cannot hold {raw_len}", stored.len())));
    }
    let mut raw = vec![0; raw_len];
    let len = match codec {
        Codec::None => {
            if stored.len() != raw_len {
                return Err(wrong(format!("{} bytes stored where {raw_len} belong", stored.len())));
            }
            raw.copy_from_slice(stored);
            raw_len
        }
        Codec::Lz4 => lz4_flex::block::decompress_into(stored, &mut raw)
            .map_err(|error| wrong(format!("lz4: {error}")))?,
        Codec::Zstd => zstd::bulk::decompress_to_buffer(stored, &mut raw)
            .map_err(|error| wrong(format!("zstd: {error}")))?,
    };
    if len == raw_len { Ok(raw) } else { Err(wrong(format!("{len} bytes decompressed, {raw_len} expected"))) }
}
