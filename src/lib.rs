//! Bygone.
