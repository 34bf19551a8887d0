//! A place in the tokens of one statement, with what a small grammar needs.

use sqlparser::{
    parser::{Parser, ParserError},
    tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word},
};

use super::{
    dialect::BygoneDialect,
    names::{Name, folded},
    points::PointExpr,
};
use crate::error::{Error, Position, Result};

/// Levels to which expressions and queries may nest.
const DEPTH_MAX: usize = 64;

/// A text and where its lines start.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self { text, lines: std::iter::once(0).chain(newlines).collect() }
    }

    /// The tokens of the text without white space and comments.
    pub(super) fn tokens(&self) -> Result<Vec<TokenWithSpan>> {
        if self.text.contains('\0') {
            return Err(Error::null_character());
        }
        let tokens = Tokenizer::new(&BygoneDialect, self.text).tokenize_with_location().map_err(|error| {
            let start = crate::error::position(error.location.line, error.location.column);
            let error = if error.message.contains("encoded string literal") && self.escapes_zero(start) {
                Error::null_character()
            } else {
                Error::syntax(format!("syntax error: {}", error.message.to_lowercase()))
            };
            error.at(start)
        })?;
        let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
        let mut after_number = false;
        for token in tokens {
            if after_number && matches!(&token.token, Token::Word(word) if word.quote_style.is_none()) {
                return Err(
                    Error::syntax("syntax error: trailing junk after a number").at(start_of(token.span))
                );
            }
            after_number = matches!(token.token, Token::Number(..));
            if !matches!(token.token, Token::Whitespace(_)) {
                out.push(Self::plain_number(token)?);
            }
        }
        Ok(out)
    }

    /// Whether the literal at a place, `E'…'`, has an escape of the character of number zero.
    fn escapes_zero(&self, start: Option<Position>) -> bool {
        let Some(start) = start else { return false };
        let Some(line) = self.lines.get(start.line as usize - 1) else { return false };
        let literal = self.text[*line..].chars().skip(start.column as usize - 1);
        // Behind the quote that begins it.
        let mut rest = literal.skip_while(|c| *c != '\'').skip(1);
        while let Some(c) = rest.next() {
            match c {
                '\'' => return false,
                '\\' => {
                    let Some(kind) = rest.next() else { return false };
                    let digits: String = match kind {
                        'x' | 'u' | 'U' => rest.clone().take_while(char::is_ascii_hexdigit).collect(),
                        '0' => std::iter::once('0').chain(rest.clone().take(2)).collect(),
                        _ => continue,
                    };
                    let digits = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
                    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// A number in the digits that the parser underneath knows: `1_000` and `0x1F` are numbers too.
    fn plain_number(mut token: TokenWithSpan) -> Result<TokenWithSpan> {
        match &mut token.token {
            Token::Number(digits, _) => digits.retain(|digit| digit != '_'),
            Token::HexStringLiteral(digits) => {
                // `0x1F` is one character shorter than `x'1F'`.
                let width = token.span.end.column.saturating_sub(token.span.start.column);
                if width == digits.len() as u64 + 2 {
                    let number = u64::from_str_radix(digits, 16).map_err(|_| {
                        Error::out_of_range(format!("0x{digits}"), "a number").at(start_of(token.span))
                    })?;
                    token.token = Token::Number(number.to_string(), false);
                }
            }
            _ => {}
        }
        Ok(token)
    }

    fn byte(&self, at: Location) -> usize {
        let Some(start) = (at.line as usize).checked_sub(1).and_then(|line| self.lines.get(line)) else {
            return self.text.len();
        };
        let line = &self.text[*start..];
        line.char_indices()
            .nth((at.column as usize).saturating_sub(1))
            .map_or(self.text.len(), |(i, _)| start + i)
    }

    /// The text from the start of the first token to the end of the last.
    pub(super) fn slice(&self, tokens: &[TokenWithSpan]) -> &'a str {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => {
                let (start, end) = (self.byte(first.span.start), self.byte(last.span.end));
                self.text.get(start..end.max(start)).unwrap_or("").trim_end()
            }
            _ => "",
        }
    }
}

/// The position of a span's start.
pub(super) fn start_of(span: Span) -> Option<Position> {
    crate::error::position(span.start.line, span.start.column)
}

