//! The head of a key: decides most comparisons of keys without a look at the keys, which lie elsewhere in memory.

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
