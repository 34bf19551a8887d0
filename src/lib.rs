//! Bygone: an embedded database that keeps the past.
//!
//! Every commit has a timestamp, and every moment within the retention, or pinned by a named snapshot, can be
//! read: with SQL (`SELECT … AS OF SNAPSHOT dec31`) or through the key-value API below. Restoring puts tables
//! back by appending, so a restore can itself be undone.
//!
//! ```
//! use bygone::{CreateSnapshot, Database};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bygone::Result<()> {
//! let db = Database::memory().await?;
//! let orders = db.keyspace("orders").await?;
//! orders.put("o-1", "3 apples").await?;
//!
//! db.snapshots().create(CreateSnapshot::database("dec31")).await?;
//! orders.put("o-1", "5 apples").await?;
//! orders.put("o-2", "1 pear").await?;
//!
//! assert_eq!(orders.get("o-1").await?.unwrap(), "5 apples");
//! assert_eq!(orders.get_at("o-1", "dec31").await?.unwrap(), "3 apples");
//!
//! let report = db.restore(["orders"]).to("dec31").await?.dry_run().await?;
//! assert_eq!((report.targets[0].reverted, report.targets[0].deleted), (1, 1));
//! db.restore(["orders"]).to("dec31").await?.unchanged_since(report.newest).run().await?;
//! assert_eq!(orders.get("o-2").await?, None);
//! # db.close().await
//! # }
//! ```
//!
//! The same with SQL:
//!
//! ```
//! use bygone::Database;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> bygone::Result<()> {
//! let db = Database::memory().await?;
//! let session = db.session();
//! session.execute("CREATE TABLE ledger (id BIGINT PRIMARY KEY, amount BIGINT)").await?;
//! session.execute("INSERT INTO ledger VALUES (1, 100), (2, 200)").await?;
//! session.execute("CREATE SNAPSHOT dec31").await?;
//! session.execute("UPDATE ledger SET amount = 0").await?;
//!
//! let sum: i64 = session.query_one("SELECT sum(amount) FROM ledger AS OF SNAPSHOT dec31", ()).await?;
//! assert_eq!(sum, 300);
//! for row in session.query_rows("SELECT id, amount FROM ledger WHERE id > $1", (1_i64,)).await? {
//!     assert_eq!((row.get::<i64>("id")?, row.get::<Option<i64>>("amount")?), (2, Some(0)));
//! }
//! session.execute("RESTORE TABLE ledger TO SNAPSHOT dec31").await?;
//! # drop(session);
//! # db.close().await
//! # }
//! ```
//!
//! # Where to start
//!
//! - [`Database`] opens a directory or memory, and for reading only any `object_store`; [`Keyspace`] is a map
//!   of bytes with a history.
//! - [`Session`] runs SQL, with `AS OF` on every table, `CREATE SNAPSHOT` and `RESTORE`.
//! - [`Transaction`] groups writes: snapshot isolation, the first committer wins, [`ErrorKind::Conflict`]
//!   means run it again.
//! - [`Snapshots`] keeps moments by name; [`Restore`] puts keyspaces back to one.
//! - [`Moment`] is what reads of the past take: a timestamp or the name of a snapshot.

mod check;
mod database;
mod error;
mod files;
mod inspect;
mod keyspace;
mod load;
mod location;
mod maintenance;
mod moment;
mod restore;
mod rows;
mod transaction;

pub use bygone_engine::{
    BinaryColumn, DiffScan, Difference, EngineOptions, EngineStats, Env, HistogramSnapshot, KeyRange,
    KeyspaceSpace, KeyspaceStats, ReadView, RowBatch, Scan, ScanOptions, Size,
    check::Finding,
    types::{Durability, KEY_BYTES_MAX, KeyspaceId, Timestamp, VALUE_BYTES_MAX, WriteBatch},
};
pub use bygone_mvcc::{CommitInfo, CommitMeta, CommitRecord, KeyspaceInfo, Savepoint};
pub use bygone_query::{
    ColumnIndex, FromRow, FromValue, IntoParameters, IntoValue, Notice, Outcome, Position, Progress, Row,
    Rows, RowsChecked, ScalarValue, Session, StatementCutter, StatementText, Statements, check_syntax,
    is_complete, parse_query_memory, printable, split_statements, statements, text_formatter,
};
pub use bygone_snapshots::{
    ChangeKind, CreateSnapshot, Created, DiffSummary, HistoryEntry, ObjectRef, Quotas, Snapshot,
    SnapshotScope, Snapshots, SpaceReport,
    restore::{RestoreProgress, RestoreReport, SafetySnapshot, TargetReport},
};
pub use check::{CheckReport, check};
pub use database::{Database, DatabaseBuilder};
pub use error::{Error, ErrorKind, Result, SqlState};
pub use inspect::{Inspection, inspect};
pub use keyspace::Keyspace;
pub use load::BulkLoad;
pub use moment::Moment;
pub use restore::{PendingRestore, Restore};
pub use rows::KeyspaceRows;
pub use transaction::Transaction;
pub use {arrow, bytes, chrono, object_store};
