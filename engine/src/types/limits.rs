//! Limits on keys and values, and the one check of them.

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 32 << 10;
/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 256 << 20;

/// A key or a value that is longer than any log record or table file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} is too long: bytes={bytes} max={bytes_max}")]
pub struct TooLong {
    what: &'static str,
    bytes: usize,
    bytes_max: usize,
}

/// Refuses what no log record and no table file could hold. A delete has no value.
///
/// # Errors
/// [`TooLong`]: store less in one value, or a shorter key.
#[inline]
pub fn check_lengths(key: &[u8], value: Option<&[u8]>) -> Result<(), TooLong> {
    let value_bytes = value.map_or(0, <[u8]>::len);
    if key.len() > KEY_BYTES_MAX {
        return Err(TooLong { what: "key", bytes: key.len(), bytes_max: KEY_BYTES_MAX });
    }
    if value_bytes > VALUE_BYTES_MAX {
        return Err(TooLong { what: "value", bytes: value_bytes, bytes_max: VALUE_BYTES_MAX });
    }
    Ok(())
}
