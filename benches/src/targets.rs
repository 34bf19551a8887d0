//! The workloads of the key-value level.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use bygone_engine::{KeyRange, ReadView};
use bygone_snapshots::{
    ObjectRef,
    restore::{self, RestorePlan, RestoreRequest},
};

use crate::{
    Bygone, Data, Key, Plan, Report, machine,
    report::{Samples, Target},
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 7] = ["load", "read", "commit", "snapshot", "restore", "history", "large"];
/// Keys of one run of point reads.
const GETS: usize = 200_000;
/// Ranges of one run.
const RANGES: usize = 20_000;
/// Durable commits of one run and writer.
const COMMITS: usize = 1_500;

/// Runs the workloads with these names.
pub async fn run(plan: &Plan, names: &[String]) {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if !WORKLOADS.into_iter().any(wanted) {
        return;
    }
    let report = Report::start("Bygone, key-value level");
    if wanted("load") {
        load(plan, &report).await;
    }
    if ["read", "commit", "snapshot", "restore", "history"].into_iter().any(wanted) {
        let dir = plan.fresh_dir();
        let data = Data::new(plan.rows);
        let db = Bygone::open(dir.path()).await;
        db.ingest(data, &data.in_order()).await;
        if wanted("read") {
            read(plan, &report, &db, data).await;
        }
        if wanted("commit") {
            commit(plan, &report, &db, data, dir.path()).await;
        }
        if wanted("snapshot") {
            snapshot(plan, &report, &db, data).await;
        }
        if wanted("restore") {
            restore(plan, &report, &db, data).await;
        }
        if wanted("history") {
            db.store.engine().compact().await.expect("compaction succeeds");
            history(plan, &report, &db, data, dir.path()).await;
        }
        db.close().await;
    }
    if wanted("large") {
        large(plan, &report).await;
    }
}

async fn load(plan: &Plan, report: &Report) {
    let data = Data::new(plan.rows);
    for (what, random, ingest) in [
        ("load, commits of 1,000 rows, key order", false, false),
        ("load, commits of 1,000 rows, random order", true, false),
        ("load, bulk ingest, key order", false, true),
        ("load, bulk ingest, random order", true, true),
    ] {
        let order = if random { data.shuffled(1) } else { data.in_order() };
        let mut rates = Samples::default();
        let mut settled = Samples::default();
        for _ in 0..plan.runs {
            let dir = plan.fresh_dir();
            let db = Bygone::open(dir.path()).await;
            let start = Instant::now();
            if ingest {
                db.ingest(data, &order).await
            } else {
                db.write(data, &order, 0).await
            }
            rates.push_rate(data.rows(), start.elapsed());
            db.store.engine().compact_to_shape().await.expect("compaction succeeds");
            settled.push_rate(data.rows(), start.elapsed());
            db.close().await;
        }
        report.row(what, &rates, "rows/s", Target::AtLeast(300e3));
        if !ingest {
            report.row(&format!("{what}, until settled"), &settled, "rows/s", Target::None);
        }
    }
}

fn keys(data: Data, count: usize, seed: u64) -> Vec<Key> {
    data.sample(count, seed).into_iter().map(|row| data.key(row as usize)).collect()
}

fn report_gets(report: &Report, what: &str, runs: &[Vec<u32>], target: Target) {
    let (mut medians, mut tails, mut rates) = (Samples::default(), Samples::default(), Samples::default());
    for run in runs {
        let mut times = run.clone();
        times.sort_unstable();
        medians.push(f64::from(times[times.len() / 2]) / 1e3);
        tails.push(f64::from(times[times.len() * 99 / 100]) / 1e3);
        rates.push(times.len() as f64 / (run.iter().map(|&t| f64::from(t)).sum::<f64>() / 1e9));
    }
    report.row(what, &medians, "µs", target);
    report.row(&format!("{what}, 99th percentile"), &tails, "µs", Target::None);
    report.row(&format!("{what}, rate"), &rates, "/s", Target::None);
}

async fn get_runs(plan: &Plan, db: &Bygone, view: Option<&ReadView>, keys: &[Key]) -> Vec<Vec<u32>> {
    let mut runs = Vec::new();
    for run in 0..=plan.runs {
        let (times, _) = match view {
            Some(view) => db.gets_in(view, keys).await,
            None => db.gets(keys).await,
        };
        // The first run fills the cache.
        if run > 0 {
            runs.push(times);
        }
    }
    runs
}

async fn scan_row(
    plan: &Plan,
    report: &Report,
    db: &Bygone,
    what: &str,
    view: &ReadView,
    target: Target,
) -> f64 {
    let mut rates = Samples::default();
    for run in 0..=plan.runs {
        let start = Instant::now();
        let rows = db.scan(view).await;
        if run > 0 {
            rates.push_rate(rows, start.elapsed());
        }
    }
    report.row(what, &rates, "rows/s", target)
}

