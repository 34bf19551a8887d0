//! Keys that are pushed twice.

use bytes::Bytes;

use crate::Error;

/// Treatment of a key that is pushed twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The ingest fails with `DuplicateKey`.
    #[default]
    Fail,
    /// The later push counts.
    KeepLast,
}

pub(super) fn duplicate(key: &[u8]) -> Error {
    Error::DuplicateKey { key: Bytes::copy_from_slice(key) }
}
