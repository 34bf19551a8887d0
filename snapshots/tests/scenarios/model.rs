//! Random histories against an oracle that keeps every version of every key.
//!
//! After each history the database must answer, at every moment there ever was, what the oracle says, or that
//! the moment is too old, and the latter only where neither the horizon nor a snapshot makes it readable.
//! Engine constants are so small that a few dozen operations cross memtable, page, file and level boundaries.
//!
//! `BYGONE_MODEL_CASES` and `BYGONE_MODEL_SEED` make longer and other runs.

use std::collections::{BTreeMap, BTreeSet};

use bygone_engine::{
    EngineOptions, Error as EngineError, IngestOptions, KeyRange, ReadView, RowBatch, ScanOptions, Scope,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bygone_mvcc::{Error as MvccError, ExclusiveCommit, Transaction};
use bygone_snapshots::{
    CreateSnapshot, Error, SnapshotScope, diff,
    restore::{self, RestorePlan, RestoreRequest, SafetySnapshot},
};
use bytes::Bytes;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner},
};

use crate::database::Database;

const KEYSPACES: [&str; 2] = ["t", "u"];
const KEYS: u8 = 12;
const RETENTION_US: u64 = 40;

#[derive(Clone, Debug)]
enum Op {
    /// A transaction with these writes; rolled back when not `commit`. What it wrote so far into the
    /// keyspaces of `spills` goes to files after each write.
    Write {
        writes: Vec<(u8, u8, Option<u8>)>,
        commit: bool,
        spills: u8,
    },
    /// Two transactions that both write a key: the second conflicts.
    Clash {
        keyspace: u8,
        key: u8,
    },
    /// A bulk load.
    Load {
        keyspace: u8,
        from: u8,
        count: u8,
        value: u8,
    },
    Snapshot {
        name: u8,
        keyspace: Option<u8>,
        back: Option<u8>,
    },
    Rename {
        name: u8,
        to: u8,
    },
    Drop {
        name: u8,
    },
    Restore {
        keyspaces: u8,
        name: Option<u8>,
        back: u8,
        files: bool,
        safety: bool,
    },
    Pass {
        micros: u8,
    },
    Flush,
    Compact,
    Collect,
    Reopen,
    Crash {
        seed: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let write = (0_u8..2, 0..KEYS, proptest::option::weighted(0.7, any::<u8>()));
    let spills = prop_oneof![4 => Just(0_u8), 1 => 1_u8..4];
    prop_oneof![
        30 => (proptest::collection::vec(write, 1..6), proptest::bool::weighted(0.9), spills)
            .prop_map(|(writes, commit, spills)| Op::Write { writes, commit, spills }),
        3 => (0_u8..2, 0..KEYS).prop_map(|(keyspace, key)| Op::Clash { keyspace, key }),
        4 => (0_u8..2, 0..KEYS, 1..KEYS, any::<u8>())
            .prop_map(|(keyspace, from, count, value)| Op::Load { keyspace, from, count, value }),
        9 => (0_u8..5, proptest::option::weighted(0.5, 0_u8..2), proptest::option::weighted(0.4, any::<u8>()))
            .prop_map(|(name, keyspace, back)| Op::Snapshot { name, keyspace, back }),
        2 => (0_u8..5, 0_u8..5).prop_map(|(name, to)| Op::Rename { name, to }),
        5 => (0_u8..5).prop_map(|name| Op::Drop { name }),
        5 => (1_u8..4, proptest::option::weighted(0.6, 0_u8..5), any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(keyspaces, name, back, files, safety)| Op::Restore { keyspaces, name, back, files, safety }),
        6 => (0_u8..60).prop_map(|micros| Op::Pass { micros }),
        8 => Just(Op::Flush),
        8 => Just(Op::Compact),
        3 => Just(Op::Collect),
        3 => Just(Op::Reopen),
        2 => any::<u8>().prop_map(|seed| Op::Crash { seed }),
    ]
}

type Key = (usize, u8);

/// The oracle.
#[derive(Debug, Default)]
struct History {
    versions: BTreeMap<Key, Vec<(Timestamp, Option<Bytes>)>>,
    commits: BTreeSet<Timestamp>,
    /// Name → moment and keyspace; none is all.
    snapshots: BTreeMap<String, (Timestamp, Option<usize>)>,
}

impl History {
    fn at(&self, key: Key, at: Timestamp) -> Option<&Bytes> {
        let versions = self.versions.get(&key)?;
        versions.iter().rev().find(|(begin, _)| *begin <= at)?.1.as_ref()
    }

