//! Large merges in parts that run side by side.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bygone_engine::{
    Durability, Engine, EngineOptions, Env, Error, KeyspaceId, Root, Scope, StampedBatch, Timestamp,
    WriteBatch, check,
    env::{Task, TaskSet, TokioTasks},
    testing::{ManualClock, SimDisk, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);
const ROWS: u64 = 2_000;

fn value(key: u64, round: u64) -> String {
    format!("value {key} of round {round}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_merge_in_tasks_of_their_own_change_no_answer() {
    let root = Root::memory();
    let options =
        EngineOptions { retention_us: 0, compaction_bytes_per_second: 1 << 20, ..EngineOptions::tiny() };
    let engine = Engine::open(root.clone(), Env::system().unwrap(), options).await.unwrap();
    engine.start_maintenance();
    for round in 1..=6_u64 {
        for keys in (0..ROWS).collect::<Vec<_>>().chunks(50) {
            let mut batch = WriteBatch::new();
            for key in keys.iter().filter(|key| round == 1 || *key % 6 == round) {
                batch.put(TABLE, key.to_be_bytes().to_vec(), value(*key, round));
            }
            let at = Timestamp::from_micros(round * 100_000 + keys[0] + 1);
            engine.wait_for_room().await.unwrap();
            engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
        }
    }
    engine.flush().await.unwrap();
    engine.compact().await.unwrap();
    let view = engine.view(Timestamp::from_micros(1_000_000), Scope::Database).unwrap();
    for key in 0..ROWS {
        let round = if key % 6 > 1 { key % 6 } else { 1 };
        let found = view.get(TABLE, &key.to_be_bytes()).await.unwrap();
        assert_eq!(found, Some(value(key, round).into()), "key {key}");
    }
    drop(view);
    engine.close().await.unwrap();
    let report = check::check(&root, &env(&ManualClock::at(0), 9), &|_, _| {}).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Tasks of which those that run are counted.
#[derive(Debug)]
struct CountedTasks {
    tasks: TokioTasks,
    started: AtomicUsize,
    running: Arc<AtomicUsize>,
}

impl TaskSet for CountedTasks {
    fn spawn(&self, name: &'static str, task: Task) {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        let running = Arc::clone(&self.running);
        let counted = async move {
            task.await;
            running.fetch_sub(1, Ordering::SeqCst);
        };
        self.tasks.spawn(name, Box::pin(counted));
    }

    fn sleep(&self, micros: u64) -> Task {
        self.tasks.sleep(micros)
    }

    fn is_background(&self) -> bool {
        true
    }
}

/// In one thread, so that nothing of a task happens between its answer and its end.
#[tokio::test]
async fn a_merge_of_which_a_part_fails_gives_up_the_others_and_waits_for_their_end() {
    let (clock, disk) = (ManualClock::at(0), SimDisk::new());
    let tasks = Arc::new(CountedTasks {
        tasks: TokioTasks::current().unwrap(),
        started: AtomicUsize::new(0),
        running: Arc::default(),
    });
    let env = Env { tasks: Arc::clone(&tasks) as Arc<dyn TaskSet>, ..env(&clock, 7) };
    let options = EngineOptions { memtable_bytes: 1 << 20, level0_runs_stop: 100, ..EngineOptions::tiny() };
    let engine = Engine::open(Root::local(disk.shared(), "/db"), env, options).await.unwrap();
    for round in 1..=3 {
        let mut batch = WriteBatch::new();
        for key in 0..ROWS {
            batch.put(TABLE, key.to_be_bytes().to_vec(), value(key, round));
        }
        let at = Timestamp::from_micros(round);
        engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
        engine.flush().await.unwrap();
    }
    let mut reads = Vec::new();
    for after in [1, 2, 3, 20, 40] {
        disk.fail_at(disk.operations() + after);
        let before = disk.reads();
        let outcome = engine.compact().await;
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
        assert_eq!(tasks.running.load(Ordering::SeqCst), 0, "at change {after}");
        reads.push(disk.reads() - before);
    }
    assert_eq!(tasks.started.load(Ordering::SeqCst), 2 * reads.len(), "there were two parts each time");
    let before = disk.reads();
    engine.compact().await.unwrap();
    let all = disk.reads() - before;
    assert!(reads[0] * 10 < all, "{reads:?} of {all}");
    let view = engine.view(Timestamp::from_micros(2), Scope::Database).unwrap();
    for key in 0..ROWS {
        assert_eq!(view.get(TABLE, &key.to_be_bytes()).await.unwrap(), Some(value(key, 2).into()));
    }
}
