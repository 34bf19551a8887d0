//! The interactive shell: a line editor around the same statements a script runs.
//!
//! An error is shown and the shell goes on; Ctrl-C cancels the statement under way and returns to the prompt; Ctrl-D or
//! `.quit` leaves. The history is kept in the user's state directory, never inside a database.

mod command;
mod complete;
mod history;

use bygone::split_statements;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::connection::{Connection, statement_failure};
use crate::console::{Console, Placed, report_line};
use crate::failure::{Failure, Place};
use crate::interrupt::Interrupts;

use complete::{Names, ShellHelper};

pub(crate) use command::run as run_command;

/// Whether the shell goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Read the next input.
    Continue,
    /// Leave.
    Quit,
}

type LineEditor = Editor<ShellHelper, DefaultHistory>;

/// Reads and runs inputs until the user leaves.
pub(crate) async fn run(
    connection: &Connection,
    console: &mut Console,
    interrupts: &Interrupts,
    database: &str,
) -> Result<(), Failure> {
    let mut editor = editor().map_err(|error| Failure::Usage(format!("cannot use the terminal: {error}")))?;
    let history = history::path();
    if let Some(path) = &history {
        // A first run has no history; an unreadable one is no reason not to start.
        let _ = editor.load_history(path);
    }
    console.tags = true;
    console.say(&format!("Bygone {} on {database}", env!("CARGO_PKG_VERSION")))?;
    console.say("End a statement with ';'. Type .help for commands, .quit to leave.")?;
    refresh_names(connection, &mut editor).await;
    loop {
        let input = match editor.readline(&prompt(connection)) {
            Ok(input) => input,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Failure::Usage(format!("cannot read from the terminal: {error}"))),
        };
        if input.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(input.as_str());
        if let Some(path) = &history {
            let _ = editor.append_history(path);
        }
        match run_input(connection, console, interrupts, &input).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => break,
            Err(failure @ Failure::Output { .. }) => return Err(failure),
            Err(failure) => report_failure(console, &failure)?,
        }
        refresh_names(connection, &mut editor).await;
    }
    if connection.session().in_transaction() {
        report_line("notice: the open transaction was rolled back");
    }
    Ok(())
}

fn report_failure(console: &mut Console, failure: &Failure) -> Result<(), Failure> {
    console.flush()?;
    if let Some(message) = failure.message() {
        report_line(&message);
    }
    Ok(())
}

fn editor() -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .history_ignore_dups(true)?
        .max_history_size(10_000)?
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(ShellHelper::default()));
    Ok(editor)
}

/// Runs a shell command or the statements of one input.
async fn run_input(
    connection: &Connection,
    console: &mut Console,
    interrupts: &Interrupts,
    input: &str,
) -> Result<Flow, Failure> {
    if command::is_command(input) {
        return interrupts.guard(command::run(connection, console, input.trim())).await;
    }
    interrupts.guard(run_statements(connection, console, input, None)).await?;
    Ok(Flow::Continue)
}

/// Runs every statement of a text until the first error.
pub(crate) async fn run_statements(
    connection: &Connection,
    console: &mut Console,
    text: &str,
    source: Option<&str>,
) -> Result<(), Failure> {
    let locate = |line, column| Place::locate(source, text, 0, line, column);
    let statements = split_statements(text).map_err(|error| statement_failure(&error, Some(&locate)))?;
    for statement in statements {
        let placed = Placed { sql: statement.text, script: text, offset: statement.offset, source };
        console.run(connection, placed).await?;
    }
    Ok(())
}

/// `bygone> `, with a star in a transaction and the pinned point in parentheses.
fn prompt(connection: &Connection) -> String {
    let session = connection.session();
    let star = if session.in_transaction() { "*" } else { "" };
    match session.as_of() {
        Some(point) => format!("bygone{star} ({point})> "),
        None => format!("bygone{star}> "),
    }
}

/// Asks for the names completion offers; in a state that refuses queries the old ones stay.
async fn refresh_names(connection: &Connection, editor: &mut LineEditor) {
    if let (Some(helper), Ok(names)) = (editor.helper_mut(), Names::load(connection).await) {
        helper.set_names(names);
    }
}
