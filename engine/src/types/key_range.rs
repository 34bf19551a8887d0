//! Key ranges.

use std::ops::{Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use bytes::Bytes;

/// A range of keys in byte order. Ranges of anything that holds bytes convert to it: `..`, `"a".."c"`,
/// `"m"..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Start of the range.
    pub start: Bound<Bytes>,
    /// End of the range.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub const fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Exactly `key`.
    pub fn single(key: impl Into<Bytes>) -> Self {
        let key = key.into();
        Self { start: Bound::Included(key.clone()), end: Bound::Included(key) }
    }

    /// The keys that start with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = successor_of_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { start: Bound::Included(prefix), end }
    }

    /// A range from bounds over anything that holds bytes.
    pub fn new<K: AsRef<[u8]>>(range: impl RangeBounds<K>) -> Self {
        let own = |bound: Bound<&K>| bound.map(|key| Bytes::copy_from_slice(key.as_ref()));
        Self { start: own(range.start_bound()), end: own(range.end_bound()) }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.starts_before(key) && self.reaches(key)
    }

    /// Whether the range's start admits `key`.
    pub fn starts_before(&self, key: &[u8]) -> bool {
        match &self.start {
            Bound::Included(start) => key >= start.as_ref(),
            Bound::Excluded(start) => key > start.as_ref(),
            Bound::Unbounded => true,
        }
    }

    /// Whether the range's end admits `key`.
    pub fn reaches(&self, key: &[u8]) -> bool {
        match &self.end {
            Bound::Included(end) => key <= end.as_ref(),
            Bound::Excluded(end) => key < end.as_ref(),
            Bound::Unbounded => true,
        }
    }

    /// Whether some key between `min` and `max`, both inclusive, can lie in the range.
    pub fn overlaps(&self, min: &[u8], max: &[u8]) -> bool {
        self.starts_before(max) && self.reaches(min)
    }
}

impl From<RangeFull> for KeyRange {
    fn from(_: RangeFull) -> Self {
        Self::all()
    }
}

macro_rules! from_range {
    ($($range:ty),*) => {$(
        impl<K: AsRef<[u8]>> From<$range> for KeyRange {
            fn from(range: $range) -> Self {
                Self::new(range)
            }
        }
    )*};
}

from_range!(Range<K>, RangeInclusive<K>, RangeFrom<K>, RangeTo<K>, RangeToInclusive<K>, (Bound<K>, Bound<K>));

/// The smallest key greater than every key with this prefix, if there is one.
fn successor_of_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}
