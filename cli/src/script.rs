//! Sources of the statements of a run: texts of the command line, files, and standard input.
//!
//! A text or a file is there as a whole before anything runs. Standard input is cut while it arrives: no byte
//! behind a statement is taken before the statement was answered, so that a program can write one, read its
//! answer, and write the next, and so that `COPY t FROM '-'` reads the lines that follow it.

use std::fs::File;
use std::io::{self, BufRead, Read};

use bygone::StatementCutter;

use crate::args::ScriptArgument;
use crate::failure::Failure;

/// Name of standard input in messages.
const STANDARD_INPUT: &str = "<stdin>";
/// A byte order mark is an editor's, not the script's.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Texts to run, and the name errors show for them.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) source: Option<String>,
    input: Input,
}

#[derive(Debug)]
enum Input {
    /// All of it, until it is taken.
    Whole(Option<String>),
    Standard(Arriving),
}

/// A text with whole statements.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) text: String,
    /// Line and column at which it begins in its script.
    pub(crate) start: (u32, u32),
    /// Typed at a prompt: who typed it sees which statement an error is about.
    pub(crate) is_typed: bool,
}

impl Part {
    /// All of a script.
    pub(crate) fn whole(text: String) -> Self {
        Self { text, start: (1, 1), is_typed: false }
    }
}

impl Script {
    /// Reads what the arguments name, before anything runs: a missing file stops the run at its start.
    pub(crate) fn load_all(arguments: &[ScriptArgument]) -> Result<Vec<Self>, Failure> {
        let is_one = arguments.len() == 1;
        let mut texts = 0;
        let mut scripts = Vec::with_capacity(arguments.len());
        for argument in arguments {
            scripts.push(match argument {
                ScriptArgument::Text(text) => {
                    texts += 1;
                    let source = (!is_one).then(|| format!("<SQL {texts}>"));
                    Self { source, input: Input::Whole(Some(text.clone())) }
                }
                ScriptArgument::File(name) if name == "-" || name == "/dev/stdin" => Self::standard_input(),
                ScriptArgument::File(name) => {
                    let text = read_file(name)?;
                    Self { source: Some(name.clone()), input: Input::Whole(Some(text)) }
                }
            });
        }
        Ok(scripts)
    }

    /// Standard input, of which nothing has been read yet.
    pub(crate) fn standard_input() -> Self {
        Self { source: Some(STANDARD_INPUT.to_owned()), input: Input::Standard(Arriving::default()) }
    }

    /// Returns the next part, `None` at the end. Waits for standard input.
    pub(crate) fn next_part(&mut self) -> Result<Option<Part>, Failure> {
        match &mut self.input {
            Input::Whole(text) => Ok(text.take().map(Part::whole)),
            Input::Standard(arriving) => arriving.next_part(&mut io::stdin().lock()),
        }
    }

    /// True for `.tables`, `\d` and the like, which the shell knows and SQL does not.
    pub(crate) fn shell_command(&self) -> Option<&str> {
        match &self.input {
            Input::Whole(Some(text)) if text.trim_start().starts_with(['.', '\\']) => Some(text.trim()),
            _ => None,
        }
    }
}

/// A text of which the end is not known.
#[derive(Debug)]
struct Arriving {
    cutter: StatementCutter,
    line: u32,
    column: u32,
    is_at_end: bool,
}

impl Default for Arriving {
    fn default() -> Self {
        Self { cutter: StatementCutter::default(), line: 1, column: 1, is_at_end: false }
    }
}

impl Arriving {
    fn next_part(&mut self, input: &mut impl BufRead) -> Result<Option<Part>, Failure> {
        if self.is_at_end {
            return Ok(None);
        }
        let start = (self.line, self.column);
        let bytes = self
            .read_statement(input)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        let is_first = start == (1, 1);
        let bytes = if is_first { bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes) } else { &bytes };
        let text = utf8(bytes, "standard input", start.0)?;
        for character in text.chars() {
            let is_line_end = character == '\n';
            self.line += u32::from(is_line_end);
            self.column = if is_line_end { 1 } else { self.column + 1 };
        }
        Ok(Some(Part { text, start, is_typed: false }))
    }

    /// Reads up to the end of a statement, and of its line when nothing else is in it.
    fn read_statement(&mut self, input: &mut impl BufRead) -> io::Result<Vec<u8>> {
        loop {
            let arrived = match input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                arrived => arrived?,
            };
            if arrived.is_empty() {
                self.is_at_end = true;
                return Ok(self.cutter.cut());
            }
            let (taken, is_end) = self.cutter.take(arrived);
            if is_end {
                let rest = &arrived[taken..];
                let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
                let line_end = if rest.get(blanks) == Some(&b'\n') { blanks + 1 } else { 0 };
                let mut bytes = self.cutter.cut();
                bytes.extend_from_slice(&rest[..line_end]);
                input.consume(taken + line_end);
                return Ok(bytes);
            }
            input.consume(taken);
        }
    }
}

/// Reads a file of statements.
#[expect(clippy::disallowed_methods, reason = "scripts are the user's files, not the database's")]
pub(crate) fn read_file(name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    File::open(name)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes), name, 1)
}

fn utf8(bytes: &[u8], name: &str, first_line: u32) -> Result<String, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let lines = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            Err(Failure::usage(format!("{name} is not UTF-8: line={}", first_line as usize + lines - 1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(mut input: &[u8]) -> Vec<(String, (u32, u32))> {
        let mut arriving = Arriving::default();
        let mut parts = Vec::new();
        while let Some(part) = arriving.next_part(&mut input).unwrap() {
            parts.push((part.text, part.start));
        }
        parts
    }

    #[test]
    fn standard_input_is_cut_at_statements_and_knows_where_they_begin() {
        let found = parts(b"\xef\xbb\xbfSELECT 1;  \nSELECT '\n;'; SELECT 3;\nSELECT 4");
        let expected = [
            ("SELECT 1;  \n", (1, 1)),
            ("SELECT '\n;';", (2, 1)),
            (" SELECT 3;\n", (3, 4)),
            ("SELECT 4", (4, 1)),
        ];
        assert_eq!(found, expected.map(|(text, start)| (text.to_owned(), start)));
        assert_eq!(parts(b""), [(String::new(), (1, 1))]);
    }

    #[test]
    fn nothing_behind_a_statement_is_taken() {
        let mut input: &[u8] = b"COPY t FROM '-';\r\n1,a\n2,b\n";
        let part = Arriving::default().next_part(&mut input).unwrap().unwrap();
        assert_eq!((part.text.as_str(), input), ("COPY t FROM '-';\r\n", &b"1,a\n2,b\n"[..]));
    }

    #[test]
    fn text_that_is_not_utf8_names_its_line() {
        let mut input: &[u8] = b"SELECT 1;\nSELECT\n'\xff';";
        let mut arriving = Arriving::default();
        arriving.next_part(&mut input).unwrap();
        let failure = arriving.next_part(&mut input).unwrap_err();
        assert_eq!(failure.message().unwrap(), "error: standard input is not UTF-8: line=3");
    }
}