    fn state(&self, keyspace: usize, at: Timestamp) -> Vec<(u8, Bytes)> {
        (0..KEYS).filter_map(|key| Some((key, self.at((keyspace, key), at)?.clone()))).collect()
    }

    fn push(&mut self, key: Key, at: Timestamp, value: Option<Bytes>) {
        let versions = self.versions.entry(key).or_default();
        // The last write of one commit counts.
        versions.retain(|(begin, _)| *begin != at);
        versions.push((at, value));
        self.commits.insert(at);
    }

    fn is_pinned(&self, keyspace: usize, at: Timestamp) -> bool {
        self.snapshots.values().any(|(moment, scope)| *moment == at && scope.is_none_or(|k| k == keyspace))
    }

    /// The last commit, or the n-th last, counted round.
    fn back(&self, n: u8) -> Option<Timestamp> {
        let index = usize::from(n) % self.commits.len().max(1);
        self.commits.iter().rev().nth(index).copied()
    }
}

struct World {
    database: Database,
    ids: [KeyspaceId; 2],
    history: History,
}

fn key_bytes(key: u8) -> Vec<u8> {
    format!("key{key:02}").into_bytes()
}

/// Long enough that pages and memtables fill up.
fn value_bytes(seed: u8) -> Bytes {
    vec![seed; 20 + usize::from(seed) % 180].into()
}

fn name_of(name: u8) -> String {
    format!("s{name}")
}

fn is_too_old(error: &MvccError) -> bool {
    matches!(error, MvccError::Engine(EngineError::TooOld { .. }))
}

impl World {
    async fn new() -> Self {
        let options = EngineOptions { retention_us: RETENTION_US, ..EngineOptions::tiny() };
        let database = Database::new(options).await;
        let ids = [database.keyspace(KEYSPACES[0]).await, database.keyspace(KEYSPACES[1]).await];
        Self { database, ids, history: History::default() }
    }

    fn tick(&self, micros: u64) {
        self.database.clock.advance(micros);
    }

    fn history_versions(&self) -> u64 {
        let stats = self.database.store.engine().stats().keyspaces;
        stats
            .iter()
            .filter(|stats| self.ids.contains(&stats.keyspace))
            .map(|stats| stats.history_versions)
            .sum()
    }

    fn now(&self) -> Timestamp {
        self.database.store.clock().now()
    }

