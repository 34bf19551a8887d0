//! The two tiers: what moves to history, what readers find there, and how it goes.

use std::sync::Arc;

use bytes::Bytes;

use bygone_engine::{
    Durability, Engine, EngineOptions, KeyRange, KeyspaceId, KeyspaceStats, Kind, Pin, ReadView, Root,
    ScanOptions, Scope, StampedBatch, Timestamp, WriteBatch,
    testing::{ManualClock, SimDisk, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);

struct Database {
    clock: Arc<ManualClock>,
    root: Root,
    engine: Engine,
    options: EngineOptions,
}

impl Database {
    async fn on(root: Root, options: EngineOptions) -> Self {
        let clock = ManualClock::at(0);
        let engine = Engine::open(root.clone(), env(&clock, 7), options.clone()).await.unwrap();
        engine.start_maintenance();
        Self { clock, root, engine, options }
    }

    async fn new(retention_us: u64) -> Self {
        Self::on(Root::memory(), EngineOptions { retention_us, ..EngineOptions::tiny() }).await
    }

    async fn reopen(&mut self, pins: &[u64]) -> Vec<Pin> {
        self.engine.close().await.unwrap();
        self.engine =
            Engine::open(self.root.clone(), env(&self.clock, 8), self.options.clone()).await.unwrap();
        let pins =
            pins.iter().map(|at| self.engine.register_durable_pin(micros(*at), Scope::Database)).collect();
        self.engine.start_maintenance();
        pins
    }

    async fn write(&self, at: u64, rows: &[(&str, Option<&str>)]) {
        let mut batch = WriteBatch::new();
        for (key, value) in rows {
            match value {
                Some(value) => batch.put(TABLE, (*key).to_owned(), (*value).to_owned()),
                None => batch.delete(TABLE, (*key).to_owned()),
            }
        }
        self.clock.set(at);
        self.engine.wait_for_room().await.unwrap();
        self.engine
            .append(&[StampedBatch { at: micros(at), batch: &batch }], Durability::Buffered)
            .await
            .unwrap();
    }

    /// Sets the keys `k000` to `k<rows>` in one commit.
    async fn fill(&self, at: u64, rows: std::ops::Range<u32>) {
        let keys: Vec<String> = rows.map(|row| format!("k{row:04}")).collect();
        let value = format!("{at:0>30}");
        let rows: Vec<_> = keys.iter().map(|key| (key.as_str(), Some(value.as_str()))).collect();
        self.write(at, &rows).await;
    }

    fn pin(&self, at: u64) -> Pin {
        self.engine.pin(micros(at), Scope::Database).unwrap()
    }

    fn view(&self, at: u64) -> ReadView {
        self.engine.view(micros(at), Scope::Database).unwrap()
    }

    fn stats(&self) -> KeyspaceStats {
        self.engine.stats().keyspaces.into_iter().find(|stats| stats.keyspace == TABLE).unwrap()
    }

    async fn get(&self, at: u64, key: &str) -> Option<Bytes> {
        self.view(at).get(TABLE, key.as_bytes()).await.unwrap()
    }

    /// Begin, end and kind of every version of a key that is listed, newest first.
    async fn versions(&self, key: &str) -> Vec<(u64, Timestamp, Kind)> {
        let range = KeyRange::single(key.to_owned());
        let mut scan = self.engine.versions(TABLE, range, Timestamp::ZERO, Timestamp::LAST).unwrap();
        let mut found = Vec::new();
        while let Some(version) = scan.next().await.unwrap() {
            found.push((version.begin.as_micros(), version.end, version.kind));
        }
        found
    }
}

fn micros(at: u64) -> Timestamp {
    Timestamp::from_micros(at)
}

async fn rows(view: &ReadView, reverse: bool) -> Vec<(Bytes, Bytes)> {
    let options = ScanOptions { reverse, ..ScanOptions::default() };
    let mut scan = view.scan(TABLE, KeyRange::all(), options).unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = scan.next().await.unwrap() {
        let own = |(key, value): (&[u8], &[u8])| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        rows.extend(batch.keys.iter().zip(batch.values.iter()).map(own));
    }
    if reverse {
        rows.reverse();
    }
    rows
}

/// v1 is open in the last level; v2 and v3 are merged above it. Were v2 moved by that merge, a reader between
/// them would find v1 and v2.
#[tokio::test]
async fn a_value_does_not_move_while_an_older_one_is_open_below() {
    let db = Database::new(1_000_000).await;
    for chunk in 0..20 {
        db.fill(10 + u64::from(chunk), chunk * 50..(chunk + 1) * 50).await;
    }
    db.engine.compact().await.unwrap();
    let bottom = db.stats();
    assert_eq!((bottom.levels, bottom.history_versions), (1, 0));
    for (round, at) in [100, 110, 120].into_iter().enumerate() {
        db.fill(at, 200..210).await;
        db.engine.flush().await.unwrap();
        assert_eq!(db.stats().level0_runs, round as u64 + 1);
    }
    db.engine.compact_to_shape().await.unwrap();
    let merged = db.stats();
    assert_eq!((merged.level0_runs, merged.levels), (0, 2), "merged above the last level");
    assert_eq!((merged.closed_versions, merged.history_versions), (20, 0), "and nothing moved");
    let check = async || {
        for at in [50, 105, 115, 125] {
            let value = format!("{:0>30}", if at == 50 { 14 } else { at / 10 * 10 });
            assert_eq!(db.get(at, "k0205").await.unwrap(), value, "at {at}");
            for reverse in [false, true] {
                let found = rows(&db.view(at), reverse).await;
                assert_eq!(found.len(), 1_000, "at {at}");
                assert_eq!(found[205].1, value, "at {at}");
            }
        }
    };
    db.clock.set(200);
    db.write(200, &[("other", None)]).await;
    check().await;
    db.engine.compact().await.unwrap();
    assert_eq!(db.stats().history_versions, 30, "now the oldest run is rewritten");
    check().await;
}

#[tokio::test]
async fn a_scan_of_now_reads_nothing_of_history() {
    let mut reads = Vec::new();
    for rounds in [1, 6] {
        let disk = SimDisk::new();
        let options = EngineOptions { cache_bytes: 0, table_bytes: 1 << 20, ..EngineOptions::tiny() };
        let db = Database::on(Root::local(disk.shared(), "/db"), options).await;
        for round in 0..rounds {
            db.fill(10 + round, 0..400).await;
        }
        db.engine.compact().await.unwrap();
        assert_eq!(db.stats().history_versions, (rounds - 1) * 400);
        let before = disk.reads();
        assert_eq!(rows(&db.view(9 + rounds), false).await.len(), 400);
        assert_eq!(rows(&db.view(9 + rounds), true).await.len(), 400);
        assert!(db.get(9 + rounds, "k0007").await.is_some());
        assert!(db.get(9 + rounds, "k0007x").await.is_none());
        reads.push(disk.reads() - before);
    }
    assert_eq!(reads[0], reads[1], "the present costs the same with a past");
}

#[tokio::test]
async fn a_difference_reads_what_changed_and_looks_for_nothing_below_what_was_inserted() {
    let disk = SimDisk::new();
    let options = EngineOptions { cache_bytes: 0, table_bytes: 1 << 20, ..EngineOptions::tiny() };
    let db = Database::on(Root::local(disk.shared(), "/db"), options).await;
    db.fill(10, 0..1_000).await;
    db.engine.compact().await.unwrap();
    let diff = async |from: u64, to: u64| {
        let before = disk.reads();
        let mut scan =
            db.engine.diff(TABLE, &KeyRange::all(), &db.view(from), &db.view(to)).expect("both are readable");
        let mut found = Vec::new();
        while let Some(difference) = scan.next().await.unwrap() {
            found.push((difference.before_begin.as_micros(), difference.after_begin.as_micros()));
        }
        (found, disk.reads() - before)
    };
    let mut reads = Vec::new();
    for (at, rows) in [(20, 500..510), (30, 0..1_000)] {
        db.fill(at, rows.clone()).await;
        db.engine.compact().await.unwrap();
        let (found, cost) = diff(at - 10, at).await;
        assert!(found.len() == rows.len() && found.iter().all(|(before, after)| before < after));
        reads.push(cost);
    }
    assert!(reads[0] * 20 < reads[1], "ten keys and a thousand: {reads:?}");
    assert_eq!(diff(20, 20).await, (Vec::new(), 0));
    // Keys between those that are there, in a run of their own.
    let keys: Vec<String> = (200..300).map(|row| format!("k{row:04}+")).collect();
    let new: Vec<_> = keys.iter().map(|key| (key.as_str(), Some("new"))).collect();
    db.write(40, &new).await;
    let in_memory = diff(30, 40).await;
    assert!(
        in_memory.0.len() == 100 && in_memory.1 < 5,
        "but for what the filter takes for known: {in_memory:?}"
    );
    db.engine.flush().await.unwrap();
    let flushed = diff(30, 40).await;
    assert_eq!(flushed.0, in_memory.0);
    let whole = rows(&db.view(40), false).await.len();
    assert!(whole == 1_100 && flushed.1 < reads[1] / 4, "{flushed:?} {reads:?}");
}

/// As in the design of the compaction module: a delete that ended stands between values that have moved.
#[tokio::test]
async fn a_delete_that_ended_hides_nothing_but_its_own_time() {
    let mut db = Database::new(1_000_000).await;
    for (at, value) in [(10, Some("a")), (20, None), (30, Some("b")), (40, Some("c"))] {
        db.write(at, &[("k", value)]).await;
        db.engine.flush().await.unwrap();
    }
    let open = Timestamp::OPEN;
    let listed = [
        (40, open, Kind::Put),
        (30, micros(40), Kind::Put),
        (20, micros(30), Kind::Delete),
        (10, micros(20), Kind::Put),
    ];
    let check = async |db: &Database| {
        for (at, value) in
            [(5, None), (10, Some("a")), (19, Some("a")), (25, None), (35, Some("b")), (40, Some("c"))]
        {
            let value = value.map(|value| Bytes::from_static(value.as_bytes()));
            assert_eq!(db.get(at, "k").await, value, "at {at}");
            for reverse in [false, true] {
                let found = rows(&db.view(at), reverse).await.pop().map(|(_, value)| value);
                assert_eq!(found, value, "scan at {at}");
            }
        }
        assert_eq!(db.versions("k").await, listed);
    };
    check(&db).await;
    db.engine.compact().await.unwrap();
    assert_eq!(db.stats().history_versions, 2);
    check(&db).await;
    db.reopen(&[]).await;
    check(&db).await;
    db.engine.compact().await.unwrap();
    check(&db).await;
}

#[tokio::test]
async fn a_delete_is_listed_as_long_as_the_value_that_it_ended_is_kept_in_history() {
    let db = Database::new(0).await;
    db.write(10, &[("k", Some("a")), ("l", Some("a"))]).await;
    let pin = db.pin(10);
    db.write(20, &[("k", Some("b"))]).await;
    db.write(30, &[("k", None)]).await;
    db.write(40, &[("l", Some("b"))]).await;
    for at in [50, 60] {
        db.engine.compact().await.unwrap();
        let stats = db.stats();
        assert_eq!((stats.history_versions, stats.versions - stats.history_versions), (2, at / 10 - 4));
        // Nobody can read the value between the two; the delete is dated by the end of the one that is kept.
        let k = db.versions("k").await;
        assert_eq!(k, [(20, Timestamp::OPEN, Kind::Delete), (10, micros(20), Kind::Put)]);
        // The conflict of a transaction that read the value.
        let newest = db.engine.newest_commit(TABLE, b"k", micros(10)).await.unwrap();
        assert_eq!(newest, Some(micros(20)));
        assert_eq!(db.engine.newest_commit(TABLE, b"k", micros(20)).await.unwrap(), None);
        let mut diff = db.engine.diff(TABLE, &KeyRange::all(), &db.view(10), &db.view(at - 10)).unwrap();
        let gone = diff.next().await.unwrap().unwrap();
        assert_eq!((gone.before.as_deref(), gone.after), (Some(&b"a"[..]), None));
        assert!(diff.next().await.unwrap().is_some_and(|changed| changed.key == "l"));
        db.write(at, &[("other", Some("x"))]).await;
    }
    drop(pin);
    db.write(70, &[("k", None)]).await;
    db.engine.compact().await.unwrap();
    assert_eq!((db.stats().history_versions, db.versions("k").await), (0, Vec::new()));
}

#[tokio::test]
async fn nothing_of_a_deleted_row_is_left_in_the_current_tier_though_a_pin_sees_it() {
    let db = Database::new(1_000_000).await;
    db.fill(10, 0..400).await;
    let _pin = db.pin(10);
    let keys: Vec<String> = (100..140).map(|row| format!("k{row:04}")).collect();
    let deletes: Vec<_> = keys.iter().map(|key| (key.as_str(), None)).collect();
    db.write(20, &deletes).await;
    db.engine.compact().await.unwrap();
    let stats = db.stats();
    assert_eq!((stats.history_versions, stats.versions - stats.history_versions), (40, 360));
    for (at, expected) in [(10, 400), (20, 360)] {
        assert_eq!(rows(&db.view(at), false).await.len(), expected);
    }
    let deleted = [(20, Timestamp::OPEN, Kind::Delete), (10, micros(20), Kind::Put)];
    assert_eq!(db.versions("k0120").await, deleted);
    // A row that comes back is no conflict of its delete.
    db.write(30, &[("k0120", Some("back"))]).await;
    db.engine.compact().await.unwrap();
    assert_eq!(db.engine.newest_commit(TABLE, b"k0120", micros(20)).await.unwrap(), Some(micros(30)));
    let again = [(30, Timestamp::OPEN, Kind::Put), (20, micros(30), Kind::Delete), deleted[1]];
    assert_eq!(db.versions("k0120").await, again);
}

#[tokio::test]
async fn a_delete_between_two_values_of_history_is_told_from_the_next_one() {
    let db = Database::new(0).await;
    let mut pins = Vec::new();
    for (at, value) in [(10, Some("a")), (20, None), (30, Some("b")), (40, None), (50, Some("c"))] {
        db.write(at, &[("k", value)]).await;
        pins.push(db.pin(at));
    }
    db.write(60, &[("other", Some("x"))]).await;
    for _ in 0..3 {
        db.engine.compact().await.unwrap();
        let begins: Vec<_> = db.versions("k").await.into_iter().map(|(begin, ..)| begin).collect();
        assert_eq!(begins, [50, 40, 30, 20, 10]);
        db.write(db.engine.last_timestamp().as_micros() + 1, &[("other", Some("y"))]).await;
    }
    // Nobody sees the value between the deletes any more: the newer delete says nothing then.
    pins.remove(2);
    for _ in 0..2 {
        db.engine.compact().await.unwrap();
        db.write(db.engine.last_timestamp().as_micros() + 1, &[("other", Some("z"))]).await;
    }
    let begins: Vec<_> = db.versions("k").await.into_iter().map(|(begin, ..)| begin).collect();
    assert_eq!(begins, [50, 20, 10]);
    assert_eq!(db.get(40, "k").await, None);
}

/// While a pin sees the older of two deletes, the newer one goes; the older must not go with the pin.
#[tokio::test]
async fn of_deletes_in_a_row_one_stays_for_the_value_below_them_when_pins_go() {
    let db = Database::new(0).await;
    db.write(10, &[("k", Some("a"))]).await;
    let oldest = db.pin(10);
    db.write(20, &[("k", None)]).await;
    let between = db.pin(20);
    db.write(30, &[("k", Some("b"))]).await;
    db.write(40, &[("k", None)]).await;
    db.write(50, &[("other", Some("x"))]).await;
    db.engine.compact().await.unwrap();
    drop(between);
    for at in [60, 70] {
        db.write(at, &[("other", Some("y"))]).await;
        db.engine.compact().await.unwrap();
        let kinds: Vec<_> = db.versions("k").await.into_iter().map(|(_, _, kind)| kind).collect();
        assert_eq!(kinds, [Kind::Delete, Kind::Put]);
        // The conflict of a transaction that read the value.
        assert!(db.engine.newest_commit(TABLE, b"k", micros(10)).await.unwrap().is_some());
    }
    drop(oldest);
    db.write(80, &[("k", None)]).await;
    db.engine.compact().await.unwrap();
    assert_eq!(db.versions("k").await, []);
}

#[tokio::test]
async fn dropping_a_snapshot_frees_its_group_unread_and_unwritten() {
    let db = Database::new(0).await;
    let mut pins = Vec::new();
    for round in 0..3u32 {
        db.fill(10 * u64::from(round) + 10, 0..400).await;
        pins.push(db.pin(10 * u64::from(round) + 10));
    }
    db.fill(100, 0..400).await;
    db.engine.compact().await.unwrap();
    let full = db.stats();
    assert_eq!((full.history_groups, full.history_runs, full.history_versions), (3, 3, 1_200));
    let (written, freed) = (db.engine.stats().compacted_bytes, full.history_bytes);
    // The middle one: no other pin sees any of its versions.
    drop(pins.remove(1));
    db.engine.compact_to_shape().await.unwrap();
    let less = db.stats();
    assert_eq!((less.history_groups, less.history_versions), (2, 800));
    assert_eq!(db.engine.stats().compacted_bytes, written, "by an edit of the manifest");
    let collected = db.engine.collect().await.unwrap();
    assert!(collected.bytes >= freed - less.history_bytes, "{collected:?}");
    for pin in &pins {
        let at = pin.timestamp().as_micros();
        let expected = Bytes::from(format!("{at:0>30}"));
        assert!(rows(&db.view(at), false).await.iter().all(|(_, value)| *value == expected));
    }
    pins.clear();
    db.engine.compact_to_shape().await.unwrap();
    assert_eq!(db.stats().history_files, 0);
}

#[tokio::test]
async fn versions_that_an_older_snapshot_needs_go_to_its_group() {
    let mut db = Database::new(0).await;
    db.fill(10, 0..400).await;
    let older = db.pin(10);
    db.fill(20, 0..200).await;
    let newer = db.pin(20);
    db.fill(30, 0..400).await;
    db.engine.compact().await.unwrap();
    let both = db.stats();
    assert_eq!((both.history_groups, both.history_versions), (2, 600));
    drop((older, newer));
    let pins = db.reopen(&[10]).await;
    db.engine.compact_to_shape().await.unwrap();
    let one = db.stats();
    assert_eq!((one.history_groups, one.history_versions), (1, 400), "the rest is gone");
    let found = rows(&db.view(10), false).await;
    assert!(found.len() == 400 && found.iter().all(|(_, value)| value.ends_with(b"10")));
    drop(pins);
    db.engine.compact_to_shape().await.unwrap();
    assert_eq!(db.stats().history_files, 0);
}

#[tokio::test]
async fn what_only_the_retention_keeps_goes_as_the_horizon_passes() {
    let db = Database::new(50).await;
    let mut most = 0;
    for at in 1..400u64 {
        db.fill(at, 0..20).await;
        if at % 5 == 0 {
            db.engine.compact_to_shape().await.unwrap();
            db.engine.raise_horizons().await.unwrap();
            let stats = db.stats();
            most = most.max(stats.history_versions);
            assert!(stats.history_runs < 6, "runs are merged: {stats:?}");
            for then in [at, at.saturating_sub(20).max(1), at.saturating_sub(49).max(1)] {
                let expected = Bytes::from(format!("{then:0>30}"));
                assert_eq!(db.get(then, "k0013").await, Some(expected));
            }
        }
    }
    assert!((20 * 40..20 * 50 * 3).contains(&most), "about what the retention needs: {most}");
}

/// Keys that come and go, as in a queue: their deletes must not stay for ever where nothing else is written.
#[tokio::test]
async fn deletes_of_keys_that_never_come_back_go_after_the_horizon() {
    let db = Database::new(30).await;
    let mut row = 0;
    for at in (10..2_000u64).step_by(10) {
        db.fill(at, row..row + 20).await;
        let keys: Vec<String> = (row..row + 20).map(|row| format!("k{row:04}")).collect();
        let deletes: Vec<_> = keys.iter().map(|key| (key.as_str(), None)).collect();
        db.write(at + 1, &deletes).await;
        row += 20;
        if at % 50 == 0 {
            db.engine.compact_to_shape().await.unwrap();
        }
    }
    db.engine.compact_to_shape().await.unwrap();
    let stats = db.stats();
    assert!(stats.versions < 1_000, "of {row} keys that are gone: {stats:?}");
    assert!(rows(&db.view(2_000 - 9), false).await.is_empty());
}

#[tokio::test]
async fn files_that_came_with_values_that_ended_are_rewritten_where_these_are_many() {
    // Runs of level 0 go down as they are.
    let options = EngineOptions { level0_runs_compact: 1, ..EngineOptions::tiny() };
    let db = Database::on(Root::memory(), options).await;
    for at in 1..5 {
        db.fill(at, 0..10).await;
    }
    db.engine.flush().await.unwrap();
    assert_eq!((db.stats().closed_versions, db.stats().history_versions), (30, 0));
    db.engine.compact_to_shape().await.unwrap();
    assert_eq!((db.stats().closed_versions, db.stats().history_versions), (30, 30));
    for at in 1..5 {
        assert_eq!(db.get(at, "k0007").await.unwrap(), format!("{at:0>30}"));
    }
}

#[tokio::test]
async fn damage_in_history_is_found_by_a_check_and_by_who_reads_it() {
    let disk = SimDisk::new();
    let options = EngineOptions { cache_bytes: 0, ..EngineOptions::tiny() };
    let mut db = Database::on(Root::local(disk.shared(), "/db"), options).await;
    for at in 1..4 {
        db.fill(at, 0..100).await;
    }
    db.engine.compact().await.unwrap();
    assert!(db.stats().history_files > 0);
    let newest = bygone_engine::internals::manifest::load_newest(&db.root).await.unwrap().unwrap().manifest;
    let history: Vec<_> = newest.keyspaces[&TABLE].history.iter().flat_map(|group| &group.runs).collect();
    assert_eq!(history.iter().map(|run| run.files.len() as u64).sum::<u64>(), db.stats().history_files);
    for file in history.into_iter().flat_map(|run| &run.files) {
        let path = format!("/db/{}", file.object_name());
        let mut bytes = disk.read_file(&path);
        bytes[file.tail_offset as usize / 2] ^= 1;
        disk.write_file(&path, bytes);
    }
    db.reopen(&[]).await;
    assert!(db.engine.verify().await.is_err());
    assert_eq!(rows(&db.view(3), false).await.len(), 100, "the present does not look there");
    let mut scan = db.view(1).scan(TABLE, KeyRange::all(), ScanOptions::default()).unwrap();
    assert!(scan.next().await.is_err());
}
