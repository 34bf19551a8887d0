//! Workloads on the table.

use std::{path::Path, time::Instant};

use bygone_benches::{
    Comparison,
    data::Random,
    report::{Samples, compact},
};

use super::{
    Moment, Store, data,
    data::Live,
    queries::{self, AGGREGATES, ALL, Answers},
};
use crate::options::Options;

/// Rounds of changes.
const ROUNDS: usize = 10;
/// Rows looked up in one run, by key.
const ROWS: usize = 1_000;
/// Customers looked up in one run.
const CUSTOMERS: usize = 100;

/// Opens a store in an empty directory.
pub type Open<'a> = &'a dyn Fn(&Path) -> Box<dyn Store>;

/// Milliseconds of each run of a query, after one that fills the caches.
fn times(options: &Options, store: &dyn Store, sql: &str) -> Samples {
    let mut times = Samples::default();
    store.read(sql);
    options.plan.repeat(|| {
        let start = Instant::now();
        std::hint::black_box(store.read(sql));
        times.push(start.elapsed().as_secs_f64() * 1e3);
    });
    times
}

/// All queries at a moment, under a heading.
fn reads(
    options: &Options,
    figures: &mut Comparison,
    answers: &mut Answers,
    store: &dyn Store,
    heading: &str,
    moment: Moment,
) {
    let (name, rows) = (store.name(), options.plan.rows);
    for (what, sql) in AGGREGATES {
        let sql = queries::at(store, sql, moment, rows);
        let what = format!("{heading}: {what}");
        answers.check(&name, &what, store.answer(&sql));
        figures.add(&name, &what, times(options, store, &sql), "ms");
    }
    let sql = queries::at(store, ALL, moment, rows);
    figures.add(&name, &format!("{heading}: all rows to Arrow"), times(options, store, &sql), "ms");
}

/// Medians of lookups in microseconds.
fn lookups(options: &Options, store: &dyn Store, column: &str, count: usize, limit: usize) -> Samples {
    let mut random = Random::new(11);
    let values: Vec<i64> = (0..count).map(|_| random.below(limit) as i64 + 1).collect();
    let mut medians = Samples::default();
    store.lookups(column, &values[..count / 10]);
    options.plan.repeat(|| {
        let mut times = store.lookups(column, &values);
        times.sort_unstable();
        medians.push(f64::from(times[times.len() / 2]) / 1e3);
    });
    medians
}

/// Loads, reads of the settled table, and reads with a growing part of it newer.
pub fn queries(
    options: &Options,
    figures: &mut Comparison,
    answers: &mut Answers,
    file: &Path,
    open: Open<'_>,
) {
    if !options.wants("queries") {
        return;
    }
    let rows = options.plan.rows;
    let (mut rates, mut kept) = (Samples::default(), None);
    options.plan.repeat(|| {
        kept = None;
        let dir = options.plan.fresh_dir();
        let mut store = open(dir.path());
        let start = Instant::now();
        store.load(file);
        rates.push_rate(rows, start.elapsed());
        kept = Some((store, dir));
    });
    let (mut store, dir) = kept.expect("there is a run at least");
    let name = store.name();
    figures.add(&name, "load from Parquet", rates, "rows/s");
    store.settle();
    reads(options, figures, answers, store.as_ref(), "settled", Moment::Now);
    figures.add(&name, "one row by key", lookups(options, store.as_ref(), "id", ROWS, rows), "µs");
    let customers = lookups(options, store.as_ref(), "customer", CUSTOMERS, data::CUSTOMERS - 1);
    figures.add(&name, "one customer of 100,000", customers, "µs");
    let mut live = Live::new(rows);
    let mut newer = 0;
    for per_mille in [1, 10, 100] {
        let count = rows * per_mille / 1_000 - newer;
        newer += count;
        let changes = file.with_file_name("changes.parquet");
        live.change(count, &changes);
        store.apply(&changes);
        let heading = format!("{} % newer", per_mille as f64 / 10.0);
        reads(options, figures, answers, store.as_ref(), &heading, Moment::Now);
    }
    let mut opens = Samples::default();
    options.plan.repeat(|| opens.push(store.reopen().as_secs_f64() * 1e3));
    figures.add(&name, "open and read a row", opens, "ms");
    close(store, dir);
}

/// A store goes before its directory.
fn close(store: Box<dyn Store>, dir: impl Sized) {
    drop(store);
    drop(dir);
}

/// Rounds of a share of the rows, a snapshot before each; how fast they were applied.
fn change(store: &mut dyn Store, live: &mut Live, file: &Path, per_round: usize) -> Samples {
    let mut rates = Samples::default();
    let changes = file.with_file_name("changes.parquet");
    for _ in 0..ROUNDS {
        store.snapshot();
        let count = live.change(per_round, &changes);
        let start = Instant::now();
        store.apply(&changes);
        rates.push_rate(count, start.elapsed());
    }
    rates
}

