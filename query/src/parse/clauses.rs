//! Point clauses: `AS OF …` in all its spellings, found in the token stream and kept aside.
//!
//! The parser underneath knows one spelling, `FOR SYSTEM_TIME AS OF expr`, after a table's name. Every clause
//! of the user's is replaced by that one with a number for an expression: the clause's place in
//! [`super::Parsed::points`].
//!
//! ```text
//!   FROM flights AS OF SNAPSHOT jan f       ──▶   FROM flights FOR SYSTEM_TIME AS OF 0 f
//!   points[0] = SNAPSHOT jan
//! ```
//!
//! 1. A clause is either recorded and found again in the tree, on a table that can be read at a moment, or it
//!    is an error: `super::check` counts them.
//! 2. The tokens put in carry the place of the clause, so that errors point at the user's text.

use sqlparser::{
    keywords::Keyword,
    parser::Parser,
    tokenizer::{Span, Token, TokenWithSpan, Word},
};

use super::{
    cursor::{Cursor, Source, plain_word},
    points::{PointExpr, PointId, PointSyntax},
};
use crate::error::{Error, Result};

impl Cursor<'_> {
    /// Reads `SNAPSHOT n | TIMESTAMP e | VERSION e` and records it. `from` is where the clause starts.
    pub(super) fn point(&mut self, from: usize) -> Result<PointId> {
        let syntax = self.point_syntax()?;
        Ok(self.record(from, syntax))
    }

    /// Reads `AS OF point` or `AS OF SYSTEM TIME e`, if it comes next.
    pub(super) fn optional_as_of(&mut self) -> Result<Option<PointId>> {
        let from = self.at;
        if !self.take(&["AS", "OF"]) {
            return Ok(None);
        }
        if self.take(&["SYSTEM", "TIME"]) {
            let syntax = self.system_time()?;
            return Ok(Some(self.record(from, syntax)));
        }
        self.point(from).map(Some)
    }

    fn record(&mut self, from: usize, syntax: PointSyntax) -> PointId {
        let text = self.source.slice(&self.tokens[from..self.at]).to_owned();
        self.points.push(PointExpr { syntax, text, position: self.position_of(from) });
        PointId(self.points.len() - 1)
    }

    fn point_syntax(&mut self) -> Result<PointSyntax> {
        if self.take(&["SNAPSHOT"]) {
            self.snapshot_name()
        } else if self.take(&["TIMESTAMP"]) {
            Ok(PointSyntax::Timestamp(self.constant()?))
        } else if self.take(&["VERSION"]) {
            Ok(PointSyntax::Version(self.constant()?))
        } else {
            Err(self.expected("SNAPSHOT name, TIMESTAMP time or VERSION number"))
        }
    }

    /// After `SYSTEM TIME`: a time, or a snapshot.
    fn system_time(&mut self) -> Result<PointSyntax> {
        if self.take(&["SNAPSHOT"]) {
            self.snapshot_name()
        } else {
            self.constant().map(PointSyntax::Timestamp)
        }
    }

    fn snapshot_name(&mut self) -> Result<PointSyntax> {
        if self.is_word(0, "NULL") {
            return Err(self.expected("the name of a snapshot"));
        }
        match self.token(0) {
            Some(Token::Placeholder(_)) => {
                Ok(PointSyntax::SnapshotParameter(self.with_parser(Parser::parse_prefix)?))
            }
            _ => self.ident_or_string("the name of a snapshot").map(PointSyntax::Snapshot),
        }
    }
}

/// The tokens of a query or data change with every point clause replaced; see the module documentation.
pub(super) struct Rewritten {
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) points: Vec<PointExpr>,
    /// `AS OF SYSTEM TIME e`.
    pub(super) default_point: Option<PointId>,
}

