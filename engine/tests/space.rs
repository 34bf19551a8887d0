//! Space accounting against brute force: every version of a random history, judged by the garbage rule with
//! and without the holders. Sizes are tiny, so that pages, runs and memtables are crossed all the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use bygone_engine::{
    Durability, Engine, EngineOptions, Holder, IngestOptions, KeyspaceId, KeyspaceSpace, Pin, Root, Scope,
    Size, StampedBatch, Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk, env},
};

const KEYSPACES: [KeyspaceId; 2] = [KeyspaceId::new(1 << 20), KeyspaceId::new(1 << 21)];
const RETENTION_US: u64 = 25;

/// Begin and whether it is a value, of every version of every key, oldest first.
type History = BTreeMap<(KeyspaceId, String), Vec<(u64, bool)>>;

struct Run {
    rng: StdRng,
    clock: Arc<ManualClock>,
    engine: Engine,
    history: History,
    holders: Vec<(Holder, Pin)>,
    now: u64,
    /// Versions that were found to belong to one holder only, in all checks: the test must not be about
    /// nothing.
    exclusive: u64,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let clock = ManualClock::at(0);
        let options = EngineOptions { retention_us: RETENTION_US, ..EngineOptions::tiny() };
        let engine = Engine::open(Root::memory(), env(&clock, seed), options).await.unwrap();
        engine.start_maintenance();
        let rng = StdRng::seed_from_u64(seed);
        Self { rng, clock, engine, history: History::new(), holders: Vec::new(), now: 0, exclusive: 0 }
    }

    fn tick(&mut self) -> Timestamp {
        self.now += self.rng.random_range(1..3);
        self.clock.set(self.now);
        Timestamp::from_micros(self.now)
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..75 => self.commit().await,
            75..84 => self.hold(),
            84..86 => self.let_go(),
            86..93 => self.engine.flush().await.unwrap(),
            93..95 => self.engine.compact_to_shape().await.unwrap(),
            95..97 => self.engine.compact().await.unwrap(),
            _ => self.ingest().await,
        }
    }

    async fn commit(&mut self) {
        let at = self.tick();
        let mut batch = WriteBatch::new();
        for _ in 0..self.rng.random_range(1..5) {
            let keyspace = KEYSPACES[self.rng.random_range(0..2)];
            let key = format!("k{:02}", self.rng.random_range(0..40));
            let is_value = self.rng.random_bool(0.75);
            let versions = self.history.entry((keyspace, key.clone())).or_default();
            versions.retain(|(begin, _)| *begin != at.as_micros());
            versions.push((at.as_micros(), is_value));
            if is_value {
                batch.put(keyspace, key, vec![7; self.rng.random_range(0..200)]);
            } else {
                batch.delete(keyspace, key);
            }
        }
        self.engine.wait_for_room().await.unwrap();
        self.engine.append(&[StampedBatch { at, batch: &batch }], Durability::Sync).await.unwrap();
    }

    async fn ingest(&mut self) {
        let at = self.tick();
        let mut ingest = self.engine.ingest(KEYSPACES[0], IngestOptions::default());
        for number in 0..self.rng.random_range(1..40) {
            let key = format!("k{number:02}");
            ingest.push(key.as_bytes(), Some(b"loaded in bulk")).await.unwrap();
            self.history.entry((KEYSPACES[0], key)).or_default().push((at.as_micros(), true));
        }
        let run = ingest.finish().await.unwrap();
        self.engine.publish_ingest(at, vec![run]).await.unwrap();
    }

    /// Two holders may have one moment.
    fn hold(&mut self) {
        let at = Timestamp::from_micros(self.now - self.rng.random_range(0..=self.now.min(3)));
        let scope = match self.rng.random_range(0..3) {
            0 => Scope::Database,
            number => Scope::keyspaces([KEYSPACES[number - 1]]),
        };
        if let Ok(pin) = self.engine.pin(at, scope.clone()) {
            self.holders.push((Holder { at, scope }, pin));
        }
    }

    fn let_go(&mut self) {
        if !self.holders.is_empty() {
            let number = self.rng.random_range(0..self.holders.len());
            self.holders.swap_remove(number);
        }
    }

    fn holders(&self) -> Vec<Holder> {
        self.holders.iter().map(|(holder, _)| holder.clone()).collect()
    }

    async fn space(&self, dropped: &BTreeSet<usize>) -> Vec<KeyspaceSpace> {
        self.engine.space(&self.holders(), dropped).await.unwrap()
    }

    /// Lifetimes of all values of a keyspace that were ever there.
    fn lifetimes(&self, keyspace: KeyspaceId) -> Vec<(u64, u64)> {
        let of_key = |versions: &Vec<(u64, bool)>| -> Vec<(u64, u64)> {
            let ends = versions.iter().skip(1).map(|(begin, _)| *begin).chain([u64::MAX]);
            let lives = versions.iter().zip(ends).filter(|((_, is_value), _)| *is_value);
            lives.map(|((begin, _), end)| (*begin, end)).collect()
        };
        self.history.iter().filter(|((id, _), _)| *id == keyspace).flat_map(|(_, all)| of_key(all)).collect()
    }

    /// How many values of a keyspace the garbage rule keeps while these holders are there.
    fn kept(&self, keyspace: KeyspaceId, holders: &[&Holder]) -> u64 {
        let horizon = self.engine.horizon(keyspace).as_micros();
        let pins: Vec<u64> = holders
            .iter()
            .filter(|holder| holder.scope.covers(keyspace))
            .map(|holder| holder.at.as_micros())
            .chain([horizon])
            .collect();
        let is_kept = |(begin, end): &&(u64, u64)| {
            *begin > horizon || pins.iter().any(|pin| (*begin..*end).contains(pin)) || *end > horizon
        };
        self.lifetimes(keyspace).iter().filter(is_kept).count() as u64
    }

    async fn check(&mut self) {
        let holders = self.holders();
        let dropped: BTreeSet<usize> = (0..holders.len()).filter(|_| self.rng.random_bool(0.4)).collect();
        let mut exclusive = 0;
        for space in self.space(&dropped).await {
            let keyspace = space.keyspace;
            let all: Vec<&Holder> = holders.iter().collect();
            let kept = self.kept(keyspace, &all);
            assert_eq!(space.stored.versions - space.free.versions, kept, "what is needed is there");
            let open = self.lifetimes(keyspace).iter().filter(|(_, end)| *end == u64::MAX).count();
            assert_eq!(space.current.versions, open as u64);
            let without = |gone: &dyn Fn(usize) -> bool| -> u64 {
                let left: Vec<&Holder> =
                    holders.iter().enumerate().filter(|(number, _)| !gone(*number)).map(|(_, h)| h).collect();
                kept - self.kept(keyspace, &left)
            };
            assert_eq!(space.freed.versions, without(&|number| dropped.contains(&number)));
            for (number, holder) in holders.iter().enumerate() {
                let at = holder.at.as_micros();
                let sees = |(begin, end): &&(u64, u64)| (*begin..*end).contains(&at);
                let seen = self.lifetimes(keyspace).iter().filter(sees).count() as u64;
                let expected = if holder.scope.covers(keyspace) { seen } else { 0 };
                assert_eq!(space.referenced[number].versions, expected);
                assert_eq!(space.exclusive[number].versions, without(&|other| other == number));
                exclusive += space.exclusive[number].versions;
                assert!(space.exclusive[number].bytes <= space.referenced[number].bytes);
                assert_eq!(space.referenced[number].bytes > 0, expected > 0);
            }
            for size in [space.current, space.free, space.freed] {
                assert!(size.bytes <= space.stored.bytes + 1, "a part is not larger than the whole");
            }
        }
        self.exclusive += exclusive;
    }
}

