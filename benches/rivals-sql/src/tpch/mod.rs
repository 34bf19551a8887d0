//! The 22 queries of TPC-H: their answers and their times, now and as of a snapshot.

mod data;
mod queries;
mod stores;

use std::time::Instant;

use bygone_benches::{Comparison, report::Samples};

use crate::{
    options::Options,
    orders::{self, Answer, same},
};
use data::Table;

/// A store that answers the queries.
pub trait Store {
    /// Its name, and when it reads.
    fn name(&self) -> String;
    /// Loads the tables.
    fn load(&mut self, tables: &[Table]);
    /// Reads all rows of a query; returns how many there are.
    fn read(&self, sql: &str) -> Result<usize, String>;
    /// The rows of a query.
    fn answer(&self, sql: &str) -> Result<Answer, String>;
    /// From now on reads as of a snapshot of what was loaded, with changes behind it; false when the store
    /// cannot.
    fn go_back(&mut self) -> bool;
}

/// Runs all stores; false when answers differ or a query failed.
pub fn run(options: &Options) -> bool {
    let dir = options.plan.fresh_dir();
    eprintln!("writing TPC-H at scale {}", options.scale);
    let tables = data::write(dir.path(), options.scale);
    let mut contest = Contest {
        options,
        figures: Comparison::new(&format!("## TPC-H, scale {}", options.scale)),
        first: vec![None; queries::COUNT],
        failures: Vec::new(),
        checked: 0,
    };
    for (name, open) in stores::STORES {
        if options.has(name) {
            let dir = options.plan.fresh_dir();
            let mut store = open(dir.path(), orders::runtime());
            contest.load(store.as_mut(), &tables);
            contest.queries(store.as_ref());
            if store.go_back() {
                contest.queries(store.as_ref());
            }
            drop(store);
        }
    }
    contest.print()
}

struct Contest<'a> {
    options: &'a Options,
    figures: Comparison,
    /// Answers of the first store.
    first: Vec<Option<Answer>>,
    failures: Vec<String>,
    checked: usize,
}

impl Contest<'_> {
    fn load(&mut self, store: &mut dyn Store, tables: &[Table]) {
        let start = Instant::now();
        store.load(tables);
        self.figures.add_value(&store.name(), "load", start.elapsed().as_secs_f64(), "s");
    }

    fn queries(&mut self, store: &dyn Store) {
        let name = store.name();
        let mut totals = vec![0.0; self.options.plan.runs];
        for number in 1..=queries::COUNT {
            let sql = queries::text(number);
            match store.answer(&sql) {
                Ok(answer) => self.check(&name, number, answer),
                Err(error) => {
                    eprintln!("{name}: query {number}: {error}");
                    self.failures.push(format!("{name}: query {number}: {error}"));
                    continue;
                }
            }
            let mut times = Samples::default();
            for total in &mut totals {
                let start = Instant::now();
                if let Err(error) = store.read(&sql) {
                    self.failures.push(format!("{name}: query {number}: {error}"));
                    break;
                }
                let time = start.elapsed().as_secs_f64() * 1e3;
                *total += time;
                times.push(time);
            }
            if !times.is_empty() {
                self.figures.add(&name, &format!("query {number}"), times, "ms");
            }
        }
        let mut sums = Samples::default();
        totals.into_iter().for_each(|total| sums.push(total));
        self.figures.add(&name, "all queries", sums, "ms");
    }

    fn check(&mut self, store: &str, number: usize, answer: Answer) {
        self.checked += 1;
        if self.options.scale == 1.0 && !queries::is_published(number, &answer) {
            explain(&answer, &queries::published(number));
            self.failures.push(format!("{store}: query {number}: not the published answer"));
        }
        match &self.first[number - 1] {
            None => self.first[number - 1] = Some(answer),
            Some(first) => {
                if !same(first, &answer) {
                    explain(&answer, first);
                    self.failures.push(format!("{store}: query {number}: not the answer of the first store"));
                }
            }
        }
    }

    fn print(&self) -> bool {
        self.figures.print();
        println!("\n{} answers checked", self.checked);
        for failure in &self.failures {
            println!("* {failure}");
        }
        self.failures.is_empty()
    }
}

/// Says on standard error where two answers part.
fn explain(answer: &Answer, expected: &Answer) {
    let row = answer
        .iter()
        .zip(expected)
        .position(|(left, right)| !same(&vec![left.clone()], &vec![right.clone()]));
    let row = row.unwrap_or(answer.len().min(expected.len()));
    eprintln!(
        "{} rows, {} expected; row {row}: {:?}, {:?} expected",
        answer.len(),
        expected.len(),
        answer.get(row),
        expected.get(row)
    );
}
