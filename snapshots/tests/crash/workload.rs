//! The standard workload: every kind of work once or more, in an order that crosses every boundary, with an
//! oracle of what must be there afterwards.

use std::sync::Arc;

use bygone_engine::{
    Durability, IngestOptions, KeyspaceStats, Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk},
};
use bygone_mvcc::{CommitMeta, ExclusiveCommit};
use bygone_snapshots::{
    CreateSnapshot, Error, Result, SnapshotScope,
    restore::{self, RestorePlan, RestoreRequest},
};

use crate::database::{ACCOUNTS, Contents, Database, KEYSPACES, ORDERS, engine_error, table};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A commit of this many rows, from this key on.
    Commit(Durability, u64, u64),
    Delete(u64, u64),
    Ingest(u64, u64),
    /// A transaction of this many rows, from this key on, most of which it wrote into files.
    Spilled(u64, u64),
    Snapshot(&'static str),
    SnapshotOfOrders(&'static str),
    DropSnapshot(&'static str),
    Restore(&'static str),
    Retention(u64),
    Flush,
    Settle,
    Compact,
    Collect,
    Close,
}

use Step::{
    Close, Collect, Commit, Compact, Delete, DropSnapshot, Flush, Ingest, Restore, Retention, Settle,
    Snapshot, SnapshotOfOrders, Spilled,
};

/// The workload that is failed and stopped at every storage call.
pub(crate) const STANDARD: &[Step] = &[
    Commit(Durability::Sync, 0, 6),
    Commit(Durability::Buffered, 3, 6),
    Snapshot("jan"),
    Flush,
    Ingest(20, 12),
    Commit(Durability::Sync, 4, 4),
    SnapshotOfOrders("orders"),
    Spilled(2, 15),
    Delete(0, 5),
    Commit(Durability::Buffered, 18, 6),
    Compact,
    Restore("jan"),
    Commit(Durability::Buffered, 2, 2),
    Close,
    Commit(Durability::Sync, 7, 9),
    DropSnapshot("jan"),
    Retention(15),
    Settle,
    Compact,
    Collect,
    Ingest(0, 30),
    Commit(Durability::Buffered, 30, 4),
    Commit(Durability::Buffered, 31, 4),
    Compact,
    DropSnapshot("orders"),
    Settle,
    Compact,
    Collect,
    Commit(Durability::Sync, 1, 1),
    Close,
];

/// A small database with every feature, its newest commits in the log only.
pub(crate) const SMALL: &[Step] = &[
    Commit(Durability::Sync, 0, 6),
    Snapshot("jan"),
    Flush,
    Commit(Durability::Sync, 4, 4),
    Delete(0, 3),
    Compact,
    Ingest(2, 5),
    SnapshotOfOrders("orders"),
    Collect,
    Commit(Durability::Sync, 1, 2),
    Commit(Durability::Sync, 3, 1),
];

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Visible, and durable or not.
    Committed { at: Option<Timestamp>, durable: bool },
    /// Nothing to be seen of it.
    Nothing,
    /// Only reopening tells.
    Unknown,
}

/// What was done to a database, and what may be found in it.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    /// The contents after each commit, with its timestamp where it was acknowledged.
    states: Vec<(Option<Timestamp>, Contents)>,
    /// The newest of them that must be there, or one after it.
    durable: usize,
}

impl Oracle {
    pub(crate) fn new() -> Self {
        Self { states: vec![(None, Contents::default())], durable: 0 }
    }

    pub(crate) fn newest(&self) -> &Contents {
        &self.states[self.states.len() - 1].1
    }

    /// Notes a commit that was acknowledged.
    pub(crate) fn committed(&mut self, at: Timestamp, batch: &WriteBatch, durable: bool) {
        let mut next = self.newest().clone();
        next.apply(batch);
        self.note(next, Outcome::Committed { at: Some(at), durable });
    }

    /// The contents before each commit, those before the newest first.
    pub(crate) fn earlier(&self) -> Vec<Contents> {
        self.states.iter().rev().skip(1).map(|(_, state)| state.clone()).collect()
    }

    /// The timestamps of the commits.
    pub(crate) fn moments(&self) -> Vec<Timestamp> {
        self.states.iter().filter_map(|(at, _)| *at).collect()
    }

    fn note(&mut self, next: Contents, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Unknown => self.states.push((None, next)),
            Outcome::Committed { at, durable } => {
                self.states.push((at, next));
                if durable {
                    self.durable = self.states.len() - 1;
                }
            }
        }
    }

    /// Checks that the database is at one of the states that are allowed, now and at every moment before, and
    /// goes on from there.
    pub(crate) async fn check(&mut self, database: &Database) -> Result<()> {
        let found = database.contents().await?;
        let allowed = &self.states[self.durable..];
        let Some(ahead) = allowed.iter().rposition(|(_, state)| *state == found) else {
            panic!(
                "the contents are none of the {} states that are allowed; {}",
                allowed.len(),
                difference(&allowed[allowed.len() - 1].1, &found)
            );
        };
        // States may repeat; from here on this one is certain.
        self.states.truncate(self.durable + ahead + 1);
        self.durable = self.states.len() - 1;
        for (at, state) in &self.states {
            let Some(at) = at else { continue };
            if let Some(rows) = database.rows_at(*at).await? {
                assert_eq!(rows, state.rows, "the rows as of {at}");
            }
        }
        Ok(())
    }
}

