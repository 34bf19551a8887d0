//! Cutting a script into statements, without parsing it.
//!
//! A semicolon ends a statement unless it is inside a string, a quoted name, a dollar-quoted string, or a
//! comment. The shell asks [`is_complete`] whether to read another line; a [`StatementCutter`] finds the ends
//! of statements in a text that arrives in pieces. All of them go by one [`Scanner`], which looks at each
//! byte once.

use crate::error::{Error, Position, Result};

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementText<'a> {
    /// The text, without the semicolon and the white space around it.
    pub text: &'a str,
    /// Offset of its start in the script, in bytes.
    pub offset: usize,
    /// Offset of its first word in the script, in bytes: behind the comments that it starts with.
    pub first_word: usize,
}

/// The statements of a script in order; empty ones and lone comments are left out.
///
/// # Errors
///
/// 42601 when a string, a quoted name or a comment is not closed.
pub fn split_statements(sql: &str) -> Result<Vec<StatementText<'_>>> {
    statements(sql).collect()
}

/// As [`split_statements`], one after the other: an error comes after the statements in front of it, and is
/// the last.
pub fn statements(sql: &str) -> Statements<'_> {
    Statements { sql, start: 0, scanner: Scanner::default() }
}

/// Iterator of [`statements`].
#[derive(Debug)]
pub struct Statements<'a> {
    sql: &'a str,
    start: usize,
    scanner: Scanner,
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<StatementText<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.start < self.sql.len() {
            let end = self.scanner.scan(self.sql.as_bytes(), true);
            let (start, next) = (self.start, end.unwrap_or(self.sql.len()));
            self.start = next;
            if end.is_none()
                && let Some((what, at)) = self.scanner.open()
            {
                let error = Error::syntax(format!("syntax error: {what} is not closed"));
                return Some(Err(error.at(Some(place(self.sql, at)))));
            }
            if let Some(first_word) = self.scanner.begin() {
                let raw = &self.sql[start..end.map_or(next, |end| end - 1)];
                let offset = start + (raw.len() - raw.trim_start().len());
                return Some(Ok(StatementText { text: raw.trim(), offset, first_word }));
            }
        }
        None
    }
}

/// Whether every statement of the text is closed by a semicolon, so that it can be run as it is. Text without
/// a statement is complete.
pub fn is_complete(sql: &str) -> bool {
    let mut scanner = Scanner::default();
    while scanner.scan(sql.as_bytes(), true).is_some() {
        scanner.begin();
    }
    scanner.open().is_none() && scanner.begin().is_none()
}

/// Finds the ends of statements in a text that arrives in pieces.
#[derive(Debug, Default)]
pub struct StatementCutter {
    text: Vec<u8>,
    scanner: Scanner,
}

impl StatementCutter {
    /// Takes of `piece` what belongs to the statement under way. Returns how many bytes that are, and whether
    /// the last of them is the semicolon that ends the statement.
    pub fn take(&mut self, piece: &[u8]) -> (usize, bool) {
        let before = self.text.len();
        self.text.extend_from_slice(piece);
        match self.scanner.scan(&self.text, false) {
            Some(end) => {
                self.text.truncate(end);
                (end - before, true)
            }
            None => (piece.len(), false),
        }
    }

    /// Returns what was taken since the last call, and begins the next statement.
    pub fn cut(&mut self) -> Vec<u8> {
        self.scanner = Scanner::default();
        std::mem::take(&mut self.text)
    }
}

/// Line and column of a byte offset.
pub(super) fn place(sql: &str, offset: usize) -> Position {
    let before = &sql[..offset];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position { line: line as u32, column: column as u32 }
}

/// Lexical context of the scanner.
#[derive(Debug, Default)]
enum Within {
    #[default]
    Code,
    LineComment,
    Comment {
        depth: usize,
    },
    Quotes {
        quote: u8,
        backslash: bool,
    },
    Dollars {
        tag: Vec<u8>,
    },
}

/// State of a scan. It goes on with the same text, or with more of it.
#[derive(Debug, Default)]
struct Scanner {
    at: usize,
    within: Within,
    /// Offset at which the string, name or comment began that it is inside of.
    opened: usize,
    /// Offset of the first word of the statement.
    first_word: Option<usize>,
    /// The last byte was part of a word: `a$b$` is a name, `ae'x'` is no escape string.
    in_word: bool,
}

/// The scan has to wait for more of the text.
struct Starved;

impl Scanner {
    /// Goes on to the next semicolon that ends a statement, and returns where the text behind it starts;
    /// `None` where the text ends before. `is_all`: nothing follows `text`.
    fn scan(&mut self, text: &[u8], is_all: bool) -> Option<usize> {
        while self.at < text.len() {
            let step = match &self.within {
                Within::Code if text[self.at] == b';' => {
                    self.at += 1;
                    self.in_word = false;
                    return Some(self.at);
                }
                Within::Code => self.code(text, is_all),
                Within::LineComment => {
                    self.line_comment(text);
                    Ok(())
                }
                Within::Comment { depth } => self.comment(text, is_all, *depth),
                Within::Quotes { quote, backslash } => self.quotes(text, is_all, *quote, *backslash),
                Within::Dollars { tag } => {
                    let found = find(&text[self.at..], tag).map(|found| self.at + found + tag.len());
                    // Where the tag is not there yet, it may begin with the last bytes.
                    let searched = (text.len() + 1).saturating_sub(tag.len());
                    self.dollars(found, searched)
                }
            };
            if step.is_err() {
                return None;
            }
        }
        None
    }

