//! Runs the contest: `cargo run --release -p bygone-rivals-sql -- [OPTION]… [WORKLOAD]…`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bygone_rivals_sql::run(&[])
}
