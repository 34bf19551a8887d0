//! The interactive shell: a line editor around the same statements a script runs.
//!
//! An error is shown and the shell goes on; Ctrl-C cancels the statement under way and returns to the prompt;
//! Ctrl-D or `.quit` leaves. The history is kept in the user's state directory, never inside a database.

mod command;
mod complete;
mod history;

use std::io::ErrorKind;

use bygone::printable;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::console::report_line;
use crate::failure::Failure;
use crate::runner::Runner;
use crate::script::Part;

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
pub(crate) async fn run(runner: &mut Runner<'_>, database: &str) -> Result<(), Failure> {
    let mut editor = editor().map_err(|error| Failure::usage(format!("cannot use the terminal: {error}")))?;
    let history = history::path();
    if let Some(path) = &history {
        // A first run has no history; an unreadable one is no reason not to start.
        let _ = editor.load_history(path);
    }
    let is_new = is_vacant(database);
    if !is_new {
        runner.connection().await?;
    }
    runner.console.tags = true;
    runner.console.say(&format!("Bygone {} on {}", env!("CARGO_PKG_VERSION"), printable(database)))?;
    if is_new {
        runner.console.say("There is no database yet: the first statement makes it.")?;
    }
    runner.console.say("End a statement with ';'. Type .help for commands, .quit to leave.")?;
    refresh_names(runner, &mut editor).await;
    loop {
        let input = match editor.readline(&prompt(runner)) {
            Ok(input) => input,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Failure::usage(format!("cannot read from the terminal: {error}"))),
        };
        if input.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(input.as_str());
        if let Some(path) = &history {
            let _ = editor.append_history(path);
        }
        match run_input(runner, input).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => break,
            Err(failure @ Failure::Output { .. }) => return Err(failure),
            Err(failure) => runner.report(&failure)?,
        }
        refresh_names(runner, &mut editor).await;
    }
    if runner.opener.in_transaction() {
        report_line("notice: the open transaction was rolled back");
    }
    Ok(())
}

/// True where opening would make a directory, or a database of an empty one.
#[expect(clippy::disallowed_methods, reason = "the directory is only looked at, and nothing of it is read")]
fn is_vacant(database: &str) -> bool {
    match std::fs::read_dir(database) {
        Ok(mut entries) => entries.next().is_none(),
        // A URL, or a place that cannot be opened: opening says more.
        Err(error) => error.kind() == ErrorKind::NotFound && !database.contains(':'),
    }
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
async fn run_input(runner: &mut Runner<'_>, input: String) -> Result<Flow, Failure> {
    if command::is_command(&input) {
        return command::run(runner, input.trim()).await;
    }
    let part = Part { is_typed: true, ..Part::whole(input) };
    runner.run_part(&part, None).await?;
    Ok(Flow::Continue)
}

/// `bygone> `, with a star in a transaction and the pinned point in parentheses.
fn prompt(runner: &Runner<'_>) -> String {
    let star = if runner.opener.in_transaction() { "*" } else { "" };
    match runner.opener.opened().and_then(|connection| connection.session().as_of()) {
        Some(point) => format!("bygone{star} ({})> ", printable(&point)),
        None => format!("bygone{star}> "),
    }
}

/// Asks for the names completion offers; in a state that refuses queries the old ones stay.
async fn refresh_names(runner: &Runner<'_>, editor: &mut LineEditor) {
    let (Some(helper), Some(connection)) = (editor.helper_mut(), runner.opener.opened()) else { return };
    if let Ok(names) = Names::load(connection).await {
        helper.set_names(names);
    }
}