async fn read(plan: &Plan, report: &Report, db: &Bygone, data: Data) {
    let present = keys(data, GETS, 2);
    let missing: Vec<Key> =
        data.sample(GETS, 3).into_iter().map(|row| data.missing_key(row as usize)).collect();
    let hits = get_runs(plan, db, None, &present).await;
    report_gets(report, "get, a view each", &hits, Target::AtMost(5.0));
    let view = db.store.view_now();
    let hits = get_runs(plan, db, Some(&view), &present).await;
    report_gets(report, "get, one view", &hits, Target::AtMost(5.0));
    let misses = get_runs(plan, db, Some(&view), &missing).await;
    report_gets(report, "get, missing key", &misses, Target::AtMost(5.0));
    scan_row(plan, report, db, "full scan, settled", &view, Target::AtLeast(4e6)).await;
    let starts = keys(data, RANGES, 4);
    let mut rates = Samples::default();
    for run in 0..=plan.runs {
        let start = Instant::now();
        for key in &starts {
            db.range(&view, key, 100).await;
        }
        if run > 0 {
            rates.push_rate(RANGES, start.elapsed());
        }
    }
    report.row("ranges of 100 rows", &rates, "/s", Target::None);
}

async fn commit(plan: &Plan, report: &Report, db: &Bygone, data: Data, dir: &std::path::Path) {
    let (mut raw, mut prepared) = (Samples::default(), Samples::default());
    let (mut one, mut eight, mut many) = (Samples::default(), Samples::default(), Samples::default());
    for run in 0..plan.runs {
        raw.push_rate(COMMITS, machine::disk_syncs(dir, COMMITS, 192, false));
        prepared.push_rate(COMMITS, machine::disk_syncs(dir, COMMITS, 192, true));
        one.push_rate(COMMITS, commits(db, data, 1, run as u64).await);
        eight.push_rate(COMMITS * 8, commits(db, data, 8, run as u64).await);
        many.push_rate(COMMITS * 64, commits(db, data, 64, run as u64).await);
    }
    let raw = report.row("the disk itself: append + fdatasync", &raw, "/s", Target::None);
    report.row("the disk itself: fdatasync of a prepared file", &prepared, "/s", Target::None);
    let one = report.row("durable commits, 1 writer", &one, "/s", Target::AtLeast(0.9 * raw));
    report.row("durable commits, 8 writers", &eight, "/s", Target::AtLeast(4.0 * one));
    report.row("durable commits, 64 writers", &many, "/s", Target::None);
}

