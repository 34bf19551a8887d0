//! The filter on the distinct keys of a file: says "not here" for almost every key that is not there.

use xorf::{BinaryFuse8, Descriptor, Filter};
use xxhash_rust::xxh3::xxh3_64;

use super::{ByteCursor, Damage};

/// Number of the binary fuse filter with 8-bit fingerprints in a file.
const KIND_BINARY_FUSE_8: u8 = 1;
/// Longest segment that the construction makes.
const SEGMENT_LEN_MAX: u32 = 1 << 18;

/// A filter on keys. About 9 bits per key; one answer in 256 is a false "maybe", "no" is never wrong.
#[derive(Clone, Debug)]
pub struct KeyFilter {
    fuse: BinaryFuse8,
}

impl KeyFilter {
    /// The hash by which a key goes into a filter.
    #[inline]
    pub fn hash(key: &[u8]) -> u64 {
        xxh3_64(key)
    }

    /// The filter on keys with these hashes; none if none can be made of them, which is allowed but does not
    /// happen in practice.
    ///
    /// # Cost
    /// About 20 bytes per key while it runs.
    pub fn build(mut hashes: Vec<u64>) -> Option<Self> {
        hashes.sort_unstable();
        // Two keys may share a hash; the construction wants a set.
        hashes.dedup();
        BinaryFuse8::try_from(&hashes).ok().map(|fuse| Self { fuse })
    }

    /// Whether the file may hold a key with this hash.
    #[inline]
    pub fn may_contain(&self, hash: u64) -> bool {
        self.fuse.contains(&hash)
    }

    /// Appends the section.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Descriptor { seed, segment_length, segment_count_length, .. } = self.fuse.descriptor;
        out.push(KIND_BINARY_FUSE_8);
        out.extend_from_slice(&seed.to_le_bytes());
        out.extend_from_slice(&segment_length.to_le_bytes());
        out.extend_from_slice(&segment_count_length.to_le_bytes());
        out.extend_from_slice(&(self.fuse.fingerprints.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.fuse.fingerprints);
    }

    /// Decodes a section; none when its kind is not known, which costs speed and nothing else.
    ///
    /// # Errors
    /// The lengths do not fit each other.
    pub fn decode(raw: &[u8]) -> Result<Option<Self>, Damage> {
        let mut cursor = ByteCursor::new(raw);
        if cursor.u8()? != KIND_BINARY_FUSE_8 {
            return Ok(None);
        }
        let seed = cursor.u64()?;
        let segment_length = cursor.u32()?;
        let segment_count_length = cursor.u32()?;
        let len = cursor.u32()?;
        // A probe reads at most two segments behind the counted ones (three positions in three adjacent
        // segments).
        let needed = u64::from(segment_count_length) + 2 * u64::from(segment_length);
        let fits = segment_length.is_power_of_two()
            && segment_length <= SEGMENT_LEN_MAX
            && segment_count_length > 0
            && segment_count_length.is_multiple_of(segment_length)
            && needed <= u64::from(len);
        if !fits {
            return Err(Damage::new(0, "filter segments do not fit"));
        }
        let fingerprints = cursor.take(len as usize)?.into();
        cursor.finish()?;
        let descriptor = Descriptor {
            seed,
            segment_length,
            segment_length_mask: segment_length - 1,
            segment_count_length,
        };
        Ok(Some(Self { fuse: BinaryFuse8 { descriptor, fingerprints } }))
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        self.fuse.fingerprints.len()
    }
}
