//! Reads: views, point reads, scans, history and diff.
//!
//! All of them see the current tier of a keyspace as a list of *sources*, newest first: the active memtable,
//! frozen memtables, the runs of level 0 and one run for each level. By I2 a newer source holds only newer
//! versions of a key than an older one, so that one version says which others count.
//!
//! The runs of the history tier come beside them, in no order: each of their versions says by itself when it
//! was alive.
//!
//! ```text
//!   now      = the current tier                            (history is left out: all of it has ended)
//!   as of t  = the newest with begin <= t of the current tier, and what is alive at t in history: never both
//! ```

mod batch;
mod columns;
mod diff;
pub(crate) mod merge;
mod own;
pub(crate) mod point;
pub(crate) mod prune;
mod scan;
mod sink;
pub(crate) mod source;
mod sources;
mod summary;
mod versions;
mod view;
mod visible;
mod window;

pub use batch::{BinaryColumn, RowBatch};
pub use columns::{ColumnRequest, ColumnScan, ColumnScanOptions, Columns, Missing, RowAssembler, RowSet};
pub use diff::{Change, ChangeScan, ChangeSet, DiffScan, Difference};
pub use prune::{OneOf, PageCounts, PagePruner, TablePages};
pub use scan::{Scan, ScanOptions};
pub(crate) use sources::reads_history;
pub use summary::RowSummary;
pub use versions::VersionScan;
pub(crate) use versions::{Advance, Ahead, HistoryMerge, VersionMerge};
pub use view::ReadView;
