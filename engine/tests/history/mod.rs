//! Random histories against an oracle that keeps everything: every key at every readable moment, in both
//! directions, through flush, compaction, collection, ingest and reopening.

mod columns;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use columns::check_changed_columns;

use bygone_engine::{
    Difference, Durability, Engine, EngineOptions, IngestOptions, KeyRange, KeyspaceId, Kind, OnDuplicate,
    Pin, ReadView, Root, ScanOptions, Scope, StampedBatch, Timestamp, WriteBatch,
    check::check,
    store::OsDisk,
    testing::{ManualClock, env, random_row, row_key, row_schema},
};

/// The second has rows of columns.
const KEYSPACES: [KeyspaceId; 2] = [KeyspaceId::new(1 << 20), KeyspaceId::new(1 << 21)];

type History = BTreeMap<(KeyspaceId, Bytes), Vec<(u64, Option<Bytes>)>>;

struct Run {
    rng: StdRng,
    root: Root,
    clock: Arc<ManualClock>,
    engine: Engine,
    history: History,
    last: u64,
    pins: Vec<Pin>,
    log: Vec<String>,
    /// Different keys of a keyspace, and writes of a commit.
    keys: u32,
    writes_max: usize,
    seen: Seen,
}

/// What a history came by, so that the tests claim something.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    history: bool,
    groups: u64,
    runs: u64,
    levels: u64,
}

impl Seen {
    fn note(&mut self, engine: &Engine) {
        for stats in engine.stats().keyspaces {
            self.history |= stats.history_versions > 0;
            self.groups = self.groups.max(stats.history_groups);
            self.runs = self.runs.max(stats.history_runs);
            self.levels = self.levels.max(stats.levels);
        }
    }
}

impl Run {
    async fn new(seed: u64, root: Root) -> Self {
        let clock = ManualClock::at(0);
        let engine = open(&root, &clock).await;
        engine.start_maintenance();
        let rng = StdRng::seed_from_u64(seed);
        // Some histories have so many keys that they take several levels.
        let (keys, writes_max) = if seed.is_multiple_of(8) { (400, 80) } else { (40, 8) };
        Self {
            rng,
            root,
            clock,
            engine,
            history: History::new(),
            last: 0,
            pins: Vec::new(),
            log: Vec::new(),
            keys,
            writes_max,
            seen: Seen::default(),
        }
    }

    fn key(&mut self, keyspace: KeyspaceId) -> Bytes {
        let number: u32 = self.rng.random_range(0..self.keys);
        if keyspace == KEYSPACES[1] {
            return row_key(number);
        }
        Bytes::from(format!("k{number:03}").repeat(1 + number as usize % 3))
    }

    fn value(&mut self, keyspace: KeyspaceId) -> Bytes {
        if keyspace == KEYSPACES[1] {
            return random_row(&mut self.rng);
        }
        let len = if self.rng.random_bool(0.02) { 3_000 } else { self.rng.random_range(0..60) };
        Bytes::from(vec![self.rng.random::<u8>(); len])
    }

    /// Now and then the value that the key has or had.
    fn value_of(&mut self, keyspace: KeyspaceId, key: &Bytes) -> Bytes {
        let written = self.history.get(&(keyspace, key.clone())).into_iter().flatten();
        match written.filter_map(|(_, value)| value.clone()).next_back() {
            Some(value) if self.rng.random_bool(0.2) => value,
            _ => self.value(keyspace),
        }
    }

    fn record(&mut self, keyspace: KeyspaceId, key: Bytes, at: u64, value: Option<Bytes>) {
        let versions = self.history.entry((keyspace, key)).or_default();
        versions.retain(|(begin, _)| *begin != at);
        versions.push((at, value));
    }

