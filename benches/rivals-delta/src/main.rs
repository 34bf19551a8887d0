//! Runs the contest on orders with Delta Lake beside the others.

mod delta;

use std::process::ExitCode;

fn main() -> ExitCode {
    bygone_rivals_sql::run(&[("delta", delta::open)])
}
