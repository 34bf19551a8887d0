//! Clock, commits, transactions and read views of Bygone.
//!
//! The engine below stores versions and knows nothing of transactions; this crate decides *when* a commit
//! happens and *whether* it may. Everything goes through one [`Store`]:
//!
//! ```text
//!   Transaction ──writes──▶ commit queue ──▶ leader: conflicts? ─▶ stamp ─▶ log ─▶ memtable ─▶ visible
//!   Transaction ──reads───▶ ReadView at the timestamp of its begin, own writes merged in
//!   lock_exclusive ───────▶ writers of the scope wait; restore or bulk load commits alone
//! ```
//!
//! Isolation is snapshot isolation, the first committer wins:
//!
//! 1. A transaction reads the state at its begin, plus its own writes.
//! 2. It commits only if no key it wrote (or guarded) has a version newer than its begin; otherwise
//!    [`Error::Conflict`], and nothing of it is visible.
//! 3. Commit timestamps rise strictly, one per commit; a commit is visible as a whole or not at all.
//! 4. An answer at an explicit timestamp never changes: [`Store::view_at`] moves the clock past it and waits
//!    for the commits under way, before it looks.
//! 5. After an exclusive commit (restore, bulk load) a transaction which began before it and wrote in its
//!    scope conflicts, even where the keys differ.
//!
//! Not here: names of snapshots, restore (crate `bygone-snapshots`), SQL (crate `bygone-query`), files (crate
//! `bygone-engine`).

mod check;
mod clock;
mod commit;
mod error;
mod locks;
mod names;
mod naming;
mod records;
mod store;
pub mod system;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transaction;

pub use bygone_engine::ReadView;
pub use check::check;
pub use clock::Clock;
pub use commit::{CommitInfo, CommitMeta, ExclusiveCommit};
pub use error::{Error, Result};
pub use locks::ExclusiveLock;
pub use names::{KeyspaceInfo, KeyspaceNames};
pub use naming::{check_name, similar_names};
pub use records::{CommitRecord, annotation, commit_record, commits, forget_commits, newest_commits};
pub use store::{Store, StoreOptions};
pub use transaction::{Mark, Savepoint, Transaction, TransactionScan};