/// Ten rounds of 10 %, then reads at three moments, then without the snapshots.
pub fn rounds(
    options: &Options,
    figures: &mut Comparison,
    answers: &mut Answers,
    file: &Path,
    open: Open<'_>,
) {
    if !options.wants("rounds") {
        return;
    }
    let dir = options.plan.fresh_dir();
    let mut store = open(dir.path());
    let name = store.name();
    store.load(file);
    store.settle();
    let rates = change(store.as_mut(), &mut Live::new(options.plan.rows), file, options.plan.rows / 10);
    figures.add(&name, "apply a round of 10 %", rates, "rows/s");
    let start = Instant::now();
    store.settle();
    figures.add_value(&name, "settle after ten rounds of 10 %", start.elapsed().as_secs_f64() * 1e3, "ms");
    for (when, moment) in
        [("now", Moment::Now), ("middle", Moment::Snapshot(ROUNDS / 2)), ("oldest", Moment::Snapshot(0))]
    {
        let heading = format!("after ten rounds of 10 %, {when}");
        reads(options, figures, answers, store.as_ref(), &heading, moment);
    }
    figures.add_value(&name, "size after ten rounds of 10 %", store.size() as f64 / 1e6, "MB");
    let start = Instant::now();
    store.drop_snapshots();
    figures.add_value(&name, "drop all snapshots, until freed", start.elapsed().as_secs_f64() * 1e3, "ms");
    figures.add_value(&name, "size after that", store.size() as f64 / 1e6, "MB");
    close(store, dir);
}

/// Ten rounds of 1 %: their size, the difference, and back.
pub fn changes(
    options: &Options,
    figures: &mut Comparison,
    answers: &mut Answers,
    file: &Path,
    open: Open<'_>,
) {
    if !options.wants("changes") {
        return;
    }
    let rows = options.plan.rows;
    let dir = options.plan.fresh_dir();
    let mut store = open(dir.path());
    let name = store.name();
    store.load(file);
    store.settle();
    figures.add_value(&name, "size settled", store.size() as f64 / 1e6, "MB");
    let mut live = Live::new(rows);
    let changed = file.with_file_name("changes.parquet");
    let rates = change(store.as_mut(), &mut live, file, rows / 100);
    figures.add(&name, "apply a round of 1 %", rates, "rows/s");
    for (what, from) in [("one round", ROUNDS - 1), ("ten rounds", 0)] {
        let mut times = Samples::default();
        store.diff(from);
        options.plan.repeat(|| {
            let start = Instant::now();
            std::hint::black_box(store.diff(from));
            times.push(start.elapsed().as_secs_f64() * 1e3);
        });
        figures.add(&name, &format!("difference of {what} of 1 %"), times, "ms");
    }
    store.settle();
    figures.add_value(&name, "size after ten rounds of 1 %", store.size() as f64 / 1e6, "MB");
    let mut snapshots = ROUNDS;
    let (mut times, mut can) = (Samples::default(), true);
    let group = |store: &dyn Store| store.answer(&queries::at(store, AGGREGATES[0].1, Moment::Now, rows));
    options.plan.repeat(|| {
        if !can {
            return;
        }
        store.snapshot();
        let mut before = group(store.as_ref());
        live.clone().change(rows / 100, &changed);
        store.apply(&changed);
        let start = Instant::now();
        can = store.restore(snapshots);
        snapshots += 1;
        if can {
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let mut after = group(store.as_ref());
            before.sort();
            after.sort();
            assert_eq!(before, after, "{name}: the restore brings back what was");
        }
    });
    if can {
        figures.add(&name, "restore after 1 % changed", times, "ms");
        answers.check(&name, "restored: group by status", group(store.as_ref()));
    }
    close(store, dir);
}

/// Prints what was asked for beside what was measured, where both sides of it were.
pub fn targets(figures: &Comparison) {
    let bygone = |what: &str| figures.median("Bygone", what);
    let parquet = |what: &str| figures.median("Parquet, DataFusion 55", what);
    let status = "group by status";
    let settled = format!("settled: {status}");
    let rounds = |when: &str| format!("after ten rounds of 10 %, {when}: {status}");
    let scan = "settled: all rows to Arrow";
    let rows = [
        ("group by, settled, of Parquet", bygone(&settled), parquet(&settled), 1.0),
        (
            "group by with 1 % newer, of settled",
            bygone(&format!("1 % newer: {status}")),
            bygone(&settled),
            1.5,
        ),
        ("group by after ten rounds, of settled", bygone(&rounds("now")), bygone(&settled), 1.1),
        ("group by at the oldest, of now", bygone(&rounds("oldest")), bygone(&rounds("now")), 1.5),
        ("all rows to Arrow, of 83 ms", bygone(scan), Some(83.0), 1.0),
        ("diff of 10 × 1 %, of 54 ms", bygone(DIFF), Some(54.0), 1.0),
        ("one row by key, of 200 µs", bygone("one row by key"), Some(200.0), 1.0),
        ("one customer, of 1 ms", bygone("one customer of 100,000"), Some(1_000.0), 1.0),
        ("size settled, of Parquet", bygone("size settled"), parquet("size settled"), 1.15),
        (
            "size after ten rounds of 1 %, of settled",
            bygone("size after ten rounds of 1 %"),
            bygone("size settled"),
            1.2,
        ),
        ("load: 1 M rows/s, of measured", Some(1e6), bygone("load from Parquet"), 1.0),
        ("apply changes: 143 k rows/s, of measured", Some(143e3), bygone("apply a round of 10 %"), 1.0),
    ];
    println!("\n| target | at most | measured | |\n|---|---|---|---|");
    for (what, measured, of, limit) in rows {
        if let (Some(measured), Some(of)) = (measured, of) {
            let ratio = measured / of;
            let verdict = if ratio <= limit { "met" } else { "**missed**" };
            println!("| {what} | {limit} × | {} × | {verdict} |", compact(ratio));
        }
    }
}

const DIFF: &str = "difference of ten rounds of 1 %";
