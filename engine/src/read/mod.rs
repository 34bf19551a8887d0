//! Reads: views, point reads, scans, history and diff.
//!
//! All of them see a keyspace as a list of *sources*, newest first: the active memtable, frozen memtables, the runs of
//! level 0 and one run for each level. By I2 a newer source holds only newer versions of a key than an older one.

mod batch;
mod columns;
mod diff;
pub(crate) mod prune;
mod range;
pub(crate) mod scan;
pub(crate) mod source;
mod versions;
mod view;

pub use batch::{BinaryColumn, RowBatch};
pub use columns::{ColumnRequest, ColumnScan, ColumnScanOptions, Columns, Missing, RowAssembler, RowSet};
pub use diff::{DiffScan, Difference};
pub use prune::{PageCounts, PagePruner, TablePages};
pub use range::KeyRange;
pub use scan::{Scan, ScanOptions};
pub(crate) use versions::VersionMerge;
pub use versions::VersionScan;
pub use view::ReadView;
