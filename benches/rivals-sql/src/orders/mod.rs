//! The contest on a table of orders.

pub mod bygone;
mod data;
pub mod duckdb;
pub(crate) mod memory;
pub mod parquet;
pub mod queries;
mod workloads;

use std::{path::Path, time::Duration};

use bygone_benches::Comparison;
use tokio::runtime::{Builder, Runtime};

use crate::options::Options;

pub(crate) use queries::same;

/// When to read.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    Now,
    /// The snapshot with this number.
    Snapshot(usize),
}

/// A result as text, for comparison.
pub type Answer = Vec<Vec<String>>;

/// A store under the contest. Calls that it cannot serve return `None` or false.
pub trait Store {
    /// Its name and version.
    fn name(&self) -> String;
    /// Loads a Parquet file into the table, which is made again.
    fn load(&mut self, file: &Path);
    /// Does the work that was put off.
    fn settle(&mut self);
    /// Keeps the state under the next number, from 0.
    fn snapshot(&mut self);
    /// Applies the changes of a Parquet file, in one commit that is durable.
    fn apply(&mut self, changes: &Path);
    /// Drops all snapshots and frees what now needs no longer.
    fn drop_snapshots(&mut self);
    /// Table expression by which a query reads the table at a moment.
    fn table(&self, at: Moment) -> String;
    /// Reads all rows of a query; returns how many there are.
    fn read(&self, sql: &str) -> usize;
    /// The rows of a query that has few.
    fn answer(&self, sql: &str) -> Answer;
    /// Rows with a value in a column, value by value, as fast as the store can; returns the time of each in
    /// nanoseconds.
    fn lookups(&self, column: &str, values: &[i64]) -> Vec<u32>;
    /// Reads what changed between a snapshot and now; returns how many rows that is.
    fn diff(&self, from: usize) -> usize;
    /// Puts the table back to a snapshot.
    fn restore(&mut self, to: usize) -> bool;
    /// Closes and opens again; returns the time from there until the first row is read.
    fn reopen(&mut self) -> Duration;
    /// Bytes on disk.
    fn size(&self) -> u64;
}

/// A store's name on the command line, and how it is opened in a directory.
pub type Entry = (&'static str, fn(&Path, &'static Runtime) -> Box<dyn Store>);
/// The stores of this package, in the order in which they run.
pub const STORES: &[Entry] =
    &[("bygone", bygone::open), ("parquet", parquet::open), ("duckdb", duckdb::open)];

/// A runtime that lasts as long as the program.
pub fn runtime() -> &'static Runtime {
    Box::leak(Box::new(Builder::new_multi_thread().enable_all().build().expect("a runtime starts")))
}

/// Runs the workloads that are asked for; false when answers differ.
pub(crate) fn run(options: &Options, stores: &[Entry]) -> bool {
    let parts = ["queries", "rounds", "changes", "memory"];
    if !parts.into_iter().any(|part| options.wants(part)) {
        return true;
    }
    let runtime = runtime();
    let dir = options.plan.fresh_dir();
    let file = dir.path().join("orders.parquet");
    eprintln!("writing {} orders", options.plan.rows);
    data::write_orders(&file, options.plan.rows);
    let mut figures = Comparison::new(&format!("## SQL level, {} orders", options.plan.rows));
    let mut answers = queries::Answers::default();
    for (name, open) in stores.iter().filter(|(name, _)| options.has(name)) {
        for workload in [workloads::queries, workloads::rounds, workloads::changes] {
            workload(options, &mut figures, &mut answers, &file, &|dir: &Path| open(dir, runtime));
        }
        if options.wants("memory") {
            memory::measure(options, &mut figures, (name, *open));
        }
    }
    figures.print();
    workloads::targets(&figures);
    answers.print()
}