fn difference(expected: &Contents, found: &Contents) -> String {
    let rows = |a: &Contents, b: &Contents| -> Vec<String> {
        let only = a.rows.iter().filter(|(key, value)| b.rows.get(key) != Some(value));
        only.map(|((keyspace, key), value)| format!("{keyspace} {key:?}={value:?}")).take(4).collect()
    };
    format!(
        "expected {:?} found {:?}; snapshots expected {:?} found {:?}; snapshots that differ {:?}",
        rows(expected, found),
        rows(found, expected),
        expected.snapshots.keys().collect::<Vec<_>>(),
        found.snapshots.keys().collect::<Vec<_>>(),
        expected
            .snapshots
            .iter()
            .filter(|(name, rows)| found.snapshots.get(*name).is_some_and(|found| found != *rows))
            .collect::<Vec<_>>()
    )
}

/// A workload on its way.
pub(crate) struct Run {
    pub(crate) disk: SimDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) oracle: Oracle,
    /// Versions and groups of the history tier after each step.
    pub(crate) history: Vec<(u64, u64)>,
    database: Option<Database>,
    number: u64,
}

impl Run {
    pub(crate) fn new(disk: SimDisk) -> Self {
        let (clock, oracle) = (ManualClock::at(1_000), Oracle::new());
        Self { disk, clock, oracle, history: Vec::new(), database: None, number: 0 }
    }

    /// Takes every step. After an error that ends all writing the database is opened again; when the machine
    /// stops, so does the run.
    pub(crate) async fn all(&mut self, steps: &[Step]) {
        for step in steps {
            self.clock.advance(10);
            self.number += 1;
            let Some(database) = self.opened().await else { return };
            let (next, outcome) = take(&database, *step, self.oracle.newest(), self.number).await;
            self.oracle.note(next, outcome);
            let stats = database.engine().stats().keyspaces;
            let sum = |of: fn(&KeyspaceStats) -> u64| stats.iter().map(of).sum();
            self.history.push((sum(|stats| stats.history_versions), sum(|stats| stats.history_groups)));
            self.database = Some(database);
            if matches!(step, Step::Close) {
                self.database = None;
            }
            if self.disk.has_crashed() {
                return;
            }
            if outcome == Outcome::Unknown {
                self.check_refuses_writes().await;
                self.reopen().await;
            }
        }
    }

    /// The open database; `None` when the machine has stopped.
    async fn opened(&mut self) -> Option<Database> {
        if let Some(database) = self.database.take() {
            return Some(database);
        }
        // One fault, so the second attempt succeeds.
        for _ in 0..2 {
            match Database::on(&self.disk, &self.clock).await {
                Ok(database) => return Some(database),
                Err(error) => assert!(!is_damage(&error), "opening after a fault: {error}"),
            }
            if self.disk.has_crashed() {
                return None;
            }
        }
        panic!("the database opens at the second attempt");
    }

