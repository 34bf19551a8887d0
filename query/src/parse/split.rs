//! Cutting a script into statements, without parsing it.
//!
//! A semicolon ends a statement unless it is inside a string, a quoted name, a dollar-quoted string, or a comment.
//! The shell asks [`is_complete`] whether to read another line.

use crate::error::{Error, Position, Result};

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementText<'a> {
    /// The text, without the semicolon and the white space around it.
    pub text: &'a str,
    /// Where it starts in the script, in bytes.
    pub offset: usize,
}

/// The statements of a script in order; empty ones and lone comments are left out.
///
/// # Errors
///
/// 42601 when a string, a quoted name or a comment is not closed.
pub fn split_statements(sql: &str) -> Result<Vec<StatementText<'_>>> {
    let mut scanner = Scanner::new(sql);
    let mut statements = Vec::new();
    let mut start = 0;
    loop {
        let piece = scanner.statement();
        if let End::Open { what, at } = piece.end {
            return Err(Error::syntax(format!("syntax error: {what} is not closed")).at(Some(place(sql, at))));
        }
        if piece.has_content {
            let raw = &sql[start..piece.stop];
            let text = raw.trim();
            let offset = start + (raw.len() - raw.trim_start().len());
            statements.push(StatementText { text, offset });
        }
        if matches!(piece.end, End::Text) {
            return Ok(statements);
        }
        start = scanner.at;
    }
}

/// Whether every statement of the text is closed by a semicolon, so that it can be run as it is. Text without a
/// statement is complete.
pub fn is_complete(sql: &str) -> bool {
    let mut scanner = Scanner::new(sql);
    loop {
        let piece = scanner.statement();
        match piece.end {
            End::Semicolon => {}
            End::Text => return !piece.has_content,
            End::Open { .. } => return false,
        }
    }
}

/// Line and column of a byte offset.
pub(super) fn place(sql: &str, offset: usize) -> Position {
    let before = &sql[..offset];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position { line: line as u32, column: column as u32 }
}

enum End {
    Semicolon,
    Text,
    Open { what: &'static str, at: usize },
}

struct Piece {
    stop: usize,
    has_content: bool,
    end: End,
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.sql.as_bytes()[self.at..]
    }

    /// Moves past the next semicolon, or to the end.
    fn statement(&mut self) -> Piece {
        let mut has_content = false;
        // The last byte was part of a word: `a$b$` is a name, `ae'x'` is no escape string.
        let mut in_word = false;
        while let Some(&byte) = self.rest().first() {
            let opened = self.at;
            let closed = match byte {
                b';' => {
                    self.at += 1;
                    return Piece { stop: opened, has_content, end: End::Semicolon };
                }
                b'-' if self.rest().starts_with(b"--") => {
                    self.at += self.rest().iter().position(|b| *b == b'\n').unwrap_or(self.rest().len());
                    in_word = false;
                    continue;
                }
                b'/' if self.rest().starts_with(b"/*") => {
                    if self.comment() {
                        in_word = false;
                        continue;
                    }
                    Some("a comment")
                }
                b'\'' => (!self.quoted(b'\'', self.is_escape_string(opened))).then_some("a string"),
                b'"' => (!self.quoted(b'"', false)).then_some("a quoted name"),
                b'$' if !in_word => (!self.dollar_quoted()).then_some("a dollar-quoted string"),
                _ => {
                    self.at += 1;
                    None
                }
            };
            in_word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            has_content |= !byte.is_ascii_whitespace();
            if let Some(what) = closed {
                return Piece { stop: self.sql.len(), has_content, end: End::Open { what, at: opened } };
            }
        }
        Piece { stop: self.at, has_content, end: End::Text }
    }

    /// Whether the quote at `at` belongs to `E'…'`.
    fn is_escape_string(&self, at: usize) -> bool {
        let before = &self.sql.as_bytes()[..at];
        let letter = before.last().is_some_and(|b| b.eq_ignore_ascii_case(&b'e'));
        let alone = before.len() < 2 || {
            let b = before[before.len() - 2];
            !(b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80)
        };
        letter && alone
    }

    fn quoted(&mut self, quote: u8, backslash: bool) -> bool {
        self.at += 1;
        while let Some(&byte) = self.rest().first() {
            self.at += 1;
            if byte == b'\\' && backslash && !self.rest().is_empty() {
                self.at += 1;
            } else if byte == quote {
                if self.rest().first() != Some(&quote) {
                    return true;
                }
                self.at += 1;
            }
        }
        false
    }

    fn comment(&mut self) -> bool {
        let mut depth = 0usize;
        while !self.rest().is_empty() {
            if self.rest().starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return true;
                }
            } else {
                self.at += 1;
            }
        }
        false
    }

    /// `$tag$ … $tag$`; anything else that starts with a dollar (a parameter) is one byte.
    fn dollar_quoted(&mut self) -> bool {
        let rest = self.rest();
        let tag_end = rest[1..].iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80));
        let tag_end = tag_end.map_or(rest.len(), |end| end + 1);
        let is_tag = rest.get(tag_end) == Some(&b'$') && !rest.get(1).is_some_and(u8::is_ascii_digit);
        if !is_tag {
            self.at += 1;
            return true;
        }
        let tag = &rest[..=tag_end];
        let body = &rest[tag.len()..];
        let end = body.windows(tag.len()).position(|window| window == tag);
        self.at = end.map_or(self.sql.len(), |end| self.at + tag.len() + end + tag.len());
        end.is_some()
    }
}
