//! The workloads that other stores take part in.

use std::time::{Duration, Instant};

use crate::{
    Data, Key, Plan, Report,
    report::{Samples, Target},
};

/// A store under the contest. Every call does its work whole, on as many threads as it says.
pub trait KeyValue {
    /// Its name and version.
    fn name(&self) -> String;
    /// Writes rows in commits of 1,000, the last one durable.
    fn write(&mut self, data: Data, order: &[u32], round: u64);
    /// Does the work that was put off.
    fn settle(&mut self);
    /// Gets keys one by one, now or at the first snapshot; returns the time of each in nanoseconds.
    fn gets(&self, keys: &[Key], at_oldest: bool) -> Vec<u32>;
    /// Reads all rows, now or at the first snapshot; returns their number.
    fn scan(&self, at_oldest: bool) -> usize;
    /// Reads 100 rows behind each key.
    fn ranges(&self, starts: &[Key]);
    /// Durable commits of one row, by so many writers at once, so many each.
    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration;
    /// Keeps the state; false when the store cannot.
    fn snapshot(&mut self) -> bool;
}

/// Times `get` over `keys`.
pub fn time_each<T>(keys: &[Key], mut get: impl FnMut(&Key) -> T) -> Vec<u32> {
    let time = |key| {
        let start = Instant::now();
        std::hint::black_box(get(key));
        start.elapsed().as_nanos() as u32
    };
    keys.iter().map(time).collect()
}

/// Runs one store through all of it.
pub fn run(plan: &Plan, open: &dyn Fn(&std::path::Path) -> Box<dyn KeyValue>) {
    let dir = plan.fresh_dir();
    let mut store = open(dir.path());
    let report = Report::start(&format!("\n{}", store.name()));
    let data = Data::new(plan.rows);
    let start = Instant::now();
    store.write(data, &data.shuffled(1), 0);
    report.value(
        "load, random order",
        data.rows() as f64 / start.elapsed().as_secs_f64(),
        "rows/s",
        Target::None,
    );
    store.settle();
    reads(plan, &report, store.as_ref(), data, "settled", false);
    let starts: Vec<Key> = data.sample(20_000, 4).into_iter().map(|row| data.key(row as usize)).collect();
    repeat(plan, &report, "ranges of 100 rows", starts.len(), || store.ranges(&starts));
    for writers in [1, 8] {
        let mut rates = Samples::default();
        for _ in 0..plan.runs {
            rates.push_rate(writers * 1_000, store.commits(data, writers, 1_000));
        }
        report.row(&format!("durable commits, {writers} writers"), &rates, "/s", Target::None);
    }
    let mut kept = true;
    let start = Instant::now();
    for round in 0..10 {
        kept &= store.snapshot();
        store.write(data, &data.sample(data.rows() / 10, 80 + round), round + 1);
    }
    report.value(
        "ten rounds of 10 %",
        data.rows() as f64 / start.elapsed().as_secs_f64(),
        "rows/s",
        Target::None,
    );
    reads(plan, &report, store.as_ref(), data, "after the rounds", kept);
    store.settle();
    reads(plan, &report, store.as_ref(), data, "after the rounds, settled", kept);
    report.value("size", crate::machine::size_of_dir(dir.path()) as f64 / 1e6, "MB", Target::None);
}

fn reads(plan: &Plan, report: &Report, store: &dyn KeyValue, data: Data, state: &str, with_oldest: bool) {
    let present: Vec<Key> = data.sample(100_000, 2).into_iter().map(|row| data.key(row as usize)).collect();
    let missing: Vec<Key> =
        data.sample(100_000, 3).into_iter().map(|row| data.missing_key(row as usize)).collect();
    for at_oldest in [false, true].into_iter().take(1 + usize::from(with_oldest)) {
        let moment = if at_oldest { "the oldest" } else { "now" };
        repeat(plan, report, &format!("{state}: full scan of {moment}"), data.rows(), || {
            store.scan(at_oldest);
        });
        medians(plan, report, &format!("{state}: get at {moment}"), || store.gets(&present, at_oldest));
    }
    medians(plan, report, &format!("{state}: get of a missing key"), || store.gets(&missing, false));
}

fn repeat(plan: &Plan, report: &Report, what: &str, count: usize, work: impl Fn()) {
    let mut rates = Samples::default();
    work();
    for _ in 0..plan.runs {
        let start = Instant::now();
        work();
        rates.push_rate(count, start.elapsed());
    }
    report.row(what, &rates, "/s", Target::None);
}

fn medians(plan: &Plan, report: &Report, what: &str, work: impl Fn() -> Vec<u32>) {
    let mut samples = Samples::default();
    work();
    for _ in 0..plan.runs {
        let mut times = work();
        times.sort_unstable();
        samples.push(f64::from(times[times.len() / 2]) / 1e3);
    }
    report.row(what, &samples, "µs", Target::None);
}
