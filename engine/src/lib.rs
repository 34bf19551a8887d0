//! The versioned log-structured storage engine of Bygone.
//!
//! Versions are first class: every entry of a key carries its lifetime `[begin, end)` in commit timestamps,
//! reads are at a timestamp, and compaction keeps what pinned timestamps need. The engine knows no SQL, no
//! transaction and no snapshot name; the layers above register pins and call down.
//!
//! ```text
//!   append ─▶ wal ─▶ memtable ─▶ flush ─▶ sst (table files) ─▶ compaction ─▶ current tier ─▶ history tier ─▶ collect
//!   ingest ──────────────────────────────▶ sst
//!                                  manifest: the durable state, one object per step
//! ```
//!
//! Invariants:
//!
//! * I1 Commit timestamps rise with write order per key.
//! * I2 For a key, all versions in a newer run are newer than those in an older run, and a key is never split
//!   over two files of one run.
//! * I3 The lifetime of a closed version is exact. Only a flush or a compaction that sees both neighbours
//!   closes one.
//! * I4 The successor of an open version, if there is one, is in a newer run.
//! * I5 A closed version lives iff a pin of its keyspace lies in its lifetime, or it ended after the horizon.
//!   Reads that are neither pinned nor at or after the horizon are refused.
//! * I6 Predicates on values may leave out versions only once it is settled what these hide: of pages, only
//!   those of the oldest run of the current tier, and of history (`read/prune.rs`).
//! * I7 A closed value moves to the history tier only in a compaction whose output is the oldest run of the
//!   current tier for its keys. Further invariants of history (H1 to H3) are stated where they are held, in
//!   the compaction module.

mod byte_cursor;
pub mod check;
mod collect;
mod compaction;
mod core;
mod engine;
pub mod env;
mod error;
mod findings;
mod format;
mod ingest;
pub mod inspect;
mod key_head;
mod manifest;
mod memtable;
mod metrics;
mod open;
mod options;
mod pins;
mod read;
mod retention;
pub mod rows;
mod space;
mod sst;
mod state;
mod stats;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
mod varint;
mod wal;
mod write;

pub use collect::CollectReport;
pub use engine::Engine;
pub use env::Env;
pub use error::{Error, Result};
pub use format::{Bound, ColumnSummary, Extreme, Zone, ZoneMaps};
pub use ingest::{Ingest, IngestOptions, IngestedRun, OnDuplicate};
pub use manifest::{FileId, FileMeta, HistoryGroup, KeyspaceManifest, Manifest, Run};
pub use metrics::HistogramSnapshot;
pub use options::EngineOptions;
pub use pins::{Pin, Retained, Scope};
pub use read::{
    BinaryColumn, Change, ChangeScan, ChangeSet, ColumnRequest, ColumnScan, ColumnScanOptions, Columns,
    DiffScan, Difference, Missing, OneOf, PageCounts, PagePruner, ReadView, RowAssembler, RowBatch, RowSet,
    RowSummary, Scan, ScanOptions, TablePages, VersionScan,
};
pub use space::{Holder, KeyspaceSpace, Size};
pub use stats::{EngineStats, KeyspaceStats};
pub use store::Root;
pub use types::{Durability, KeyRange, KeyspaceId, Kind, Timestamp, Version, VersionRef, Write, WriteBatch};
pub use wal::StampedBatch;
pub use write::StagedGroup;

/// Formats and their readers and writers, for tests and measurements of the bytes. No promise goes with them.
#[doc(hidden)]
pub mod internals {
    /// Encodings of pages and columns.
    pub mod format {
        pub use crate::format::{
            ColumnBuffer, ColumnChunk, ColumnData, Features, Footer, KeyChunk, KeyFilter, NumberChunk,
            RowSplitter, ValueChunk, encode_keys, encode_numbers, encode_values,
        };
    }
    /// Manifests as objects.
    pub mod manifest {
        pub use crate::manifest::{LoadedManifest, decode, encode, load_newest, newest_id, publish};
    }
    /// Table files.
    pub mod sst {
        pub use crate::sst::{CachePolicy, Compression, PageCache, Table, TableOptions, TableWriter};
    }
    /// Segments of the log.
    pub mod wal {
        pub use crate::wal::{LocalLog, ReplayEnd};
    }
}