    async fn run(&mut self, op: &Op) {
        self.tick(1);
        let store = self.database.store.clone();
        match op {
            Op::Write { writes, commit, spills } => self.write(writes, *commit, *spills).await,
            Op::Clash { keyspace, key } => self.clash(usize::from(*keyspace), *key).await,
            Op::Load { keyspace, from, count, value } => {
                let keyspace = usize::from(*keyspace);
                let id = self.ids[keyspace];
                let mut ingest = store.engine().ingest(id, IngestOptions::default());
                let keys: Vec<u8> = (*from..KEYS).take(usize::from(*count)).collect();
                for key in keys.iter().rev() {
                    let value = value_bytes(value.wrapping_add(*key));
                    ingest.push(&key_bytes(*key), Some(&value)).await.expect("takes a row");
                }
                let runs = vec![ingest.finish().await.expect("finishes")];
                let lock = store.lock_exclusive(&[id], "a load", 0).await.expect("nobody holds it");
                let commit = ExclusiveCommit { runs, ..ExclusiveCommit::default() };
                let at = store.commit_exclusive(&lock, commit).await.expect("commits").timestamp;
                for key in keys {
                    self.history.push((keyspace, key), at, Some(value_bytes(value.wrapping_add(key))));
                }
            }
            Op::Snapshot { name, keyspace, back } => {
                let at = back.and_then(|back| self.history.back(back));
                self.snapshot(&name_of(*name), keyspace.map(usize::from), at).await;
            }
            Op::Rename { name, to } => {
                let (name, to) = (name_of(*name), name_of(*to));
                let outcome = self.database.snapshots.rename(&name, &to).await;
                match self.history.snapshots.get(&name).copied() {
                    None => assert!(matches!(outcome, Err(Error::NotFound { .. })), "{outcome:?}"),
                    Some(_) if name != to && self.history.snapshots.contains_key(&to) => {
                        assert!(matches!(outcome, Err(Error::Exists(_))), "{outcome:?}");
                    }
                    Some(snapshot) => {
                        outcome.expect("renames");
                        self.history.snapshots.remove(&name);
                        self.history.snapshots.insert(to, snapshot);
                    }
                }
            }
            Op::Drop { name } => {
                let dropped =
                    self.database.snapshots.drop_many(&[name_of(*name)], true).await.expect("drops");
                let was_there = self.history.snapshots.remove(&name_of(*name)).is_some();
                assert_eq!(dropped.len(), usize::from(was_there));
            }
            Op::Restore { keyspaces, name, back, files, safety } => {
                let to = match name {
                    Some(name) => self.history.snapshots.get(&name_of(*name)).map(|(at, _)| *at),
                    None => self.history.back(*back),
                };
                if let Some(to) = to {
                    self.restore(*keyspaces, to, *files, *safety).await;
                }
            }
            Op::Pass { micros } => self.tick(u64::from(*micros)),
            Op::Flush => store.engine().flush().await.expect("flushes"),
            Op::Compact => store.engine().compact().await.expect("compacts"),
            Op::Collect => drop(store.engine().collect().await.expect("collects")),
            Op::Reopen => self.database.reopen().await,
            Op::Crash { seed } => self.database.crash(u64::from(*seed)).await,
        }
    }

    async fn write(&mut self, writes: &[(u8, u8, Option<u8>)], commit: bool, spills: u8) {
        let transaction = self.database.store.begin();
        for (number, (keyspace, key, value)) in writes.iter().enumerate() {
            let id = self.ids[usize::from(*keyspace)];
            match value {
                Some(value) => transaction.put(id, key_bytes(*key), value_bytes(*value)).expect("writes"),
                None => transaction.delete(id, key_bytes(*key)).expect("writes"),
            }
            if spills != 0 {
                self.spill(&transaction, &writes[..=number], spills).await;
            }
        }
        if !commit {
            transaction.rollback().expect("rolls back");
            return;
        }
        let at = transaction.commit(Durability::Sync).await.expect("commits").timestamp;
        for (keyspace, key, value) in writes {
            self.history.push((usize::from(*keyspace), *key), at, value.map(value_bytes));
        }
    }

    /// Writes keyspaces of a transaction into files; it sees what it saw before.
    async fn spill(&self, transaction: &Transaction, writes: &[(u8, u8, Option<u8>)], spills: u8) {
        let ids = self.ids;
        let is_chosen = |id| (0..2).any(|keyspace| ids[keyspace] == id && spills & (1 << keyspace) != 0);
        transaction.spill(is_chosen).await.expect("spills");
        for (keyspace, id) in ids.into_iter().enumerate() {
            let mut expected = self.history.state(keyspace, transaction.timestamp());
            for (_, key, value) in writes.iter().filter(|(of, ..)| usize::from(*of) == keyspace) {
                expected.retain(|(other, _)| other != key);
                expected.extend(value.map(|value| (*key, value_bytes(value))));
            }
            expected.sort();
            for reverse in [false, true] {
                let options = ScanOptions { reverse, batch_rows: 5, limit: None };
                let mut scan = transaction.scan(id, KeyRange::all(), options).expect("scans");
                let mut rows = Vec::new();
                while let Some(batch) = scan.next().await.expect("reads") {
                    rows.extend(rows_of(&batch));
                }
                if reverse {
                    rows.reverse();
                }
                assert_eq!(rows, expected, "what a transaction wrote into {keyspace}");
            }
            for (_, key, _) in writes {
                let value = transaction.get(id, &key_bytes(*key)).await.expect("reads");
                let expected = expected.iter().find(|(other, _)| other == key);
                assert_eq!(value.as_ref(), expected.map(|(_, value)| value), "{key} in {keyspace}");
            }
        }
    }