    /// A database that does not know how its last commit ended acknowledges nothing more.
    async fn check_refuses_writes(&mut self) {
        let Some(database) = &self.database else { return };
        let mut batch = WriteBatch::new();
        batch.put(ACCOUNTS, "refused", "refused");
        let outcome = database.write(batch, Durability::Sync).await;
        assert!(outcome.is_err(), "a write after an unknown outcome is refused");
    }

    async fn reopen(&mut self) {
        self.database = None;
        let Some(database) = self.opened().await else { return };
        self.oracle.check(&database).await.unwrap();
        self.database = Some(database);
    }

    /// Opens what is left and checks it, as the next process would.
    pub(crate) async fn check(&mut self) {
        self.database = None;
        let database = Database::on(&self.disk, &self.clock).await.unwrap();
        self.oracle.check(&database).await.unwrap();
        database.engine().verify().await.unwrap();
        database.engine().close().await.unwrap();
    }
}

/// Whether the error says that files are damaged, which no failed call may cause.
pub(crate) fn is_damage(error: &Error) -> bool {
    matches!(
        engine_error(error),
        Some(bygone_engine::Error::Corrupt { .. } | bygone_engine::Error::Invalid(_)) | None
    )
}

fn is_unknown(error: &Error) -> bool {
    use bygone_engine::Error as E;
    matches!(engine_error(error), Some(E::Poisoned(_) | E::CommitUnknown(_) | E::Fenced { .. } | E::Closed))
}

fn batch_of(number: u64, from: u64, rows: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for key in from..from + rows {
        let keyspace = KEYSPACES[(key % 2) as usize];
        // Long enough that some commits span sectors of the log, and some values pages.
        let value = format!("{key}/{number}/").repeat(4 + 9 * (key % 5) as usize);
        batch.put(keyspace, format!("k{key:04}"), value);
    }
    batch
}

/// Takes one step; returns the contents if it took effect, and whether it did.
async fn take(database: &Database, step: Step, now: &Contents, number: u64) -> (Contents, Outcome) {
    let mut next = now.clone();
    let result: Result<Option<(Option<Timestamp>, bool)>> = match step {
        Commit(durability, from, rows) => {
            let batch = batch_of(number, from, rows);
            next.apply(&batch);
            let result = database.write(batch, durability).await;
            result.map(|info| Some((Some(info.timestamp), durability == Durability::Sync)))
        }
        Delete(from, rows) => {
            let mut batch = WriteBatch::new();
            for key in from..from + rows {
                batch.delete(KEYSPACES[(key % 2) as usize], format!("k{key:04}"));
            }
            next.apply(&batch);
            let result = database.write(batch, Durability::Sync).await;
            result.map(|info| Some((Some(info.timestamp), true)))
        }
        Ingest(from, rows) => {
            let batch = batch_of(number, from, rows);
            next.apply(&batch);
            ingest(database, &batch).await.map(|at| Some((Some(at), true)))
        }
        Spilled(from, rows) => {
            let batch = batch_of(number, from, rows);
            next.apply(&batch);
            spilled(database, &batch).await.map(|at| Some((Some(at), true)))
        }
        Snapshot(name) => {
            let scope = SnapshotScope::Database(None);
            next.snapshots.insert(name.into(), next.in_scope(&scope));
            let request = CreateSnapshot::of(name, scope);
            database.snapshots.create(request).await.map(|_| Some((None, true)))
        }
        SnapshotOfOrders(name) => {
            let scope = SnapshotScope::Objects(vec![table("orders", ORDERS)]);
            next.snapshots.insert(name.into(), next.in_scope(&scope));
            let request = CreateSnapshot::of(name, scope);
            database.snapshots.create(request).await.map(|_| Some((None, true)))
        }
        DropSnapshot(name) => {
            if next.snapshots.remove(name).is_none() {
                return (next, Outcome::Nothing);
            }
            database.snapshots.drop_snapshot(name).await.map(|()| Some((None, true)))
        }
        Restore(name) => match restore(database, name, &mut next).await {
            Some(result) => result.map(|at| Some((at, true))),
            None => return (next, Outcome::Nothing),
        },
        Retention(us) => from_engine(database.engine().set_retention(None, Some(us)).await),
        Flush => from_engine(database.engine().flush().await),
        Settle => from_engine(database.engine().compact_to_shape().await),
        Compact => from_engine(database.engine().compact().await),
        Collect => from_engine(database.engine().collect().await.map(drop)),
        Close => from_engine(database.engine().close().await),
    };
    match result {
        Ok(Some((at, durable))) => (next, Outcome::Committed { at, durable }),
        Ok(None) => (next, Outcome::Nothing),
        Err(error) => {
            assert!(!is_damage(&error), "{step:?}: {error}");
            (next, if is_unknown(&error) { Outcome::Unknown } else { Outcome::Nothing })
        }
    }
}