    fn tick(&mut self) -> u64 {
        self.last += self.rng.random_range(1..4);
        self.clock.set(self.last);
        self.last
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..60 => self.commit().await,
            60..68 => self.pin(),
            68..74 => drop(self.unpin()),
            74..80 => self.say("flush", async |run| run.engine.flush().await.unwrap()).await,
            80..85 => self.say("settle", async |run| run.engine.compact_to_shape().await.unwrap()).await,
            85..89 => self.say("compact", async |run| run.engine.compact().await.unwrap()).await,
            89..92 => self.say("collect", async |run| _ = run.engine.collect().await.unwrap()).await,
            92..96 => self.ingest().await,
            96..98 => self.retain().await,
            _ => self.reopen().await,
        }
    }

    async fn say(&mut self, what: &str, act: impl AsyncFnOnce(&mut Self)) {
        self.log.push(what.to_owned());
        act(self).await;
    }

    async fn commit(&mut self) {
        let commits = self.rng.random_range(1..4);
        let mut batches = Vec::new();
        for _ in 0..commits {
            let at = self.tick();
            let mut batch = WriteBatch::new();
            for _ in 0..self.rng.random_range(1..self.writes_max) {
                let keyspace = KEYSPACES[self.rng.random_range(0..2)];
                let key = self.key(keyspace);
                if self.rng.random_bool(0.3) {
                    batch.delete(keyspace, key.clone());
                    self.record(keyspace, key, at, None);
                } else {
                    let value = self.value_of(keyspace, &key);
                    batch.put(keyspace, key.clone(), value.clone());
                    self.record(keyspace, key, at, Some(value));
                }
            }
            batches.push((Timestamp::from_micros(at), batch));
        }
        self.log.push(format!("commit through {}", self.last));
        self.engine.wait_for_room().await.unwrap();
        let group: Vec<_> = batches.iter().map(|(at, batch)| StampedBatch { at: *at, batch }).collect();
        self.engine.append(&group, Durability::Buffered).await.unwrap();
    }

    async fn ingest(&mut self) {
        let keyspace = KEYSPACES[self.rng.random_range(0..2)];
        let options = IngestOptions { on_duplicate: OnDuplicate::KeepLast, absent_from: None };
        let mut ingest = self.engine.ingest(keyspace, options);
        let mut rows = Vec::new();
        for _ in 0..self.rng.random_range(1..120) {
            let (key, value) = (self.key(keyspace), self.value(keyspace));
            let value = self.rng.random_bool(0.8).then_some(value);
            ingest.push(&key, value.as_deref()).await.unwrap();
            rows.push((key, value));
        }
        let run = ingest.finish().await.unwrap();
        let at = self.tick();
        self.log.push(format!("ingest at {at}"));
        self.engine.publish_ingest(Timestamp::from_micros(at), vec![run]).await.unwrap();
        for (key, value) in rows {
            self.record(keyspace, key, at, value);
        }
    }

    fn scope(&mut self) -> Scope {
        match self.rng.random_range(0..3) {
            0 => Scope::Database,
            one => Scope::keyspaces([KEYSPACES[one - 1]]),
        }
    }

    fn pin(&mut self) {
        let scope = self.scope();
        let at = self.rng.random_range(0..=self.last);
        let readable = KEYSPACES
            .iter()
            .filter(|keyspace| scope.covers(**keyspace))
            .all(|keyspace| self.is_readable(*keyspace, at));
        let pin = self.engine.pin(Timestamp::from_micros(at), scope.clone());
        self.log.push(format!("pin {at} {scope:?}: {}", pin.is_ok()));
        if !readable {
            assert!(pin.is_err(), "an unreadable moment is not pinned");
        }
        self.pins.extend(pin.ok());
    }

    fn unpin(&mut self) -> Option<Pin> {
        if self.pins.is_empty() {
            return None;
        }
        let index = self.rng.random_range(0..self.pins.len());
        let pin = self.pins.swap_remove(index);
        self.log.push(format!("unpin {}", pin.timestamp()));
        Some(pin)
    }

    async fn retain(&mut self) {
        let retention = self.rng.random_range(0..60);
        let keyspace = [None, Some(KEYSPACES[0])][self.rng.random_range(0..2)];
        self.log.push(format!("retention of {keyspace:?} {retention}"));
        self.engine.set_retention(keyspace, Some(retention)).await.unwrap();
    }

    async fn reopen(&mut self) {
        self.log.push("reopen".to_owned());
        if self.rng.random_bool(0.5) || self.root.is_memory() {
            self.engine.close().await.unwrap();
        } else {
            // As a crash that loses no operating system: the log brings the memtable back.
            self.engine.sync().await.unwrap();
        }
        let pins: Vec<_> = self.pins.drain(..).map(|pin| (pin.timestamp(), pin.scope().clone())).collect();
        let other =
            Engine::open(Root::memory(), env(&self.clock, 7), EngineOptions::default()).await.unwrap();
        drop(std::mem::replace(&mut self.engine, other));
        let report = check(&self.root, &env(&self.clock, 7), &|_, _| {}).await.unwrap();
        assert_eq!(report.findings.into_vec(), []);
        self.engine = open(&self.root, &self.clock).await;
        self.pins = pins.into_iter().map(|(at, scope)| self.engine.register_durable_pin(at, scope)).collect();
        self.engine.start_maintenance();
        assert_eq!(self.engine.last_timestamp().as_micros(), self.last);
    }

    fn is_readable(&self, keyspace: KeyspaceId, at: u64) -> bool {
        let pinned = |pin: &Pin| pin.timestamp().as_micros() == at && pin.scope().covers(keyspace);
        at >= self.engine.horizon(keyspace).as_micros() || self.pins.iter().any(pinned)
    }

    fn expected(&self, keyspace: KeyspaceId, at: u64) -> BTreeMap<Bytes, Bytes> {
        let mut rows = BTreeMap::new();
        for ((id, key), versions) in &self.history {
            let newest = versions.iter().rev().find(|(begin, _)| *begin <= at);
            if let (true, Some((_, Some(value)))) = (*id == keyspace, newest) {
                rows.insert(key.clone(), value.clone());
            }
        }
        rows
    }

    async fn check(&mut self) {
        let moments: BTreeSet<u64> = (0..=self.last).collect();
        for keyspace in KEYSPACES {
            for at in &moments {
                let view = self.engine.view(Timestamp::from_micros(*at), Scope::keyspaces([keyspace]));
                assert_eq!(view.is_ok(), self.is_readable(keyspace, *at), "readable {keyspace} at {at}");
                let Ok(view) = view else { continue };
                let expected = self.expected(keyspace, *at);
                assert_eq!(scan(&view, keyspace, false).await, expected, "scan of {keyspace} at {at}");
                if keyspace == KEYSPACES[1] && at % 3 == 0 {
                    self.check_columns(&view, &expected).await;
                    self.check_columns_in_any_order(&view, &expected).await;
                }
                if at % 7 == 0 {
                    assert_eq!(scan(&view, keyspace, true).await, expected, "reverse scan at {at}");
                    for (id, key) in self.history.keys() {
                        if *id == keyspace {
                            let value = view.get(keyspace, key).await.unwrap();
                            assert_eq!(value.as_ref(), expected.get(key), "get {key:?} at {at}");
                        }
                    }
                }
            }
        }
        self.check_diff().await;
        for keyspace in KEYSPACES {
            self.check_versions(keyspace).await;
        }
        self.engine.verify().await.unwrap();
    }

    /// What differs between two moments, of all keys or some, by a comparison of what both hold.
    async fn check_diff(&mut self) {
        let keyspace = KEYSPACES[self.rng.random_range(0..2)];
        let readable: Vec<u64> = (0..=self.last).filter(|at| self.is_readable(keyspace, *at)).collect();
        for turn in 0..8 {
            let a = readable[self.rng.random_range(0..readable.len())];
            let b = readable[self.rng.random_range(0..readable.len())];
            let (from, to) = (a.min(b), a.max(b));
            let range = if turn % 2 == 0 { KeyRange::all() } else { self.range(keyspace) };
            // In either order: the later view may be the older one.
            let view =
                |at| self.engine.view(Timestamp::from_micros(at), Scope::keyspaces([keyspace])).unwrap();
            let later = view(to);
            let earlier = view(from);
            let in_range = |rows: BTreeMap<Bytes, Bytes>| -> BTreeMap<Bytes, Bytes> {
                rows.into_iter().filter(|(key, _)| range.contains(key)).collect()
            };
            let (old, new) = (in_range(self.expected(keyspace, from)), in_range(self.expected(keyspace, to)));
            let keys: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
            let differ: Vec<Difference> = keys
                .into_iter()
                .filter(|key| old.get(key) != new.get(key))
                .map(|key| {
                    let (before, after) = (old.get(&key).cloned(), new.get(&key).cloned());
                    let (before_begin, after_begin) =
                        (self.begin(keyspace, &key, from), self.begin(keyspace, &key, to));
                    let before_begin = if before.is_some() { before_begin } else { Timestamp::ZERO };
                    let after_begin = if after.is_some() { after_begin } else { Timestamp::ZERO };
                    Difference { key, before, after, before_begin, after_begin }
                })
                .collect();
            let mut diff = self.engine.diff(keyspace, &range, &earlier, &later).unwrap();
            for expected in &differ {
                let found = diff.next().await.unwrap().expect("a difference is reported");
                assert_eq!(found, *expected, "{from} to {to}");
            }
            assert_eq!(diff.next().await.unwrap(), None, "nothing else differs from {from} to {to}");
            if keyspace == KEYSPACES[1] {
                let changes = self.engine.changes(keyspace, &range, &earlier, &later).unwrap();
                check_changed_columns(changes, &differ, &old, &new).await;
            }
        }
    }

    fn range(&mut self, keyspace: KeyspaceId) -> KeyRange {
        let (a, b) = (self.key(keyspace), self.key(keyspace));
        let (first, last) = (a.clone().min(b.clone()), a.max(b));
        match self.rng.random_range(0..4) {
            0 => KeyRange::new(first..),
            1 => KeyRange::new(..last),
            2 => KeyRange::new(first..=last),
            _ => KeyRange::new(first..last),
        }
    }

    /// When the newest version of a key up to a moment was written.
    fn begin(&self, keyspace: KeyspaceId, key: &Bytes, at: u64) -> Timestamp {
        let versions = &self.history[&(keyspace, key.clone())];
        let newest = versions.iter().rev().find(|(begin, _)| *begin <= at);
        Timestamp::from_micros(newest.map_or(0, |(begin, _)| *begin))
    }

    /// Every version that the engine reports is one that was written, in order, with its true end as far as
    /// that can be read; and none that the rules keep is missing.
    async fn check_versions(&self, keyspace: KeyspaceId) {
        let last = Timestamp::LAST;
        let mut place = None;
        let mut scan = self.engine.versions(keyspace, KeyRange::all(), Timestamp::ZERO, last).unwrap();
        let mut found = BTreeSet::new();
        while let Some(version) = scan.next().await.unwrap() {
            found.insert((version.key.clone(), version.begin.as_micros()));
            let versions = &self.history[&(keyspace, version.key.clone())];
            let begin = version.begin.as_micros();
            let index = versions.iter().position(|(at, _)| *at == begin).expect("it was written");
            let true_end = versions.get(index + 1).map_or(self.last + 1, |(end, _)| *end);
            // A delete may be dated by a version that is gone.
            let is_gone =
                version.kind == Kind::Delete && !(begin..true_end).any(|at| self.is_readable(keyspace, at));
            let value = version.clone().into_value();
            assert!(is_gone || versions[index].1 == value, "value of {version:?}");
            let end = |end: Timestamp| end.as_micros().min(self.last + 1);
            let between = true_end.min(end(version.end))..true_end.max(end(version.end));
            // Of deletes in a row one may stand for all.
            let is_said_by_others = |at| version.kind == Kind::Delete && value_at(versions, at).is_none();
            let is_told_apart =
                between.clone().any(|at| self.is_readable(keyspace, at) && !is_said_by_others(at));
            assert!(!is_told_apart, "the end of {version:?} is {true_end}");
            let this = Some((version.key, std::cmp::Reverse(begin)));
            assert!(place < this, "versions come in order");
            place = this;
        }
        let horizon = self.engine.horizon(keyspace).as_micros();
        for ((id, key), versions) in self.history.iter().filter(|((id, _), _)| *id == keyspace) {
            // Where the newest value begins that is kept below, if no delete that is kept came since.
            let mut value_below = None;
            // Of the deletes since the last value that is kept, one stands for all before the horizon.
            let mut is_gone = false;
            for (index, (begin, value)) in versions.iter().enumerate() {
                let end = versions.get(index + 1).map_or(self.last + 1, |(end, _)| *end);
                let is_readable = (*begin..end).any(|at| self.is_readable(*id, at));
                let is_found = found.contains(&(key.clone(), *begin));
                is_gone = if value.is_some() { is_gone && !is_readable } else { is_gone || is_found };
                // Of deletes before the horizon, those right above a value that is kept.
                if is_readable && (value.is_some() || value_below.is_some() || *begin > horizon) {
                    // It may be dated by a version in between that is gone.
                    let between = |since: u64| (key.clone(), since + 1)..=(key.clone(), *begin);
                    let is_dated = value.is_none()
                        && value_below.is_some_and(|since| found.range(between(since)).next().is_some());
                    let is_said = is_found || is_dated || is_gone && *begin <= horizon;
                    assert!(is_said, "version {begin} of {key:?} is missing");
                }
                if is_readable {
                    value_below = value.is_some().then_some(*begin);
                }
            }
        }
    }

    /// With no pin and no retention left, nothing of the past is.
    async fn check_end(&mut self) {
        self.pins.clear();
        for keyspace in [None, Some(KEYSPACES[0])] {
            self.engine.set_retention(keyspace, Some(0)).await.unwrap();
        }
        self.engine.compact().await.unwrap();
        for keyspace in KEYSPACES {
            let alive = self.expected(keyspace, self.last).len() as u64;
            let stats = self.engine.stats().keyspaces;
            let stored =
                stats.iter().find(|stats| stats.keyspace == keyspace).map_or(0, |stats| stats.versions);
            assert_eq!(stored, alive, "nothing but the present is left of {keyspace}");
        }
        self.check().await;
    }
}