async fn commits(db: &Bygone, data: Data, writers: usize, round: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let db = db.clone();
            // Writers do not meet: each has rows of its own.
            let rows = Data::new(data.rows() / writers).sample(COMMITS, (round << 8) | writer as u64);
            tokio::spawn(async move {
                for row in rows {
                    db.commit_one(data, row as usize * writers + writer, round + 1).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the writer does not panic");
    }
    start.elapsed()
}

async fn snapshot(plan: &Plan, report: &Report, db: &Bygone, data: Data) {
    let (mut creates, mut commits) = (Samples::default(), Samples::default());
    let rows = data.sample(40 * plan.runs, 5);
    for (number, row) in rows.into_iter().enumerate() {
        let start = Instant::now();
        db.commit_one(data, row as usize, 100).await;
        commits.push(start.elapsed().as_secs_f64() * 1e6);
        let name = format!("pin{number}");
        let start = Instant::now();
        db.snapshot(&name).await;
        creates.push(start.elapsed().as_secs_f64() * 1e6);
        db.snapshots.drop_snapshot(&name).await.expect("it was just created");
    }
    let commit = report.row("one durable commit", &commits, "µs", Target::None);
    report.row("create a snapshot", &creates, "µs", Target::AtMost(2.0 * commit));
}

async fn restore(plan: &Plan, report: &Report, db: &Bygone, data: Data) {
    db.store.engine().compact().await.expect("compaction succeeds");
    let (mut fresh, mut flushed) = (Samples::default(), Samples::default());
    let (mut restores, mut settled) = (Samples::default(), Samples::default());
    for run in 0..plan.runs {
        let to = db.store.engine().last_timestamp();
        let changed = data.sample(data.rows() / 100, 60 + run as u64);
        db.write(data, &changed, 200 + run as u64).await;
        fresh.push(diff_seconds(db, to).await);
        db.store.engine().flush().await.expect("the flush succeeds");
        flushed.push(diff_seconds(db, to).await);
        let start = Instant::now();
        restore_to(db, to).await;
        restores.push(start.elapsed().as_secs_f64());
        let before = db.store.engine().last_timestamp();
        db.write(data, &changed, 300 + run as u64).await;
        db.store.engine().compact().await.expect("compaction succeeds");
        let start = Instant::now();
        restore_to(db, before).await;
        settled.push(start.elapsed().as_secs_f64());
    }
    report.row("diff after 1 % changed, in memory", &fresh, "s", Target::AtMost(3.0));
    report.row("diff after 1 % changed, flushed", &flushed, "s", Target::AtMost(3.0));
    report.row("restore after 1 % changed, flushed", &restores, "s", Target::AtMost(3.0));
    report.row("restore after 1 % changed, compacted", &settled, "s", Target::AtMost(3.0));
}

async fn diff_seconds(db: &Bygone, from: bygone_engine::Timestamp) -> f64 {
    let start = Instant::now();
    let now = db.store.engine().last_timestamp();
    let summary = bygone_snapshots::diff_summary(&db.store, db.keyspace, &KeyRange::all(), from, now).await;
    assert!(summary.expect("both moments are readable").updated > 0, "rows were changed");
    start.elapsed().as_secs_f64()
}

/// Puts the keyspace back to a moment.
pub async fn restore_to(db: &Bygone, to: bygone_engine::Timestamp) {
    let target = ObjectRef { name: "rows".into(), id: db.keyspace.get(), keyspaces: vec![db.keyspace] };
    let report = restore::run(&db.snapshots, RestoreRequest::new(RestorePlan::of_kept([target], to))).await;
    assert!(report.expect("the restore succeeds").targets[0].reverted > 0, "rows were changed");
}

async fn history(plan: &Plan, report: &Report, db: &Bygone, data: Data, dir: &std::path::Path) {
    let settled =
        scan_row(plan, report, db, "full scan, before the rounds", &db.store.view_now(), Target::None).await;
    let start = Instant::now();
    for round in 0..10 {
        db.snapshot(&format!("round{round}")).await;
        db.write(data, &data.sample(data.rows() / 10, 80 + round), round + 1).await;
    }
    report.value(
        "ten rounds of 10 % updates, a snapshot each",
        data.rows() as f64 / start.elapsed().as_secs_f64(),
        "rows/s",
        Target::None,
    );
    let present = keys(data, GETS, 6);
    for state in ["just after", "settled", "compacted"] {
        match state {
            "settled" => db.store.engine().compact_to_shape().await.expect("compaction succeeds"),
            "compacted" => db.store.engine().compact().await.expect("compaction succeeds"),
            _ => {}
        }
        let now = db.store.view_now();
        let oldest = db.snapshots.view("round0").await.expect("the snapshot is there");
        let share = |part: f64| Target::AtLeast(settled * part);
        scan_row(plan, report, db, &format!("{state}: full scan of now"), &now, share(0.9)).await;
        scan_row(plan, report, db, &format!("{state}: full scan of the oldest"), &oldest, share(0.7)).await;
        let at_now = get_runs(plan, db, Some(&now), &present).await;
        report_gets(report, &format!("{state}: get now"), &at_now, Target::AtMost(5.0));
        let at_oldest = get_runs(plan, db, Some(&oldest), &present).await;
        report_gets(report, &format!("{state}: get at the oldest"), &at_oldest, Target::AtMost(5.0));
    }
    db.store.engine().collect().await.expect("the collection succeeds");
    report.value(
        "size with ten snapshots, compacted",
        machine::size_of_dir(dir) as f64 / 1e6,
        "MB",
        Target::None,
    );
}

/// Loads the large data set in a process of its own, so that its peak of memory is its own, then opens it.
async fn large(plan: &Plan, report: &Report) {
    let dir = plan.fresh_dir();
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .arg("load-large")
        .arg(dir.path())
        .arg(plan.large_rows.to_string())
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().expect("a number"));
    let (rate, peak) = (numbers.next().unwrap_or(0.0), numbers.next().unwrap_or(0.0));
    let title = |what: &str| format!("{what}, {} rows", crate::report::compact(plan.large_rows as f64));
    report.value(&title("load, random order"), rate, "rows/s", Target::AtLeast(300e3));
    report.value(&title("peak memory of the load"), peak / f64::from(1 << 20), "MiB", Target::AtMost(512.0));
    report.value(&title("size"), machine::size_of_dir(dir.path()) as f64 / 1e6, "MB", Target::None);
    let mut opens = Samples::default();
    for _ in 0..plan.runs {
        let start = Instant::now();
        let db = Bygone::open(dir.path()).await;
        opens.push(start.elapsed().as_secs_f64() * 1e3);
        db.close().await;
    }
    report.row(&title("open"), &opens, "ms", Target::AtMost(200.0));
}

/// The child of [`large`]: prints rows per second and the peak of memory.
pub async fn load_large(dir: &std::path::Path, rows: usize) {
    let data = Data::new(rows);
    let order = data.shuffled(7);
    let start = Instant::now();
    let db = Bygone::open(dir).await;
    db.write(data, &order, 0).await;
    let elapsed = start.elapsed();
    db.close().await;
    // The order is the benchmark's own memory.
    let own = (order.len() * size_of::<u32>()) as u64;
    println!("{} {}", rows as f64 / elapsed.as_secs_f64(), machine::peak_memory() - own);
}
