//! Failures that end a run early: the message on standard error and the exit status.

use std::fmt::Write as _;
use std::io;

use bygone::printable;
use unicode_width::UnicodeWidthStr;

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
    Usage { message: String, hint: Option<String> },
    /// Errors that were reported when they happened, and after which the run went on.
    Reported { is_corrupt: bool },
    /// Rows could not be written; a closed pipe is not worth a message.
    Output { error: io::Error, statements_left: usize },
    /// A check or an inspection found something, which its report has said.
    Damaged { findings: usize, what: String },
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// Arguments that cannot be used, without advice.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// True where the statements behind the failed one can be run all the same.
    pub(crate) fn can_go_on(&self) -> bool {
        match self {
            Failure::Statement { .. } | Failure::Usage { .. } | Failure::Reported { .. } => true,
            Failure::Open { .. }
            | Failure::Output { .. }
            | Failure::Damaged { .. }
            | Failure::Interrupted => false,
        }
    }

    /// Notes on a failed output how much more was not run because of it.
    pub(crate) fn with_left(self, count: usize) -> Self {
        match self {
            Failure::Output { error, statements_left } => {
                Failure::Output { error, statements_left: statements_left + count }
            }
            other => other,
        }
    }

    /// Returns the exit status of a run that ends with this.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Statement { is_corrupt: true, .. }
            | Failure::Open { is_corrupt: true, .. }
            | Failure::Reported { is_corrupt: true }
            | Failure::Damaged { .. } => status::CORRUPT,
            Failure::Open { .. } => status::CANNOT_OPEN,
            Failure::Usage { .. } => status::USAGE,
            Failure::Output { error, statements_left: 0 } if error.kind() == io::ErrorKind::BrokenPipe => {
                status::OK
            }
            Failure::Statement { .. } | Failure::Reported { .. } | Failure::Output { .. } => status::SQL,
            Failure::Interrupted => status::INTERRUPTED,
        }
    }

    /// Returns the lines for standard error; `None` when there is nothing to say.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Failure::Statement { report, .. } | Failure::Open { report, .. } => Some(report.render()),
            Failure::Usage { message, hint } => {
                let report = Report { message: message.clone(), hint: hint.clone(), ..Report::default() };
                Some(report.render())
            }
            Failure::Reported { .. } => None,
            Failure::Output { error, statements_left: 0 } if error.kind() == io::ErrorKind::BrokenPipe => {
                None
            }
            Failure::Output { error, statements_left } if error.kind() == io::ErrorKind::BrokenPipe => {
                Some(format!("error: the output was closed; statements not run: {statements_left}"))
            }
            Failure::Output { error, .. } => Some(format!("error: cannot write the output: {error}")),
            Failure::Damaged { findings, what } => {
                let plural = if *findings == 1 { "" } else { "s" };
                Some(format!("error: {} is damaged: {findings} finding{plural}", printable(what)))
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
    /// The file, or what else the script is called, when there are several.
    pub(crate) source: Option<String>,
    /// Line and column, counted from 1 in characters.
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The line, as far as it is at hand, and how many characters of it stand in front of the place.
    pub(crate) text: String,
    pub(crate) before: usize,
}

impl Place {
    /// Finds the place of a byte of `text`, which begins at `start` (line and column) of its source.
    pub(crate) fn locate(source: Option<&str>, text: &str, start: (u32, u32), offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let lines_before = before.matches('\n').count();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let chars_before = before[line_start..].chars().count();
        let column = 1 + chars_before as u32 + if lines_before == 0 { start.1 - 1 } else { 0 };
        Self {
            source: source.map(str::to_owned),
            line: start.0 + lines_before as u32,
            column,
            text: text[line_start..].lines().next().unwrap_or_default().to_owned(),
            before: chars_before,
        }
    }
}

