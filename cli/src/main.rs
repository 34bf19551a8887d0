//! The `bygone` command: SQL with a past, on a directory.
//!
//! ```text
//! arguments ─► script ─► runner ─► connection, console ─► output (table, csv, tsv, json, jsonl, markdown)
//!          └─► shell  ──┘
//!          └─► check, inspect  ─► text
//! ```
//!
//! Rows go to standard output and nothing else does, so that a pipe gets data only; notices, errors, the
//! timer and progress go to standard error. The reports of `check` and `inspect` are their output. Only
//! `connection` and these two know the library.

mod args;
mod check;
mod connection;
mod console;
mod failure;
mod handles;
mod inspect;
mod interrupt;
mod output;
mod progress;
mod runner;
mod script;
mod shell;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use args::{Arguments, Invocation};
use connection::Opener;
use console::{Console, report_line};
use failure::{Failure, status};
use interrupt::Interrupts;
use output::Format;
use runner::Runner;
use script::Script;

/// Planning a statement makes thousands of small allocations, which this allocator does in less time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stack of the thread that plans statements, and of each worker, in bytes. It is reserved, not used: a chain
/// of operators nests as deep as it is long.
const PLANNER_STACK_BYTES: usize = 512 << 20;
const WORKER_STACK_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    handles::raise();
    let invocation = Invocation::from_process();
    let planner = std::thread::Builder::new().name("bygone".to_owned()).stack_size(PLANNER_STACK_BYTES);
    let outcome = match planner.spawn(move || run(&invocation)) {
        Ok(running) => running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => Err(Failure::usage(format!("cannot start a thread: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::from(status::OK),
        Err(failure) => {
            if let Some(message) = failure.message() {
                report_line(&message);
            }
            ExitCode::from(failure.status())
        }
    }
}

fn run(invocation: &Invocation) -> Result<(), Failure> {
    match invocation {
        Invocation::Run(arguments) => run_sql(arguments),
        Invocation::Check { database, progress } => in_runtime(check::run(database, *progress)),
        Invocation::Inspect { file } => inspect::run(file),
    }
}

fn run_sql(arguments: &Arguments) -> Result<(), Failure> {
    let mut scripts = Script::load_all(&arguments.scripts)?;
    let is_shell = scripts.is_empty() && io::stdin().is_terminal();
    if scripts.is_empty() && !is_shell {
        scripts.push(Script::standard_input());
    }
    in_runtime(open_and_run(arguments, scripts, is_shell))
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(WORKER_STACK_BYTES)
        .build()
        .map_err(|error| Failure::usage(format!("cannot start worker threads: {error}")))?;
    let result = runtime.block_on(work);
    // A cancelled query may still be busy on a worker; the database is closed, nothing of it matters any
    // more.
    runtime.shutdown_background();
    result
}

/// Opens, runs, closes. The database is closed also after an error, and the first failure is the one
/// reported.
async fn open_and_run(arguments: &Arguments, scripts: Vec<Script>, is_shell: bool) -> Result<(), Failure> {
    let default_format = if io::stdout().is_terminal() { Format::Table } else { Format::Csv };
    let console = Console::new(arguments.format.unwrap_or(default_format), arguments.timer);
    let interrupts = Interrupts::install(is_shell);
    let mut runner = Runner::new(Opener::new(arguments), console, interrupts, arguments.on_error);
    if arguments.opens_for_reading() {
        // Nothing is made, so whoever misspelt the database's name learns that first.
        runner.connection().await?;
    }
    let result = if is_shell {
        shell::run(&mut runner, &arguments.database).await
    } else {
        runner.run_all(scripts).await
    };
    let flushed = runner.console.flush();
    let closed = runner.opener.close().await;
    result.and(flushed).and(closed)
}