    async fn clash(&mut self, keyspace: usize, key: u8) {
        let store = &self.database.store;
        let (one, two) = (store.begin(), store.begin());
        one.put(self.ids[keyspace], key_bytes(key), value_bytes(1)).expect("writes");
        two.put(self.ids[keyspace], key_bytes(key), value_bytes(2)).expect("writes");
        // Wherever they are.
        match key % 3 {
            0 => one.spill(|_| true).await.expect("spills"),
            1 => two.spill(|_| true).await.expect("spills"),
            _ => {}
        }
        let at = one.commit(Durability::Sync).await.expect("the first commits").timestamp;
        let second = two.commit(Durability::Sync).await;
        assert!(matches!(second, Err(MvccError::Conflict { .. })), "{second:?}");
        self.history.push((keyspace, key), at, Some(value_bytes(1)));
    }

    async fn snapshot(&mut self, name: &str, keyspace: Option<usize>, at: Option<Timestamp>) {
        let scope = match keyspace {
            None => SnapshotScope::Database(None),
            Some(keyspace) => SnapshotScope::Objects(vec![self.database.object(KEYSPACES[keyspace]).await]),
        };
        let request = CreateSnapshot { at, ..CreateSnapshot::of(name, scope) };
        match self.database.snapshots.create(request).await {
            Ok(created) => {
                assert!(!self.history.snapshots.contains_key(name));
                self.history.snapshots.insert(name.into(), (created.into_snapshot().at, keyspace));
            }
            Err(Error::Exists(_)) => assert!(self.history.snapshots.contains_key(name)),
            Err(Error::Store(error)) if is_too_old(&error) => {
                let at = at.expect("the present is never too old");
                let horizon = self.database.store.engine().database_horizon();
                assert!(at < horizon, "{at} is not below {horizon}");
            }
            Err(other) => panic!("{other}"),
        }
    }

    async fn restore(&mut self, keyspaces: u8, to: Timestamp, files: bool, safety: bool) {
        let chosen: Vec<usize> = (0..2).filter(|k| keyspaces & (1 << k) != 0).collect();
        let mut targets = Vec::new();
        for keyspace in &chosen {
            targets.push(self.database.object(KEYSPACES[*keyspace]).await);
        }
        let request = RestoreRequest {
            safety: if safety { SafetySnapshot::Forever } else { SafetySnapshot::None },
            log_bytes_max: if files { 0 } else { 1 << 20 },
            wait_us: 0,
            ..RestoreRequest::new(RestorePlan::of_kept(targets, to))
        };
        let before = self.now();
        let planned = restore::dry_run(&self.database.snapshots, &request).await;
        let done = restore::run(&self.database.snapshots, request).await;
        let (planned, done) = match (planned, done) {
            (Ok(planned), Ok(done)) => (planned, done),
            (Err(Error::Store(planned)), Err(Error::Store(done))) => {
                assert!(is_too_old(&planned) && is_too_old(&done), "{planned} {done}");
                assert!(chosen.iter().any(|k| !self.is_readable(*k, to)));
                return;
            }
            // What the plan wrote into the log may have let the horizon pass the moment.
            (Ok(_), Err(Error::Store(done))) => {
                assert!(is_too_old(&done), "{done}");
                assert!(chosen.iter().any(|k| !self.is_readable(*k, to)));
                return;
            }
            other => panic!("plan and run disagree: {other:?}"),
        };
        let mut differs = false;
        let mut expected = Vec::new();
        for (index, keyspace) in chosen.iter().enumerate() {
            let mut counts = (0, 0, 0);
            for key in 0..KEYS {
                let then = self.history.at((*keyspace, key), to).cloned();
                let now = self.history.at((*keyspace, key), before).cloned();
                match (&then, &now) {
                    _ if then == now => continue,
                    (None, _) => counts.0 += 1,
                    (Some(_), Some(_)) => counts.1 += 1,
                    (Some(_), None) => counts.2 += 1,
                }
                differs = true;
                expected.push(((*keyspace, key), then));
            }
            for report in [&planned.targets[index], &done.targets[index]] {
                assert_eq!((report.deleted, report.reverted, report.brought_back), counts);
            }
        }
        assert_eq!(done.commit.is_some(), differs, "a commit exactly when something differs");
        if let Some(commit) = done.commit {
            for (key, value) in expected {
                self.history.push(key, commit.timestamp, value);
            }
        }
        if let Some(name) = done.safety_snapshot {
            let safety = self.database.snapshots.get(&name).await.expect("it was created");
            let scope = if chosen.len() == 2 { None } else { Some(chosen[0]) };
            // A snapshot of both keyspaces pins what a database-wide one pins of them.
            self.history.snapshots.insert(name, (safety.at, scope));
        }
    }