fn value_at(versions: &[(u64, Option<Bytes>)], at: u64) -> Option<&Bytes> {
    versions.iter().rev().find(|(begin, _)| *begin <= at)?.1.as_ref()
}

async fn open(root: &Root, clock: &Arc<ManualClock>) -> Engine {
    let options = EngineOptions { retention_us: 50, ..EngineOptions::tiny() };
    let engine = Engine::open(root.clone(), env(clock, 7), options).await.unwrap();
    engine.define_rows(KEYSPACES[1], 1, row_schema);
    engine
}

async fn scan(view: &ReadView, keyspace: KeyspaceId, reverse: bool) -> BTreeMap<Bytes, Bytes> {
    let options = ScanOptions { reverse, batch_rows: 7, limit: None };
    let mut scan = view.scan(keyspace, KeyRange::all(), options).unwrap();
    let mut rows = BTreeMap::new();
    let mut last: Option<Bytes> = None;
    while let Some(batch) = scan.next().await.unwrap() {
        for (key, value) in batch.keys.iter().zip(batch.values.iter()) {
            let key = Bytes::copy_from_slice(key);
            if let Some(last) = &last {
                assert!(if reverse { key < *last } else { key > *last }, "keys come in order");
            }
            last = Some(key.clone());
            rows.insert(key, Bytes::copy_from_slice(value));
        }
    }
    rows
}

