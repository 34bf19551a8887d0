//! The versioned log-structured storage engine of Bygone.

mod engine;
pub mod env;
mod error;
pub mod format;
mod ingest;
pub mod manifest;
mod memtable;
mod options;
mod pins;
mod read;
pub mod sst;
mod state;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
pub mod wal;

pub use engine::{CollectReport, Engine};
pub use env::Env;
pub use error::{Error, Result};
pub use ingest::{Ingest, IngestOptions, IngestedRun, OnDuplicate};
pub use options::EngineOptions;
pub use pins::{Pin, Retained, Scope};
pub use read::{
    BinaryColumn, DiffScan, Difference, KeyRange, ReadView, RowBatch, Scan, ScanOptions, VersionScan,
};
pub use store::Root;
pub use types::{Durability, KeyspaceId, Kind, Timestamp, Version, VersionRef, Write, WriteBatch};
pub use wal::StampedBatch;