#[tokio::test]
async fn random_histories_are_accounted_for_as_the_garbage_rule_judges_every_version() {
    let mut exclusive = 0;
    for seed in 0..25 {
        let mut run = Run::new(seed).await;
        for step in 0..160 {
            run.step().await;
            if step % 8 == 7 {
                run.check().await;
            }
        }
        run.engine.raise_horizons().await.unwrap();
        run.check().await;
        exclusive += run.exclusive;
    }
    assert!(exclusive > 500, "{exclusive}");
}

#[tokio::test]
async fn dropping_and_compacting_frees_what_was_foretold() {
    for seed in 100..115 {
        let mut run = Run::new(seed).await;
        for _ in 0..200 {
            run.step().await;
        }
        run.engine.raise_horizons().await.unwrap();
        let dropped: BTreeSet<usize> = (0..run.holders.len()).filter(|number| number % 3 != 0).collect();
        let before = run.space(&dropped).await;
        let mut number = 0;
        run.holders.retain(|_| {
            number += 1;
            !dropped.contains(&(number - 1))
        });
        run.engine.compact().await.unwrap();
        let after = run.space(&BTreeSet::new()).await;
        for (before, after) in before.iter().zip(&after) {
            let foretold = before.stored.versions - before.free.versions - before.freed.versions;
            assert_eq!((after.stored.versions, after.free), (foretold, Size::default()), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn settled_pages_are_counted_without_reading_them() {
    let clock = ManualClock::at(0);
    let disk = SimDisk::default();
    let root = Root::local(Arc::new(disk.clone()), "/db");
    let engine = Engine::open(root, env(&clock, 1), EngineOptions::tiny()).await.unwrap();
    engine.start_maintenance();
    for at in 1..=20_u64 {
        let mut batch = WriteBatch::new();
        for row in 0..20_u64 {
            batch.put(KEYSPACES[0], (at * 100 + row).to_be_bytes().to_vec(), vec![1; 100]);
        }
        engine.wait_for_room().await.unwrap();
        let at = Timestamp::from_micros(at);
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Sync).await.unwrap();
    }
    engine.compact().await.unwrap();
    let holder = Holder { at: Timestamp::from_micros(20), scope: Scope::Database };
    let before = disk.reads();
    let space = &engine.space(&[holder], &BTreeSet::new()).await.unwrap()[0];
    assert_eq!((space.stored.versions, space.referenced[0]), (400, space.stored));
    let manifest = engine.manifest();
    let stored: u64 = manifest.files().map(|file| file.tail_offset).sum();
    assert_eq!(space.stored.bytes, stored, "pages fill the file up to the page index");
    assert_eq!(disk.reads(), before);
}

#[tokio::test]
async fn what_is_written_while_space_is_counted_does_not_count() {
    let clock = ManualClock::at(0);
    let options = EngineOptions { memtable_bytes: 16 << 20, ..EngineOptions::tiny() };
    let engine = Engine::open(Root::memory(), env(&clock, 1), options).await.unwrap();
    let write = async |at: u64, keys: &mut dyn Iterator<Item = u64>| {
        let mut batch = WriteBatch::new();
        for key in keys {
            batch.put(KEYSPACES[0], key.to_be_bytes().to_vec(), vec![7; 20]);
        }
        let at = Timestamp::from_micros(at);
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
    };
    write(1, &mut (0..2_000)).await;
    engine.flush().await.unwrap();
    // Apart from what is in files, and over it.
    write(2, &mut (1_000..12_000).step_by(2)).await;
    let holders = [2, 3].map(|at| Holder { at: Timestamp::from_micros(at), scope: Scope::Database });
    let none = BTreeSet::new();
    let before = engine.space(&holders, &none).await.unwrap();
    assert_eq!((before[0].stored.versions, before[0].current.versions), (7_500, 7_000));
    // The count gives way where it has looked at some of the rows: then all keys are written, and others in
    // between.
    let mut keys = 0..12_000;
    let (meanwhile, ()) = futures::join!(engine.space(&holders, &none), write(3, &mut keys));
    assert_eq!(meanwhile.unwrap(), before);
    let after = engine.space(&holders, &none).await.unwrap();
    assert_eq!((after[0].stored.versions, after[0].current.versions), (19_500, 12_000));
}