    fn is_readable(&self, keyspace: usize, at: Timestamp) -> bool {
        at >= self.database.store.engine().horizon(self.ids[keyspace]) || self.history.is_pinned(keyspace, at)
    }

    /// Compares every `stride`th moment, every snapshot, and the differences between snapshots and now.
    async fn check(&self, stride: usize) {
        let now = self.now();
        let mut moments: BTreeSet<Timestamp> = [now, Timestamp::FIRST].into();
        for commit in self.history.commits.iter().rev().step_by(stride) {
            moments.extend([commit.previous(), *commit]);
        }
        moments.extend(self.history.snapshots.values().map(|(at, _)| *at));
        for keyspace in 0..2 {
            for (index, at) in moments.iter().rev().enumerate() {
                self.check_moment(keyspace, *at, index).await;
            }
        }
        // What is not committed is in no difference.
        let open = self.database.store.begin();
        for (keyspace, id) in self.ids.into_iter().enumerate() {
            open.put(id, key_bytes(keyspace as u8), value_bytes(7)).expect("writes");
            open.delete(id, key_bytes(keyspace as u8 + 3)).expect("writes");
        }
        let listed = self.database.snapshots.list().await.expect("lists");
        let names: Vec<&String> = listed.iter().map(|snapshot| &snapshot.name).collect();
        assert_eq!(names, self.history.snapshots.keys().collect::<Vec<_>>());
        for (name, (at, scope)) in &self.history.snapshots {
            let view = self.database.snapshots.view(name).await.expect("a snapshot is readable");
            for keyspace in (0..2).filter(|k| scope.is_none_or(|only| only == *k)) {
                assert_eq!(
                    self.read(&view, keyspace, false).await,
                    self.history.state(keyspace, *at),
                    "{name}"
                );
                self.check_diff(keyspace, *at, now).await;
                let others = self.history.snapshots.values().filter(|(to, _)| to > at);
                for (to, _) in others.filter(|(_, scope)| scope.is_none_or(|only| only == keyspace)) {
                    self.check_diff(keyspace, *at, *to).await;
                }
            }
        }
        open.rollback().expect("rolls back");
    }

    /// One moment by a scan, and by a reverse scan or point reads in turn.
    async fn check_moment(&self, keyspace: usize, at: Timestamp, turn: usize) {
        let scope = Scope::keyspaces([self.ids[keyspace]]);
        let readable = self.is_readable(keyspace, at);
        match self.database.store.view_at_in(at, scope).await {
            Ok(view) => {
                assert!(readable, "{at} in {keyspace} should be too old");
                let expected = self.history.state(keyspace, at);
                assert_eq!(self.read(&view, keyspace, false).await, expected, "at {at} in {keyspace}");
                if turn % 4 == 1 {
                    let mut backward = self.read(&view, keyspace, true).await;
                    backward.reverse();
                    assert_eq!(backward, expected, "backward at {at} in {keyspace}");
                }
                for key in (0..KEYS).skip(turn % 3).step_by(3) {
                    let value = view.get(self.ids[keyspace], &key_bytes(key)).await.expect("reads");
                    assert_eq!(value.as_ref(), self.history.at((keyspace, key), at), "{key} at {at}");
                }
            }
            Err(error) => assert!(is_too_old(&error) && !readable, "{at} in {keyspace}: {error}"),
        }
    }