/// Reads the tokens of one statement from left to right.
pub(super) struct Cursor<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) tokens: &'a [TokenWithSpan],
    pub(super) at: usize,
    /// The point clauses found so far.
    pub(super) points: Vec<PointExpr>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a Source<'a>, tokens: &'a [TokenWithSpan]) -> Self {
        Self { source, tokens, at: 0, points: Vec::new() }
    }

    pub(super) fn rest(&self) -> &'a [TokenWithSpan] {
        &self.tokens[self.at.min(self.tokens.len())..]
    }

    pub(super) fn token(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead).map(|token| &token.token)
    }

    /// The unquoted word so many tokens ahead.
    pub(super) fn word(&self, ahead: usize) -> Option<&'a str> {
        self.token(ahead).and_then(plain_word)
    }

    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.word(ahead).is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_any(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(ahead, word))
    }

    /// Steps over these words if they come next, all of them or none.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let all = words.iter().enumerate().all(|(i, word)| self.is_word(i, word));
        if all {
            self.at += words.len();
        }
        all
    }

    pub(super) fn expect(&mut self, words: &[&str]) -> Result<()> {
        for word in words {
            if !self.take(&[word]) {
                return Err(self.expected(word));
            }
        }
        Ok(())
    }

    pub(super) fn take_token(&mut self, token: &Token) -> bool {
        let found = self.token(0) == Some(token);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.expected(&token.to_string())) }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn finish(&self) -> Result<()> {
        if self.is_done() { Ok(()) } else { Err(self.expected("end of statement")) }
    }

    /// The place of the next token, or the end of the text.
    pub(super) fn position(&self) -> Option<Position> {
        match self.tokens.get(self.at) {
            Some(token) => start_of(token.span),
            None => self
                .tokens
                .last()
                .and_then(|last| crate::error::position(last.span.end.line, last.span.end.column)),
        }
    }

    pub(super) fn position_of(&self, index: usize) -> Option<Position> {
        self.tokens.get(index).and_then(|token| start_of(token.span))
    }

    pub(super) fn expected(&self, what: &str) -> Error {
        let found = self.token(0).map_or_else(|| "end of statement".to_owned(), Token::to_string);
        Error::syntax(format!("syntax error: expected {what}, found {found}")).at(self.position())
    }

    /// 0A000 at the next token.
    pub(super) fn unsupported(&self, feature: impl std::fmt::Display) -> Error {
        Error::unsupported(feature).at(self.position())
    }

    /// A name of one part, folded to lower case unless it is quoted.
    pub(super) fn ident(&mut self, what: &str) -> Result<String> {
        match self.token(0) {
            Some(Token::Word(word)) if !word.value.is_empty() => {
                self.at += 1;
                Ok(folded(word))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A name of one part, or a string that is one: snapshots take both.
    pub(super) fn ident_or_string(&mut self, what: &str) -> Result<String> {
        match self.token(0) {
            Some(Token::SingleQuotedString(text)) if !text.is_empty() => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => self.ident(what),
        }
    }

    /// A name of up to three parts.
    pub(super) fn name(&mut self, what: &str) -> Result<Name> {
        const PARTS_MAX: usize = 3;
        let position = self.position();
        let mut parts = vec![self.ident(what)?];
        while self.take_token(&Token::Period) {
            parts.push(self.ident(what)?);
        }
        if parts.len() > PARTS_MAX {
            return Err(Error::syntax("syntax error: a name has at most database.schema.table").at(position));
        }
        Ok(Name { parts, position })
    }

    pub(super) fn names(&mut self, what: &str) -> Result<Vec<Name>> {
        let mut names = vec![self.name(what)?];
        while self.take_token(&Token::Comma) {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    /// `(a, b, c)`
    pub(super) fn column_list(&mut self) -> Result<Vec<String>> {
        self.expect_token(&Token::LParen)?;
        let mut columns: Vec<String> = Vec::new();
        loop {
            let position = self.position();
            let column = self.ident("a column")?;
            if columns.contains(&column) {
                return Err(Error::duplicate_column(&column).at(position));
            }
            columns.push(column);
            if !self.take_token(&Token::Comma) {
                break;
            }
        }
        self.expect_token(&Token::RParen)?;
        Ok(columns)
    }

    /// A string literal.
    pub(super) fn string(&mut self, what: &str) -> Result<String> {
        match self.token(0) {
            Some(
                Token::SingleQuotedString(text)
                | Token::EscapedStringLiteral(text)
                | Token::UnicodeStringLiteral(text),
            ) => {
                self.at += 1;
                Ok(text.clone())
            }
            Some(Token::DollarQuotedString(text)) => {
                self.at += 1;
                Ok(text.value.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Lets the parser underneath read from here; the cursor goes on where it stopped.
    pub(super) fn with_parser<T>(
        &mut self,
        read: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>,
    ) -> Result<T> {
        let end = self.position();
        let mut parser = parser(self.rest().to_vec());
        let value = read(&mut parser).map_err(|error| {
            let last =
                self.tokens.last().and_then(|t| crate::error::position(t.span.end.line, t.span.end.column));
            Error::from(error).at(last.or(end))
        })?;
        self.at = (self.at + parser.index()).min(self.tokens.len());
        Ok(value)
    }
}

/// A parser over tokens.
pub(super) fn parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&BygoneDialect).with_recursion_limit(DEPTH_MAX).with_tokens_with_locations(tokens)
}

pub(super) fn plain_word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value),
        _ => None,
    }
}
