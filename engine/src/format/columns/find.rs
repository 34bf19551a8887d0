//! Looking for values in a chunk as it is stored.

use super::{Bound, ColumnChunk, ColumnData, Dictionary, IntColumn, IntWidth, Strings};

/// Numbers that are compared before it is asked whether one was equal: they are compared several at a time.
const BLOCK_NUMBERS: usize = 128;

impl ColumnChunk {
    /// Whether a row may have one of the values; texts and bytes are whole ones. The placeholder stored for a
    /// row without a value counts like a value, and of missing rows anything may be true.
    pub fn may_hold(&self, values: &[Bound]) -> bool {
        self.has_missing()
            || match self.data() {
                ColumnData::None => false,
                ColumnData::Ints(ints) => values.iter().any(|value| match value {
                    Bound::Int(number) => holds_int(ints, *number),
                    _ => true,
                }),
                ColumnData::Strings(strings) => values.iter().any(|value| match value {
                    Bound::Bytes(bytes) => holds_bytes(strings, bytes),
                    _ => true,
                }),
                _ => true,
            }
    }
}

fn holds_int(ints: &IntColumn<i64>, number: i64) -> bool {
    // The base is the smallest.
    let Ok(difference) = u64::try_from(i128::from(number) - i128::from(ints.base)) else { return false };
    macro_rules! find {
        ($number:ty) => {{
            let wanted = difference as $number;
            let (differences, _) = ints.differences.as_chunks();
            u64::from(wanted) == difference
                && differences.chunks(BLOCK_NUMBERS).any(|block| {
                    let is_it =
                        |bytes: &[u8; size_of::<$number>()]| <$number>::from_le_bytes(*bytes) == wanted;
                    block.iter().fold(false, |found, bytes| found | is_it(bytes))
                })
        }};
    }
    match ints.width {
        IntWidth::Zero => difference == 0,
        IntWidth::One => find!(u8),
        IntWidth::Two => find!(u16),
        IntWidth::Four => find!(u32),
        IntWidth::Eight => find!(u64),
    }
}

fn holds_bytes(strings: &Strings, bytes: &[u8]) -> bool {
    let entries = match strings.dictionary {
        Dictionary::One => 1,
        _ => strings.offsets.len() - 1,
    };
    (0..entries).any(|entry| strings.data[strings.range(entry)] == *bytes)
}