async fn run(seed: u64, root: Root, steps: usize) -> Seen {
    let mut run = Run::new(seed, root).await;
    for step in 0..steps {
        run.step().await;
        run.seen.note(&run.engine);
        if step % 12 == 11 {
            run.check().await;
        }
    }
    run.check().await;
    run.check_end().await;
    run.seen
}

/// Runs the seeds and names the one that fails.
fn run_seeds(
    seeds: std::ops::Range<u64>,
    steps: usize,
    root: impl Fn() -> (Option<tempfile::TempDir>, Root),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut seen = Vec::new();
    for seed in seeds {
        let (_dir, root) = root();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(run(seed, root, steps))
        }));
        seen.push(outcome.unwrap_or_else(|_| panic!("seed {seed} fails")));
    }
    let share =
        |is_seen: fn(&Seen) -> bool| seen.iter().filter(|seen| is_seen(seen)).count() * 100 / seen.len();
    assert!(share(|seen| seen.history) > 80, "most histories have a history tier: {seen:?}");
    assert!(share(|seen| seen.groups > 1) > 30, "many have several groups: {seen:?}");
    assert!(share(|seen| seen.runs > seen.groups) > 20, "many have several runs in a group: {seen:?}");
    assert!(share(|seen| seen.levels > 1) > 5, "some have several levels: {seen:?}");
}

#[test]
fn random_histories_in_memory_agree_with_the_oracle() {
    run_seeds(0..60, 48, || (None, Root::memory()));
}

#[test]
fn random_histories_on_disk_agree_with_the_oracle() {
    run_seeds(1_000..1_020, 48, || {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::local(OsDisk::shared(), dir.path().join("db"));
        (Some(dir), root)
    });
}
