//! Runs the contest: `cargo run --release -p bygone-rivals -- [--rows N] [--runs N] [--dir DIR] [STORE]…`.

mod bygone;
mod fjall;
mod redb;
mod sqlite;

use std::{path::Path, process::ExitCode};

use bygone_benches::{KeyValue, Plan, contest, machine};

/// Cache of every store, in bytes.
const CACHE_BYTES: u64 = 256 << 20;
/// The stores, in the order in which they run.
const STORES: [(&str, fn(&Path) -> Box<dyn KeyValue>); 4] =
    [("bygone", bygone::open), ("fjall", fjall::open), ("redb", redb::open), ("sqlite", sqlite::open)];

fn main() -> ExitCode {
    let (plan, names) = match Plan::from_args(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(unknown) = names.iter().find(|name| STORES.iter().all(|(known, _)| known != name)) {
        eprintln!("there is no store {unknown}");
        return ExitCode::from(2);
    }
    println!("{}", machine::describe());
    for (name, open) in STORES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            contest::run(&plan, &open);
        }
    }
    ExitCode::SUCCESS
}
