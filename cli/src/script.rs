//! Running without a shell: texts from the command line, files and standard input, statement by statement, until the
//! first error.

use std::fs::File;
use std::io::{self, Read};

use bygone::split_statements;

use crate::args::ScriptArgument;
use crate::connection::{Connection, statement_failure};
use crate::console::{Console, Placed};
use crate::failure::{Failure, Place};
use crate::interrupt::Interrupts;
use crate::shell;

/// A text to run, and the name errors show for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script {
    source: Option<String>,
    text: String,
}

impl Script {
    /// Reads what an argument names, before anything runs: a missing file stops the run at its start.
    pub(crate) fn load(argument: &ScriptArgument) -> Result<Self, Failure> {
        match argument {
            ScriptArgument::Text(text) => Ok(Self { source: None, text: text.clone() }),
            ScriptArgument::File(name) if name == "-" => Self::standard_input(),
            ScriptArgument::File(name) => {
                let text = read_text(name, open(name))?;
                Ok(Self { source: Some(name.clone()), text })
            }
        }
    }

    /// Reads standard input to its end.
    pub(crate) fn standard_input() -> Result<Self, Failure> {
        let text = read_text("standard input", Ok(io::stdin().lock()))?;
        Ok(Self { source: Some("stdin".to_owned()), text })
    }

    /// True for `.tables`, `\d` and the like, which the shell knows and SQL does not.
    fn is_shell_command(&self) -> bool {
        self.source.is_none() && self.text.trim_start().starts_with(['.', '\\'])
    }
}

#[expect(clippy::disallowed_methods, reason = "scripts are the user's files, not the database's")]
fn open(name: &str) -> io::Result<File> {
    File::open(name)
}

fn read_text(name: &str, input: io::Result<impl Read>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let unreadable = |error: io::Error| Failure::Usage(format!("cannot read {name}: {error}"));
    input.and_then(|mut input| input.read_to_end(&mut bytes)).map_err(unreadable)?;
    // A byte order mark is an editor's, not the script's.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    String::from_utf8(text.to_vec()).map_err(|error| {
        let line = text[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        Failure::Usage(format!("{name} is not UTF-8: line={line}"))
    })
}

/// Runs the scripts in order; the first error ends the run.
pub(crate) async fn run(
    connection: &Connection,
    scripts: &[Script],
    console: &mut Console,
    interrupts: &Interrupts,
) -> Result<(), Failure> {
    let scripts_total = scripts.len();
    for (index, script) in scripts.iter().enumerate() {
        let result = run_one(connection, script, console, interrupts).await;
        result.map_err(|failure| add_left(failure, scripts_total - index - 1))?;
    }
    Ok(())
}

async fn run_one(
    connection: &Connection,
    script: &Script,
    console: &mut Console,
    interrupts: &Interrupts,
) -> Result<(), Failure> {
    if script.is_shell_command() {
        return interrupts
            .guard(shell::run_command(connection, console, script.text.trim()))
            .await
            .map(|_| ());
    }
    let source = script.source.as_deref();
    let locate = |line, column| Place::locate(source, &script.text, 0, line, column);
    let statements =
        split_statements(&script.text).map_err(|error| statement_failure(&error, Some(&locate)))?;
    let statements_total = statements.len();
    for (index, statement) in statements.iter().enumerate() {
        let placed = Placed { sql: statement.text, script: &script.text, offset: statement.offset, source };
        let result = interrupts.guard(console.run(connection, placed)).await;
        result.map_err(|failure| add_left(failure, statements_total - index - 1))?;
    }
    Ok(())
}

/// Notes on a failed output how much was not run because of it.
fn add_left(failure: Failure, count: usize) -> Failure {
    match failure {
        Failure::Output { error, statements_left } => {
            Failure::Output { error, statements_left: statements_left + count }
        }
        other => other,
    }
}