fn from_engine(result: bygone_engine::Result<()>) -> Result<Option<(Option<Timestamp>, bool)>> {
    result.map(|()| None).map_err(Into::into)
}

/// Loads the rows of `batch` as files.
async fn ingest(database: &Database, batch: &WriteBatch) -> Result<Timestamp> {
    let store = &database.store;
    let lock = store.lock_exclusive(&KEYSPACES, "a load", 0).await?;
    let mut runs = Vec::new();
    for keyspace in KEYSPACES {
        let mut ingest = store.engine().ingest(keyspace, IngestOptions::default());
        for write in batch.writes().iter().filter(|write| write.keyspace == keyspace) {
            ingest.push(&write.key, write.value.as_deref()).await?;
        }
        runs.push(ingest.finish().await?);
    }
    let meta = CommitMeta { message: Some("load".into()), ..CommitMeta::default() };
    let commit = ExclusiveCommit { runs, meta, ..ExclusiveCommit::default() };
    Ok(store.commit_exclusive(&lock, commit).await?.timestamp)
}

/// Writes `batch` in one transaction, of which the first keyspace goes to files at once and again, and the
/// other remains in memory.
async fn spilled(database: &Database, batch: &WriteBatch) -> Result<Timestamp> {
    let transaction = database.store.begin();
    for (number, write) in batch.writes().iter().enumerate() {
        transaction.put(write.keyspace, write.key.clone(), write.value.clone().unwrap_or_default())?;
        if number % 6 == 5 {
            transaction.spill(|keyspace| keyspace == KEYSPACES[0]).await?;
        }
    }
    let meta = CommitMeta { message: Some("much".into()), ..CommitMeta::default() };
    transaction.annotate(meta)?;
    Ok(transaction.commit(Durability::Sync).await?.timestamp)
}

/// Restores both keyspaces; `None` when the snapshot was never made.
async fn restore(
    database: &Database,
    name: &'static str,
    next: &mut Contents,
) -> Option<Result<Option<Timestamp>>> {
    let rows = next.snapshots.get(name)?.clone();
    let safety =
        (1..=u32::MAX).map(|n| format!("before_restore_{n}")).find(|name| !next.snapshots.contains_key(name));
    next.snapshots.insert(safety.expect("some number is free"), next.rows.clone());
    next.rows = rows;
    let snapshot = match database.snapshots.get(name).await {
        Ok(snapshot) => snapshot,
        Err(error) => return Some(Err(error)),
    };
    let targets = vec![table("accounts", ACCOUNTS), table("orders", ORDERS)];
    // Small enough that some keyspaces go through files.
    let request = RestoreRequest {
        log_bytes_max: 256,
        ..RestoreRequest::new(RestorePlan::of_kept(targets, snapshot.at))
    };
    let report = restore::run(&database.snapshots, request).await;
    Some(report.map(|report| report.commit.map(|commit| commit.timestamp)))
}
