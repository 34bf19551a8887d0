//! The workloads that other stores take part in.

use std::time::{Duration, Instant};

use crate::{Comparison, Data, Key, Plan, report::Samples};

/// Durable commits of one run and writer.
const COMMITS: usize = 1_000;
/// Keys of one run of point reads.
const GETS: usize = 100_000;
/// Ranges of one run.
const RANGES: usize = 5_000;

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
pub fn run(plan: &Plan, figures: &mut Comparison, open: &dyn Fn(&std::path::Path) -> Box<dyn KeyValue>) {
    let dir = plan.fresh_dir();
    let mut store = open(dir.path());
    let name = store.name();
    let data = Data::new(plan.rows);
    let start = Instant::now();
    store.write(data, &data.shuffled(1), 0);
    let rate = data.rows() as f64 / start.elapsed().as_secs_f64();
    figures.add_value(&name, "load, random order", rate, "rows/s");
    store.settle();
    reads(plan, figures, store.as_ref(), data, "settled", false);
    let starts: Vec<Key> = data.sample(RANGES, 4).into_iter().map(|row| data.key(row as usize)).collect();
    repeat(plan, figures, &name, "ranges of 100 rows", starts.len(), || store.ranges(&starts));
    for writers in [1, 8] {
        let mut rates = Samples::default();
        plan.repeat(|| rates.push_rate(writers * COMMITS, store.commits(data, writers, COMMITS)));
        figures.add(&name, &format!("durable commits, writers: {writers}"), rates, "/s");
    }
    let mut kept = true;
    let start = Instant::now();
    for round in 0..10 {
        kept &= store.snapshot();
        store.write(data, &data.sample(data.rows() / 10, 80 + round), round + 1);
    }
    let rate = data.rows() as f64 / start.elapsed().as_secs_f64();
    figures.add_value(&name, "ten rounds of 10 % with a snapshot each", rate, "rows/s");
    reads(plan, figures, store.as_ref(), data, "after the rounds", kept);
    store.settle();
    reads(plan, figures, store.as_ref(), data, "after the rounds, settled", kept);
    figures.add_value(&name, "size", crate::machine::size_of_dir(dir.path()) as f64 / 1e6, "MB");
}

fn reads(
    plan: &Plan,
    figures: &mut Comparison,
    store: &dyn KeyValue,
    data: Data,
    state: &str,
    with_oldest: bool,
) {
    let name = store.name();
    let present: Vec<Key> = data.sample(GETS, 2).into_iter().map(|row| data.key(row as usize)).collect();
    let missing: Vec<Key> =
        data.sample(GETS, 3).into_iter().map(|row| data.missing_key(row as usize)).collect();
    for at_oldest in [false, true].into_iter().take(1 + usize::from(with_oldest)) {
        let moment = if at_oldest { "the oldest" } else { "now" };
        repeat(plan, figures, &name, &format!("{state}: full scan of {moment}"), data.rows(), || {
            store.scan(at_oldest);
        });
        medians(plan, figures, &name, &format!("{state}: get at {moment}"), || {
            store.gets(&present, at_oldest)
        });
    }
    medians(plan, figures, &name, &format!("{state}: get of a missing key"), || store.gets(&missing, false));
}

fn repeat(plan: &Plan, figures: &mut Comparison, store: &str, what: &str, count: usize, work: impl Fn()) {
    let mut rates = Samples::default();
    work();
    plan.repeat(|| {
        let start = Instant::now();
        work();
        rates.push_rate(count, start.elapsed());
    });
    figures.add(store, what, rates, "/s");
}

fn medians(plan: &Plan, figures: &mut Comparison, store: &str, what: &str, work: impl Fn() -> Vec<u32>) {
    let mut samples = Samples::default();
    work();
    plan.repeat(|| {
        let mut times = work();
        times.sort_unstable();
        samples.push(f64::from(times[times.len() / 2]) / 1e3);
    });
    figures.add(store, what, samples, "µs");
}
