//! What a compaction holds in memory, counted allocation by allocation.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use bygone_engine::{
    Durability, Engine, EngineOptions, Env, KeyspaceId, Root, Scope, StampedBatch, Timestamp, WriteBatch,
    env::TokioTasks,
    store::OsDisk,
    testing::{ManualClock, SeededRandom, env},
};

const TABLE: KeyspaceId = KeyspaceId::new(1 << 20);
const VALUE_BYTES: u64 = 4 << 10;
const ROUNDS: u64 = 4;
/// As the engine's documentation of compaction states them.
const INPUT_BYTES_MAX: isize = 1 << 20;
const OUTPUT_BYTES_MAX: isize = 6 << 20;

thread_local! {
    /// Bytes that this thread holds, and the most it has held since [`start`].
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// Counts what each thread allocates and frees, so that tests beside this one are not counted.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    let (held, most) = HELD.get();
    HELD.set((held + bytes, most.max(held + bytes)));
}

#[expect(unsafe_code, reason = "an allocator cannot be counted without being one")]
// SAFETY: every call goes to the system's allocator as it came; the counters neither allocate nor have a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Bytes that a compaction of so many rows of 4 KiB, each in [`ROUNDS`] versions, held at most, beside what
/// was held before it.
async fn most_held(rows: u64) -> isize {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(0);
    let tasks = Arc::new(TokioTasks::current().unwrap());
    let options = EngineOptions {
        memtable_bytes: 64 << 20,
        table_bytes: 2 << 20,
        page_bytes: 64 << 10,
        page_rows: 2_048,
        cache_bytes: 0,
        ..EngineOptions::tiny()
    };
    let root = Root::local(OsDisk::shared(), dir.path().join("db"));
    let engine = Engine::open(root, Env { tasks, ..env(&clock, 7) }, options).await.unwrap();
    let mut noise = vec![0; 1 << 18];
    SeededRandom::new(7).fill(&mut noise);
    let mut pins = Vec::new();
    for round in 1..=ROUNDS {
        for first in (0..rows).step_by(1_000) {
            let mut batch = WriteBatch::new();
            for key in first..rows.min(first + 1_000) {
                let from = (key * 40_503 % (noise.len() as u64 - VALUE_BYTES)) as usize;
                let value = noise[from..][..VALUE_BYTES as usize].to_vec();
                batch.put(TABLE, key.to_be_bytes().to_vec(), value);
            }
            let at = Timestamp::from_micros((round << 20) + first);
            engine.append(&[StampedBatch { at, batch: &batch }], Durability::Buffered).await.unwrap();
        }
        engine.flush().await.unwrap();
        pins.push(engine.pin(engine.last_timestamp(), Scope::Database).unwrap());
    }
    let files: u64 = engine.manifest().files().map(|file| file.len).sum();
    assert!(files > rows * ROUNDS * VALUE_BYTES * 3 / 4, "the rows are not compressed away: {files}");
    let (before, _) = HELD.get();
    HELD.set((before, before));
    engine.compact().await.unwrap();
    let (_, most) = HELD.get();
    most - before
}

/// In one thread, in which all of a compaction runs.
#[tokio::test]
async fn what_a_compaction_holds_does_not_grow_with_what_it_compacts() {
    let small = most_held(1_000).await;
    let large = most_held(4_000).await;
    assert!(large - small < 256 << 10, "four times as much: {small} and {large}");
    // Two parts, each of four runs and of files for the last level and three groups.
    let stated = 2 * (4 * INPUT_BYTES_MAX + 4 * OUTPUT_BYTES_MAX);
    assert!(large < stated, "{large} of {stated}");
}
