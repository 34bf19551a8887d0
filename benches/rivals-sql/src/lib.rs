//! The SQL workloads on Bygone and on other stores: a contest on a table of orders, and TPC-H.
//!
//! `README.md` of the benches says what is measured and how.

mod options;
pub mod orders;
mod tpch;

use std::process::ExitCode;

use bygone_benches::machine;
use options::Options;

/// Runs what the command line asks for, with stores of orders beside those of this package, and prints it as
/// Markdown.
pub fn run(others: &[orders::Entry]) -> ExitCode {
    let stores = [orders::STORES, others].concat();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, rest @ ..] = &arguments[..]
        && command == orders::memory::COMMAND
    {
        orders::memory::scan(&stores, rest);
        return ExitCode::SUCCESS;
    }
    let options = match Options::from_args(arguments.into_iter()) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    println!("{}", machine::describe());
    let mut is_sound = orders::run(&options, &stores);
    if options.wants("tpch") {
        is_sound &= tpch::run(&options);
    }
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