/// Sets the point clauses of `tokens` aside.
pub(super) fn rewrite(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<Rewritten> {
    let mut cursor = Cursor::new(source, tokens);
    let mut out = Vec::with_capacity(tokens.len());
    let mut default_point = None;
    let mut depth = 0usize;
    let mut has_from = false;
    while !cursor.is_done() {
        let from = cursor.at;
        match clause_at(&cursor)? {
            Some(Form::SystemTime) => {
                let position = cursor.position();
                if depth > 0 || !has_from {
                    return Err(Error::unsupported("AS OF SYSTEM TIME inside a part of a statement")
                        .with_hint(
                            "it means every table: write it at the end; for one table write AS OF TIMESTAMP",
                        )
                        .at(position));
                }
                if default_point.is_some() {
                    return Err(Error::syntax("AS OF SYSTEM TIME is written twice").at(position));
                }
                cursor.at += 4;
                let syntax = cursor.system_time()?;
                default_point = Some(cursor.record(from, syntax));
                end_of_from(&cursor)?;
            }
            Some(form) => {
                let id = read(&mut cursor, form)?;
                put_marker(&mut out, tokens[from].span, id);
            }
            None => {
                let token = &tokens[from];
                match &token.token {
                    Token::LParen => depth += 1,
                    Token::RParen => depth = depth.saturating_sub(1),
                    other => {
                        has_from |=
                            depth == 0 && plain_word(other).is_some_and(|w| w.eq_ignore_ascii_case("from"));
                    }
                }
                out.push(as_plain_name(&cursor, token));
                cursor.at += 1;
            }
        }
    }
    Ok(Rewritten { tokens: out, points: cursor.points, default_point })
}

/// The spellings of a point clause.
#[derive(Clone, Copy)]
enum Form {
    /// `AS OF {SNAPSHOT | TIMESTAMP | VERSION} …`
    AsOf,
    /// `AS OF SYSTEM TIME e`
    SystemTime,
    /// `FOR {SYSTEM_TIME | TIMESTAMP} AS OF e`, after so many words
    Timestamp(usize),
    /// `VERSION AS OF n`, after so many words
    Version(usize),
    /// `AT (kind => e)`
    At,
}

/// The clause that starts here. Words that only look like one (columns and aliases called `of`, `at`,
/// `version`) are left alone.
fn clause_at(cursor: &Cursor<'_>) -> Result<Option<Form>> {
    if cursor.is_word(0, "AS") && cursor.is_word(1, "OF") {
        if cursor.is_word(2, "SYSTEM") && cursor.is_word(3, "TIME") {
            return Ok(Some(Form::SystemTime));
        }
        // `SELECT a AS of, …` names a column; a point has one of three words and something after it.
        let is_point = cursor.is_any(2, &["SNAPSHOT", "TIMESTAMP", "VERSION"])
            && !matches!(cursor.token(3), None | Some(Token::Comma | Token::RParen | Token::Period));
        return Ok(is_point.then_some(Form::AsOf));
    }
    if cursor.is_word(0, "FOR") && cursor.is_any(1, &["SYSTEM_TIME", "SYSTEM_VERSION"]) {
        if cursor.is_word(2, "AS") && cursor.is_word(3, "OF") {
            let is_named = cursor.is_word(4, "SNAPSHOT")
                || (cursor.is_word(4, "VERSION") && !matches!(cursor.token(5), Some(Token::LParen)));
            return Ok(Some(if is_named { Form::AsOf } else { Form::Timestamp(4) }));
        }
        let form = cursor.word(2).unwrap_or("").to_uppercase();
        return Err(cursor
            .unsupported(format!("FOR SYSTEM_TIME {form}").trim_end())
            .with_hint("FOR SYSTEM_TIME AS OF reads one moment; row_history and table_diff read many"));
    }
    for (word, form) in [("TIMESTAMP", Form::Timestamp as fn(usize) -> Form), ("VERSION", Form::Version)] {
        if cursor.is_word(0, "FOR")
            && cursor.is_word(1, word)
            && cursor.is_word(2, "AS")
            && cursor.is_word(3, "OF")
        {
            return Ok(Some(form(4)));
        }
        if cursor.is_word(0, word)
            && cursor.is_word(1, "AS")
            && cursor.is_word(2, "OF")
            && starts_value(cursor, 3)
        {
            return Ok(Some(form(3)));
        }
    }
    if cursor.is_any(0, &["AT", "BEFORE"])
        && cursor.token(1) == Some(&Token::LParen)
        && cursor.token(3) == Some(&Token::RArrow)
    {
        if cursor.is_word(0, "AT") && cursor.is_any(2, &["SNAPSHOT", "TIMESTAMP", "VERSION"]) {
            return Ok(Some(Form::At));
        }
        let kind = cursor.word(2).unwrap_or("").to_uppercase();
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        return Err(cursor
            .unsupported(format!("{word} ({kind} => …)"))
            .with_hint("write AT (SNAPSHOT => name), AT (TIMESTAMP => time) or AT (VERSION => number)"));
    }
    if cursor.is_word(0, "ACROSS")
        && cursor.is_word(1, "SNAPSHOTS")
        && cursor.token(2) == Some(&Token::LParen)
    {
        return Err(cursor
            .unsupported("ACROSS SNAPSHOTS")
            .with_hint("read each snapshot with AS OF SNAPSHOT, and join them with UNION ALL"));
    }
    Ok(None)
}

/// Whether a moment can start with this token. A keyword cannot: `SELECT version AS of FROM t` names a
/// column.
fn starts_value(cursor: &Cursor<'_>, ahead: usize) -> bool {
    match cursor.token(ahead) {
        Some(
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::LParen
            | Token::Minus,
        ) => true,
        Some(Token::Word(_)) => {
            cursor.token(ahead + 1) == Some(&Token::LParen)
                || cursor.is_any(
                    ahead,
                    &["TIMESTAMP", "TIMESTAMPTZ", "DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP"],
                )
        }
        _ => false,
    }
}

fn read(cursor: &mut Cursor<'_>, form: Form) -> Result<PointId> {
    let from = cursor.at;
    match form {
        Form::AsOf | Form::SystemTime => {
            cursor.at += if cursor.is_word(0, "FOR") { 4 } else { 2 };
            cursor.point(from)
        }
        Form::Timestamp(words) => {
            cursor.at += words;
            let expr = cursor.constant()?;
            Ok(cursor.record(from, PointSyntax::Timestamp(expr)))
        }
        Form::Version(words) => {
            cursor.at += words;
            let expr = cursor.constant()?;
            Ok(cursor.record(from, PointSyntax::Version(expr)))
        }
        Form::At => {
            let kind = cursor.word(2).unwrap_or("").to_ascii_lowercase();
            cursor.at += 4;
            let syntax = match kind.as_str() {
                "snapshot" => cursor.snapshot_name()?,
                "timestamp" => PointSyntax::Timestamp(cursor.constant()?),
                _ => PointSyntax::Version(cursor.constant()?),
            };
            cursor.expect_token(&Token::RParen)?;
            Ok(cursor.record(from, syntax))
        }
    }
}

/// After `AS OF SYSTEM TIME e` only what follows the tables may come: it is not a clause of one table.
fn end_of_from(cursor: &Cursor<'_>) -> Result<()> {
    const AFTER_TABLES: &[&str] = &[
        "WHERE",
        "GROUP",
        "HAVING",
        "WINDOW",
        "QUALIFY",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "FETCH",
        "UNION",
        "EXCEPT",
        "INTERSECT",
    ];
    if cursor.is_done() || cursor.is_any(0, AFTER_TABLES) {
        return Ok(());
    }
    Err(cursor.expected("the end of the tables after AS OF SYSTEM TIME").with_hint(
        "it means every table of the statement; for one table write AS OF TIMESTAMP after its name",
    ))
}

fn put_marker(out: &mut Vec<TokenWithSpan>, span: Span, id: PointId) {
    let word =
        |value: &str, keyword| Token::Word(Word { value: value.to_owned(), quote_style: None, keyword });
    for token in [
        word("FOR", Keyword::FOR),
        word("SYSTEM_TIME", Keyword::SYSTEM_TIME),
        word("AS", Keyword::AS),
        word("OF", Keyword::OF),
        Token::Number(id.0.to_string(), false),
    ] {
        out.push(TokenWithSpan { token, span });
    }
}

/// Takes the keyword from words that the parser would read as the start of a version clause of another
/// dialect, so that they can name columns and aliases.
fn as_plain_name(cursor: &Cursor<'_>, token: &TokenWithSpan) -> TokenWithSpan {
    let mut token = token.clone();
    if let Token::Word(word) = &mut token.token {
        let is_zone = cursor.is_word(1, "TIME");
        if matches!(word.keyword, Keyword::BEFORE | Keyword::CHANGES)
            || (word.keyword == Keyword::AT && !is_zone)
        {
            word.keyword = Keyword::NoKeyword;
        }
    }
    token
}

/// The clause that a parser's complaint is about, in the user's words.
pub(super) fn explain_misplaced(error: Error, points: &[PointExpr]) -> Error {
    let at = error.position();
    match points.iter().find(|point| at.is_some() && point.position == at) {
        Some(point) => misplaced(point),
        None => error,
    }
}

/// 42601: the clause is not where a table is read.
pub(super) fn misplaced(point: &PointExpr) -> Error {
    Error::syntax(format!("syntax error: {} cannot stand here", point.text))
        .with_hint("a moment follows the name of a table that is read, before its alias")
        .at(point.position)
}