/// The byte of `text` at a line and column of the part of it that starts at byte `offset`.
pub(crate) fn byte_at(text: &str, offset: usize, line: u32, column: u32) -> usize {
    let part = text.get(offset..).unwrap_or_default();
    let lines = part.split_inclusive('\n').take(line.max(1) as usize - 1);
    let line_start = offset + lines.map(str::len).sum::<usize>();
    let rest = text.get(line_start..).unwrap_or_default();
    let in_line = rest.char_indices().nth(column.max(1) as usize - 1).map_or(rest.len(), |(at, _)| at);
    line_start + in_line
}

/// Longest source line that is shown under an error.
const EXCERPT_CHARS_MAX: usize = 160;

impl Report {
    /// Returns `error: message [SQLSTATE] at line:column`, the line with a mark below the column, and the
    /// hint. Nothing of it steers a terminal, whatever it quotes.
    fn render(&self) -> String {
        let mut text = format!("error: {}", printable(&self.message));
        if !self.sqlstate.is_empty() {
            push(&mut text, format_args!(" [{}]", self.sqlstate));
        }
        if let Some(place) = &self.place {
            let source = place.source.as_ref().map(|name| format!("{}:", printable(name)));
            let source = source.unwrap_or_default();
            push(&mut text, format_args!(" at {source}{}:{}", place.line, place.column));
            if !place.text.trim().is_empty() && place.text.chars().count() <= EXCERPT_CHARS_MAX {
                // A tab is as wide as a blank here, so that the mark stands where it must.
                let line = place.text.replace('\t', " ");
                let before: String = line.chars().take(place.before).collect();
                let padding = " ".repeat(printable(&before).width());
                push(&mut text, format_args!("\n  | {}\n  | {padding}^", printable(&line)));
            }
        }
        if let Some(hint) = &self.hint {
            push(&mut text, format_args!("\nhint: {}", printable(hint)));
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
        let place = |line, column| {
            let at = byte_at(script, offset, line, column);
            Place::locate(Some("x.sql"), script, (1, 1), at)
        };
        assert_eq!((place(1, 3).line, place(1, 3).column), (3, 13));
        let second_line = place(2, 3);
        assert_eq!((second_line.line, second_line.column, second_line.text.as_str()), (4, 3, "  missing"));
        assert_eq!(byte_at(script, offset, 9, 9), script.len());
    }

    #[test]
    fn a_position_in_a_part_of_the_source_is_a_position_in_the_source() {
        let part = " SELECT a,\n  b";
        let place = |text| Place::locate(Some("<stdin>"), part, (7, 11), part.find(text).unwrap());
        assert_eq!((place("a,").line, place("a,").column, place("a,").before), (7, 19, 8));
        assert_eq!((place("b").line, place("b").column, place("b").before), (8, 3, 2));
    }

    fn report(script: &str, word: &str) -> Report {
        Report {
            message: "table flihgts does not exist".to_owned(),
            sqlstate: "42P01".to_owned(),
            hint: Some("did you mean flights?".to_owned()),
            place: Some(Place::locate(None, script, (1, 1), script.find(word).unwrap())),
        }
    }

    #[test]
    fn a_report_shows_code_place_excerpt_and_hint() {
        let expected = "error: table flihgts does not exist [42P01] at 1:15\n  \
            | SELECT * FROM flihgts\n  |               ^\nhint: did you mean flights?";
        assert_eq!(report("SELECT * FROM flihgts", "flihgts").render(), expected);
    }

    #[test]
    fn a_report_shows_no_character_that_steers_a_terminal() {
        let mut report = report("SELECT \t\u{1b}[31m日\u{202e} x", "x");
        report.message = "table \u{1b}[31mx\ny does not exist".to_owned();
        report.hint = Some("did you mean \u{2066}?".to_owned());
        report.place.as_mut().unwrap().source = Some("\u{7}.sql".to_owned());
        let expected = [
            "error: table \\u{1b}[31mx\\ny does not exist [42P01] at \\u{7}.sql:1:17",
            "  | SELECT  \\u{1b}[31m日\\u{202e} x",
            &format!("  | {}^", " ".repeat(29)),
            "hint: did you mean \\u{2066}?",
        ];
        assert_eq!(report.render(), expected.join("\n"));
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
