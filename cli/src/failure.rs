//! What ends a run early: the message on standard error and the exit status.

use std::fmt::Write as _;
use std::io;

/// Exit statuses, as `--help` lists them.
pub(crate) mod status {
    pub(crate) const OK: u8 = 0;
    pub(crate) const SQL: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const CANNOT_OPEN: u8 = 3;
    pub(crate) const CORRUPT: u8 = 4;
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a run ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database refused or failed a statement.
    Statement { report: Box<Report>, is_corrupt: bool },
    /// The database could not be opened.
    Open { report: Box<Report>, is_corrupt: bool },
    /// The arguments cannot be used: a script that is not there, an unknown shell command.
    Usage(String),
    /// Rows could not be written; a closed pipe is not worth a message.
    Output { error: io::Error, statements_left: usize },
    /// A check or an inspection found something, which its report has said.
    Damaged { findings: usize, what: String },
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// Returns the exit status of a run that ends with this.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Statement { is_corrupt: true, .. }
            | Failure::Open { is_corrupt: true, .. }
            | Failure::Damaged { .. } => status::CORRUPT,
            Failure::Open { .. } => status::CANNOT_OPEN,
            Failure::Usage(_) => status::USAGE,
            Failure::Output { error, statements_left: 0 } if error.kind() == io::ErrorKind::BrokenPipe => {
                status::OK
            }
            Failure::Statement { .. } | Failure::Output { .. } => status::SQL,
            Failure::Interrupted => status::INTERRUPTED,
        }
    }

    /// Returns the lines for standard error; `None` when there is nothing to say.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Failure::Statement { report, .. } | Failure::Open { report, .. } => Some(report.render()),
            Failure::Usage(message) => Some(format!("error: {message}")),
            Failure::Output { error, statements_left: 0 } if error.kind() == io::ErrorKind::BrokenPipe => {
                None
            }
            Failure::Output { error, statements_left } if error.kind() == io::ErrorKind::BrokenPipe => {
                Some(format!("error: the output was closed; statements not run: {statements_left}"))
            }
            Failure::Output { error, .. } => Some(format!("error: cannot write the output: {error}")),
            Failure::Damaged { findings: 1, what } => Some(format!("error: {what} is damaged: 1 finding")),
            Failure::Damaged { findings, what } => {
                Some(format!("error: {what} is damaged: {findings} findings"))
            }
            Failure::Interrupted => Some("interrupted".to_owned()),
        }
    }
}

/// An error of the database, with where in the user's text it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) message: String,
    pub(crate) sqlstate: String,
    pub(crate) hint: Option<String>,
    pub(crate) place: Option<Place>,
}

/// A position in a script.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, when there is one.
    pub(crate) source: Option<String>,
    /// Line and column, counted from 1 in characters.
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The line itself.
    pub(crate) text: String,
}

impl Place {
    /// Finds the place in `script` of a position inside the statement that starts at byte `offset`.
    pub(crate) fn locate(source: Option<&str>, script: &str, offset: usize, line: u32, column: u32) -> Self {
        let before = script.get(..offset).unwrap_or_default();
        let lines_before = before.matches('\n').count() as u32;
        let columns_before = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32;
        let script_line = lines_before + line.max(1);
        let script_column = if line <= 1 { columns_before + column } else { column };
        let text = script.lines().nth(script_line as usize - 1).unwrap_or_default().to_owned();
        Self { source: source.map(str::to_owned), line: script_line, column: script_column.max(1), text }
    }
}

/// Longest source line that is shown under an error.
const EXCERPT_CHARS_MAX: usize = 160;

impl Report {
    /// Returns `error: message [SQLSTATE] at line:column`, the line with a mark below the column, and the hint.
    fn render(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if !self.sqlstate.is_empty() {
            push(&mut text, format_args!(" [{}]", self.sqlstate));
        }
        if let Some(place) = &self.place {
            let source = place.source.as_ref().map(|name| format!("{name}:")).unwrap_or_default();
            push(&mut text, format_args!(" at {source}{}:{}", place.line, place.column));
            if !place.text.is_empty() && place.text.chars().count() <= EXCERPT_CHARS_MAX {
                let shown: String =
                    place.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                let padding = " ".repeat(place.column as usize - 1);
                push(&mut text, format_args!("\n  | {shown}\n  | {padding}^"));
            }
        }
        if let Some(hint) = &self.hint {
            push(&mut text, format_args!("\nhint: {hint}"));
        }
        text
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_in_a_later_statement_is_a_position_in_the_script() {
        let script = "SELECT 1;\n\nSELECT 2; SELECT\n  missing";
        let offset = script.rfind("SELECT").unwrap();
        let first_line = Place::locate(Some("x.sql"), script, offset, 1, 3);
        assert_eq!((first_line.line, first_line.column), (3, 13));
        let second_line = Place::locate(Some("x.sql"), script, offset, 2, 3);
        assert_eq!((second_line.line, second_line.column, second_line.text.as_str()), (4, 3, "  missing"));
    }

    #[test]
    fn a_report_shows_code_place_excerpt_and_hint() {
        let report = Report {
            message: "table flihgts does not exist".to_owned(),
            sqlstate: "42P01".to_owned(),
            hint: Some("did you mean flights?".to_owned()),
            place: Some(Place::locate(None, "SELECT * FROM flihgts", 0, 1, 15)),
        };
        let expected = "error: table flihgts does not exist [42P01] at 1:15\n  \
            | SELECT * FROM flihgts\n  |               ^\nhint: did you mean flights?";
        assert_eq!(report.render(), expected);
    }

    #[test]
    fn a_closed_pipe_is_quiet_unless_statements_were_left_out() {
        let closed = |statements_left| Failure::Output {
            error: io::Error::from(io::ErrorKind::BrokenPipe),
            statements_left,
        };
        assert_eq!((closed(0).status(), closed(0).message()), (status::OK, None));
        assert_eq!(closed(2).status(), status::SQL);
        assert!(closed(2).message().unwrap().contains("not run: 2"));
    }
}
