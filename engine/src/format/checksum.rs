//! Checksums that know where their bytes belong.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The identity of a file, as the seed of its checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileSeed(u64);

impl FileSeed {
    /// Odd, so that two offsets never give one seed.
    const OFFSET_FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

    /// The seed of the file with this id.
    pub(crate) fn new(epoch: u64, number: u64) -> Self {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&epoch.to_le_bytes());
        id[8..].copy_from_slice(&number.to_le_bytes());
        Self(xxh3_64(&id))
    }

    /// The checksum of `bytes` stored at `offset` of the file.
    pub(crate) fn checksum(self, offset: u64, bytes: &[u8]) -> u64 {
        xxh3_64_with_seed(bytes, self.0.wrapping_add(offset.wrapping_mul(Self::OFFSET_FACTOR)))
    }
}
