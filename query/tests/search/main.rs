//! A search for wrong answers: random queries over small tables, which SQLite in the same process, other
//! plans and other states of the same data must answer alike.
//!
//! ```text
//!   seed ─▶ tables, views, changes, queries ─▶ here: in memory, flushed, compacted, AS OF, restored; by other plans;
//!           (generate)                               with parameters; in three parts; counted in two ways
//!                                            ─▶ SQLite: before and after the changes
//!           a difference ─▶ reduce ─▶ known? ─▶ a script with its seed
//! ```
//!
//! `cargo test -p bygone-query --test search` runs a fixed number of seeds. More, in an optimized build:
//!
//! ```text
//! SEARCH_SEEDS=1000000 SEARCH_FIRST=1000 SEARCH_MINUTES=120 cargo test --release -p bygone-query --test search -- --nocapture
//! ```
//!
//! `SEARCH_FIRST` alone runs that seed. Findings that are no news, with their reasons, are in `known.rs`.
//!
//! The seeds of an ordinary run find by themselves a filter that is pushed to a column by its name (without
//! `postgres::physical::filter_pushdown`: seed 9) and a `NOT IN` tied to the outer row that forgets about
//! NULLs (without its case in `postgres::plan::subqueries::plain`: seeds 1 and 14). Both are tried again when
//! what is generated changes.

mod answer;
mod check;
mod database;
mod generate;
mod known;
mod print;
mod reduce;
mod search;
mod sqlite;
mod tree;

use search::{Search, number};

/// Seeds of an ordinary run.
const SEEDS: u64 = 16;

#[test]
fn random_queries_have_one_answer_whoever_is_asked() {
    let (seeds, first) = (number("SEARCH_SEEDS"), number("SEARCH_FIRST"));
    let seeds = seeds.unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let report = Search { first: first.unwrap_or(0), seeds, minutes: number("SEARCH_MINUTES") }.run();
    eprintln!("{report}");
    assert!(report.news.is_empty(), "{} wrong answers: see above", report.news.len());
}
