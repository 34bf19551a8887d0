//! Runs the contest: `cargo run --release -p bygone-rivals -- [--rows N] [--runs N] [--dir DIR] [STORE]…`.

mod bygone;
mod fjall;
mod redb;
#[cfg(feature = "slatedb")]
mod slatedb;
mod sqlite;
#[cfg(feature = "surrealkv")]
mod surrealkv;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
};

use bygone_benches::{Comparison, KeyValue, Plan, contest, machine};

/// Cache of every store, in bytes.
const CACHE_BYTES: u64 = 256 << 20;
/// A store's name, and how it is opened.
type Entry = (&'static str, fn(&Path) -> Box<dyn KeyValue>);
/// The stores, in the order in which they run.
const STORES: &[Entry] = &[
    ("bygone", bygone::open),
    ("fjall", fjall::open),
    ("redb", redb::open),
    ("sqlite", sqlite::open),
    #[cfg(feature = "slatedb")]
    ("slatedb", slatedb::open),
    #[cfg(feature = "surrealkv")]
    ("surrealkv", surrealkv::open),
];

fn main() -> ExitCode {
    let (plan, names) = match Plan::from_args(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(unknown) = names.iter().find(|name| STORES.iter().all(|(known, _)| known != name)) {
        eprintln!("there is no store {unknown} in this build");
        return ExitCode::from(2);
    }
    println!("{}", machine::describe());
    let mut figures = Comparison::new(&format!("## Key-value level, {} rows", plan.rows));
    let mut failed = Vec::new();
    for (name, open) in STORES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            // A store that gives up loses neither its figures so far nor those of the others.
            let run = AssertUnwindSafe(|| contest::run(&plan, &mut figures, open));
            if catch_unwind(run).is_err() {
                failed.push(*name);
            }
        }
    }
    figures.print();
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\ngave up: {}", failed.join(", "));
    ExitCode::FAILURE
}
