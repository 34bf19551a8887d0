//! Requests to the storage of a root, counted by kind.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::metrics::StripedCounter;

/// Requests to the storage of one root, since it was made. On a directory a request is a call that reads,
/// creates, lists or removes a file; each try counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Reads of an object or of a part of one.
    pub gets: u64,
    /// Objects written with one request, and starts and ends of those written in parts.
    pub puts: u64,
    /// Parts of large objects.
    pub parts: u64,
    /// Pages of listings, of 1,000 names each.
    pub lists: u64,
    /// Removals; of many objects at once as many as the store asks for.
    pub deletes: u64,
    /// Of all of these, tries after the first.
    pub retries: u64,
    /// Tries that the store refused because there were too many.
    pub throttled: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
}

impl RequestCounts {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.gets + self.puts + self.parts + self.lists + self.deletes
    }

    /// The requests since `earlier`, counts of the same root.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            gets: self.gets - earlier.gets,
            puts: self.puts - earlier.puts,
            parts: self.parts - earlier.parts,
            lists: self.lists - earlier.lists,
            deletes: self.deletes - earlier.deletes,
            retries: self.retries - earlier.retries,
            throttled: self.throttled - earlier.throttled,
            read_bytes: self.read_bytes - earlier.read_bytes,
            written_bytes: self.written_bytes - earlier.written_bytes,
        }
    }
}

/// Names of one page of a listing.
pub(super) const LIST_PAGE: usize = 1_000;

/// Counters behind [`RequestCounts`]. Reads come from many threads at once.
#[derive(Debug, Default)]
pub(super) struct RequestCounters {
    gets: StripedCounter,
    read_bytes: StripedCounter,
    puts: AtomicU64,
    parts: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
    written_bytes: AtomicU64,
}

impl RequestCounters {
    pub(super) fn counts(&self) -> RequestCounts {
        RequestCounts {
            gets: self.gets.get(),
            puts: self.puts.load(Relaxed),
            parts: self.parts.load(Relaxed),
            lists: self.lists.load(Relaxed),
            deletes: self.deletes.load(Relaxed),
            retries: self.retries.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            read_bytes: self.read_bytes.get(),
            written_bytes: self.written_bytes.load(Relaxed),
        }
    }

    pub(super) fn get(&self) {
        self.gets.increment();
    }

    pub(super) fn read(&self, bytes: usize) {
        self.read_bytes.add(bytes as u64);
    }

    pub(super) fn put(&self, bytes: usize) {
        self.puts.fetch_add(1, Relaxed);
        self.written_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn part(&self, bytes: usize) {
        self.parts.fetch_add(1, Relaxed);
        self.written_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn list(&self, names: usize) {
        self.lists.fetch_add(names.div_ceil(LIST_PAGE).max(1) as u64, Relaxed);
    }

    pub(super) fn delete(&self, requests: usize) {
        self.deletes.fetch_add(requests as u64, Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Relaxed);
    }
}
