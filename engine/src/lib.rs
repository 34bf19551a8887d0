//! The versioned log-structured storage engine of Bygone.

mod engine;
pub mod env;
mod error;
mod ingest;
mod memtable;
mod options;
mod pending;
mod pins;
mod read;
mod state;
pub mod types;

pub(crate) mod manifest {
    pub(crate) use crate::pending::Manifest;
}
pub(crate) mod wal {
    pub(crate) use crate::pending::LogPosition;
}
pub(crate) mod sst {
    pub(crate) use crate::pending::{Page, Table};
}

pub use engine::{CollectReport, Engine};
pub use env::Env;
pub use error::{Error, Result};
pub use ingest::{Ingest, IngestOptions, IngestedRun, OnDuplicate};
pub use options::EngineOptions;
pub use pending::{Root, StampedBatch};
pub use pins::{Pin, Retained, Scope};
pub use read::{
    BinaryColumn, DiffScan, Difference, KeyRange, ReadView, RowBatch, Scan, ScanOptions, VersionScan,
};
pub use types::{Durability, KeyspaceId, Kind, Timestamp, Version, VersionRef, Write, WriteBatch};