    /// Construct that is not closed at the end of the text, and the offset at which it began.
    fn open(&self) -> Option<(&'static str, usize)> {
        let what = match &self.within {
            Within::Code | Within::LineComment => return None,
            Within::Comment { .. } => "a comment",
            Within::Quotes { quote: b'"', .. } => "a quoted name",
            Within::Quotes { .. } => "a string",
            Within::Dollars { .. } => "a dollar-quoted string",
        };
        Some((what, self.opened))
    }

    /// Begins the next statement; returns where the first word of this one is, if it has any.
    fn begin(&mut self) -> Option<usize> {
        self.first_word.take()
    }

    /// One byte outside of strings and comments, or the beginning of one of these.
    fn code(&mut self, text: &[u8], is_all: bool) -> Result<(), Starved> {
        let byte = text[self.at];
        let follows = text.get(self.at + 1).copied();
        if matches!(byte, b'-' | b'/') && follows.is_none() && !is_all {
            return Err(Starved);
        }
        match (byte, follows) {
            (b'-', Some(b'-')) => {
                self.enter(Within::LineComment, 2);
                return Ok(());
            }
            (b'/', Some(b'*')) => {
                self.enter(Within::Comment { depth: 1 }, 2);
                return Ok(());
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.first_word.get_or_insert(self.at);
        }
        match byte {
            b'\'' => {
                let backslash = is_escape_string(text, self.at);
                self.enter(Within::Quotes { quote: byte, backslash }, 1);
            }
            b'"' => self.enter(Within::Quotes { quote: byte, backslash: false }, 1),
            b'$' if !self.in_word => match dollar_tag(&text[self.at..], is_all)? {
                Some(tag) => {
                    let length = tag.len();
                    self.enter(Within::Dollars { tag: tag.to_vec() }, length);
                }
                None => self.at += 1,
            },
            _ => {
                self.at += 1;
                self.in_word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            }
        }
        Ok(())
    }

    fn enter(&mut self, within: Within, length: usize) {
        self.opened = self.at;
        self.at += length;
        self.within = within;
        self.in_word = false;
    }

    /// `end` is behind the closing tag, `searched` where to look for it once there is more.
    fn dollars(&mut self, end: Option<usize>, searched: usize) -> Result<(), Starved> {
        self.at = end.unwrap_or_else(|| self.at.max(searched));
        if end.is_none() {
            return Err(Starved);
        }
        self.within = Within::Code;
        Ok(())
    }

    fn line_comment(&mut self, text: &[u8]) {
        match text[self.at..].iter().position(|byte| *byte == b'\n') {
            Some(line_end) => {
                self.at += line_end;
                self.within = Within::Code;
            }
            None => self.at = text.len(),
        }
    }

    fn comment(&mut self, text: &[u8], is_all: bool, depth: usize) -> Result<(), Starved> {
        let Some(step) = text[self.at..].iter().position(|byte| matches!(byte, b'*' | b'/')) else {
            self.at = text.len();
            return Ok(());
        };
        self.at += step;
        match &text[self.at..] {
            [_] if !is_all => return Err(Starved),
            [b'/', b'*', ..] => {
                self.at += 2;
                self.within = Within::Comment { depth: depth + 1 };
            }
            [b'*', b'/', ..] => {
                self.at += 2;
                self.within = if depth == 1 { Within::Code } else { Within::Comment { depth: depth - 1 } };
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    fn quotes(&mut self, text: &[u8], is_all: bool, quote: u8, backslash: bool) -> Result<(), Starved> {
        let is_special = |byte: &u8| *byte == quote || (backslash && *byte == b'\\');
        let Some(step) = text[self.at..].iter().position(is_special) else {
            self.at = text.len();
            return Ok(());
        };
        self.at += step;
        match (text[self.at], text.get(self.at + 1)) {
            (_, None) if !is_all => return Err(Starved),
            (b'\\', follows) if backslash => self.at += 1 + usize::from(follows.is_some()),
            (_, Some(follows)) if *follows == quote => self.at += 2,
            _ => {
                self.at += 1;
                self.within = Within::Code;
            }
        }
        Ok(())
    }
}

/// Whether the quote at `at` belongs to `E'…'`.
fn is_escape_string(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let letter = before.last().is_some_and(|b| b.eq_ignore_ascii_case(&b'e'));
    let alone = before.len() < 2 || {
        let b = before[before.len() - 2];
        !(b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80)
    };
    letter && alone
}

/// The `$tag$` that `rest` starts with; a dollar of anything else (a parameter) is one byte.
fn dollar_tag(rest: &[u8], is_all: bool) -> Result<Option<&[u8]>, Starved> {
    if rest.get(1).is_some_and(u8::is_ascii_digit) {
        return Ok(None);
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    match rest[1..].iter().position(|byte| !is_part(byte)) {
        Some(length) if rest[length + 1] == b'$' => Ok(Some(&rest[..length + 2])),
        None if !is_all => Err(Starved),
        _ => Ok(None),
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