    /// All keys, and some in the middle.
    async fn check_diff(&self, keyspace: usize, from: Timestamp, to: Timestamp) {
        let id = self.ids[keyspace];
        let some = KeyRange::new(Bytes::from(key_bytes(KEYS / 4))..Bytes::from(key_bytes(KEYS / 4 * 3)));
        for (range, keys) in [(KeyRange::all(), 0..KEYS), (some, KEYS / 4..KEYS / 4 * 3)] {
            let mut scan = diff(&self.database.store, id, &range, from, to).await.expect("both are readable");
            let mut found = Vec::new();
            while let Some(d) = scan.next().await.expect("reads") {
                found.push((d.key.to_vec(), d.before, d.after));
            }
            let expected: Vec<_> = keys
                .map(|key| {
                    let before = self.history.at((keyspace, key), from).cloned();
                    let after = self.history.at((keyspace, key), to).cloned();
                    (key_bytes(key), before, after)
                })
                .filter(|(_, before, after)| before != after)
                .collect();
            assert_eq!(found, expected, "diff of {keyspace} from {from} to {to}");
        }
    }

    async fn read(&self, view: &ReadView, keyspace: usize, reverse: bool) -> Vec<(u8, Bytes)> {
        let options = ScanOptions { reverse, batch_rows: 5, limit: None };
        let mut scan = view.scan(self.ids[keyspace], KeyRange::all(), options).expect("scans");
        let mut rows = Vec::new();
        while let Some(batch) = scan.next().await.expect("reads") {
            rows.extend(rows_of(&batch));
        }
        rows
    }
}

fn rows_of(batch: &RowBatch) -> impl Iterator<Item = (u8, Bytes)> {
    (0..batch.len()).map(|row| {
        let key = std::str::from_utf8(&batch.keys.get(row)[3..]).expect("text").parse().expect("a number");
        (key, Bytes::copy_from_slice(batch.values.get(row)))
    })
}

/// Returns whether values moved to history.
async fn play(ops: &[Op]) -> bool {
    let mut world = World::new().await;
    let mut moved = false;
    for op in ops {
        Box::pin(world.run(op)).await;
        moved |= world.history_versions() > 0;
    }
    world.check(1).await;
    world.database.reopen().await;
    world.check(7).await;
    world.database.store.engine().compact().await.expect("compacts");
    moved |= world.history_versions() > 0;
    world.check(3).await;
    moved
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn random_histories_agree_with_the_oracle_at_every_moment_and_pin() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
    let cases = u32::try_from(setting("BYGONE_MODEL_CASES", 2_000)).expect("a number of cases");
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let seed = setting("BYGONE_MODEL_SEED", 1);
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config { rng_seed: RngSeed::Fixed(seed), ..config }, rng);
    let moved = std::cell::Cell::new(0);
    let outcome = runner.run(&proptest::collection::vec(op(), 1..40), |ops| {
        moved.set(moved.get() + u32::from(runtime.block_on(play(&ops))));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    assert!(moved.get() * 10 > cases * 3, "{} of {cases} histories have a history tier", moved.get());
}

#[tokio::test]
async fn unused_batches_write_nothing() {
    let database = Database::new(EngineOptions::tiny()).await;
    let before = database.store.engine().last_timestamp();
    let transaction = database.store.begin();
    transaction.commit(Durability::Sync).await.expect("commits");
    database.store.write(WriteBatch::new(), Durability::Sync).await.expect("commits");
    assert_eq!(database.store.engine().last_timestamp(), before);
}
