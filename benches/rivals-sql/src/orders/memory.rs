//! The peak of memory of a full scan, in a process of its own.

use std::{path::Path, process::Command};

use bygone_benches::{Comparison, machine};

use super::{Entry, Moment, data, queries, runtime};
use crate::options::Options;

/// First argument of the process that scans.
pub const COMMAND: &str = "scan-for-memory";

/// Loads many rows, then has them read by a process that opens the store.
pub fn measure(options: &Options, figures: &mut Comparison, (store, open): Entry) {
    let dir = options.plan.fresh_dir();
    let (file, at) = (dir.path().join("large.parquet"), dir.path().join("store"));
    std::fs::create_dir(&at).expect("a directory can be made");
    let rows = options.plan.large_rows;
    eprintln!("writing {rows} orders");
    data::write_orders(&file, rows);
    let mut contestant = open(&at, runtime());
    contestant.load(&file);
    contestant.settle();
    let name = contestant.name();
    drop(contestant);
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).arg(COMMAND).arg(store).arg(&at).output().expect("this program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().expect("a number"));
    let (count, peak) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    assert_eq!(count, rows as u64, "{store} reads what was loaded");
    let what =
        format!("peak memory of a process that reads {} rows", bygone_benches::report::compact(rows as f64));
    figures.add_value(&name, &what, peak as f64 / f64::from(1 << 20), "MiB");
}

/// The process: opens a store, reads all of it, prints the rows and the peak of memory.
pub fn scan(stores: &[Entry], arguments: &[String]) {
    let [store, dir] = arguments else { panic!("{COMMAND} STORE DIRECTORY") };
    let (_, open) = stores.iter().find(|(name, _)| name == store).expect("the store is known");
    let mut contestant = open(Path::new(dir), runtime());
    contestant.reopen();
    let sql = queries::at(contestant.as_ref(), queries::ALL, Moment::Now, 0);
    let rows = contestant.read(&sql);
    println!("{rows} {}", machine::peak_memory());
}
