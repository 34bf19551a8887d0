//! The head of a key: its first bytes as a number, which decides most comparisons without a look at the keys,
//! which lie elsewhere in memory. Sixteen bytes of whole keys, eight of what follows the prefix that the keys
//! of a page share.

/// The first sixteen bytes of a key, filled up with zeros. Heads order as their keys do, or are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyHead(u128);

impl KeyHead {
    /// The head of `key`.
    #[inline]
    pub(crate) fn of(key: &[u8]) -> Self {
        if let Some(whole) = key.first_chunk() {
            return Self(u128::from_be_bytes(*whole));
        }
        let mut filled = [0; 16];
        filled[..key.len()].copy_from_slice(key);
        Self(u128::from_be_bytes(filled))
    }
}

/// The first eight bytes of a suffix as a number that sorts like them. `a < b` implies `suffix_head(a) <=
/// suffix_head(b)`.
#[inline]
pub(crate) fn suffix_head(suffix: &[u8]) -> u64 {
    if let Some(first) = suffix.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    let mut padded = [0; 8];
    padded[..suffix.len()].copy_from_slice(suffix);
    u64::from_be_bytes(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_never_contradict_their_keys() {
        let keys: [&[u8]; 8] =
            [b"", b"\0", b"\0\0", b"a", b"a\0", b"abcdefghijklmnop", b"abcdefghijklmnopq", b"b"];
        for (index, key) in keys.iter().enumerate() {
            for later in &keys[index..] {
                assert!(KeyHead::of(key) <= KeyHead::of(later), "{key:?} {later:?}");
            }
        }
        assert!(KeyHead::of(b"a") < KeyHead::of(b"b"));
    }
}
