//! `COPY`.

use std::collections::BTreeMap;

use sqlparser::tokenizer::Token;

use super::{
    clauses::Rewritten,
    cursor::Cursor,
    data::{query_between, table_query},
    statement::{
        ChangeStatement, CopyFrom, CopyOptions, CopyTo, FileFormat, Header, ReadStatement, Statement,
    },
};
use crate::error::{Error, Position, Result};

/// After `COPY`.
pub(super) fn copy(cursor: &mut Cursor<'_>) -> Result<(Statement, Option<Rewritten>)> {
    let source_end = direction(cursor)?;
    let to = cursor
        .tokens
        .get(source_end)
        .is_some_and(|t| super::cursor::plain_word(&t.token).is_some_and(|w| w.eq_ignore_ascii_case("to")));
    if to {
        let (query, rewritten) = if cursor.token(0) == Some(&Token::LParen) {
            cursor.at += 1;
            let answer = query_between(cursor, source_end - 1)?;
            cursor.expect_token(&Token::RParen)?;
            answer
        } else {
            table_query(cursor, source_end)?
        };
        cursor.expect(&["TO"])?;
        let path = path(cursor)?;
        let options = options(cursor, &path)?;
        if options.header == Header::Match {
            return Err(Error::invalid_value("HEADER match is for files that are read")
                .with_hint("HEADER alone writes the names of the columns"));
        }
        return Ok((ReadStatement::CopyTo(CopyTo { query, path, options }).into(), Some(rewritten)));
    }
    let table = cursor.name("the name of a table")?;
    let columns = if cursor.token(0) == Some(&Token::LParen) { cursor.column_list()? } else { Vec::new() };
    if cursor.at != source_end {
        return Err(cursor
            .expected("FROM 'file'")
            .with_hint("only the present can be written: a table that is loaded has no AS OF"));
    }
    cursor.expect(&["FROM"])?;
    let path = path(cursor)?;
    let options = options(cursor, &path)?;
    Ok((ChangeStatement::CopyFrom(CopyFrom { table, columns, path, options }).into(), None))
}

/// Index of the token `FROM` or `TO`, outside parentheses.
fn direction(cursor: &Cursor<'_>) -> Result<usize> {
    let mut depth = 0usize;
    for (i, token) in cursor.tokens.iter().enumerate().skip(cursor.at) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            other
                if depth == 0
                    && i > cursor.at
                    && super::cursor::plain_word(other)
                        .is_some_and(|w| w.eq_ignore_ascii_case("from") || w.eq_ignore_ascii_case("to")) =>
            {
                return Ok(i);
            }
            _ => {}
        }
    }
    let mut end = Cursor::new(cursor.source, cursor.tokens);
    end.at = cursor.tokens.len();
    Err(end.expected("FROM 'file' or TO 'file'"))
}

fn path(cursor: &mut Cursor<'_>) -> Result<String> {
    if cursor.is_any(0, &["STDIN", "STDOUT", "PROGRAM"]) {
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        let hint = match word.as_str() {
            "STDIN" => "name a file; '-' is what the process reads",
            "STDOUT" => "name a file; '-' is what the process writes",
            _ => "name a file",
        };
        return Err(cursor.unsupported(format!("COPY with {word}")).with_hint(hint));
    }
    let path = cursor.string("the file's name in quotes")?;
    if path.is_empty() {
        return Err(Error::invalid_value("the file's name is empty"));
    }
    Ok(path)
}

type Options = BTreeMap<String, (Option<String>, Option<Position>)>;

/// `[WITH] [(] FORMAT csv, HEADER, NULL 'NA' … [)]`
fn options(cursor: &mut Cursor<'_>, path: &str) -> Result<CopyOptions> {
    let mut named = Options::new();
    let with = cursor.take(&["WITH"]);
    if cursor.take_token(&Token::LParen) {
        loop {
            let position = cursor.position();
            let name = cursor.ident("an option")?;
            let value = match cursor.token(0) {
                Some(Token::Comma | Token::RParen) | None => None,
                _ => {
                    cursor.take_token(&Token::Eq);
                    Some(option_value(cursor)?)
                }
            };
            if named.insert(name.clone(), (value, position)).is_some() {
                return Err(
                    Error::syntax(format!("syntax error: the option {name} is written twice")).at(position)
                );
            }
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    } else if !cursor.is_done() || with {
        // The old form of Postgres: `WITH CSV HEADER NULL AS 'x'`.
        return Err(cursor.expected("the options in parentheses, such as (FORMAT csv, HEADER)"));
    }
    if cursor.is_word(0, "WHERE") {
        return Err(cursor.unsupported("WHERE in COPY"));
    }
    cursor.finish()?;
    resolve(named, path)
}

fn option_value(cursor: &mut Cursor<'_>) -> Result<String> {
    match cursor.token(0) {
        Some(Token::Number(number, _)) => {
            cursor.at += 1;
            Ok(number.clone())
        }
        Some(Token::Word(_)) => cursor.ident("a value"),
        _ => cursor.string("a value"),
    }
}

fn resolve(mut named: Options, path: &str) -> Result<CopyOptions> {
    let mut options = CopyOptions { format: format_of(&mut named, path)?, ..CopyOptions::default() };
    let csv = options.format == FileFormat::Csv;
    let mut escape = None;
    for (name, (value, position)) in named {
        let at = |error: Error| error.at(position);
        let known_for_csv = matches!(
            name.as_str(),
            "header" | "null" | "nullstr" | "delimiter" | "delim" | "sep" | "quote" | "escape" | "encoding"
        );
        if known_for_csv && !csv {
            return Err(at(Error::invalid_value(format!("the option {name} is for CSV files"))));
        }
        match name.as_str() {
            "header" => options.header = header(value.as_deref()).map_err(at)?,
            "null" | "nullstr" => options.null = value.ok_or_else(|| at(no_value(&name)))?,
            "delimiter" | "delim" | "sep" => options.delimiter = byte(&name, value).map_err(at)?,
            "quote" => options.quote = byte(&name, value).map_err(at)?,
            "escape" => escape = Some(byte(&name, value).map_err(at)?),
            "encoding" => match value.as_deref().map(str::to_lowercase).as_deref() {
                Some("utf8" | "utf-8") => {}
                other => {
                    return Err(at(Error::unsupported(format!("encoding {}", other.unwrap_or_default()))
                        .with_hint("convert the file to UTF-8")));
                }
            },
            _ => {
                let known = ["format", "header", "null", "delimiter", "quote", "escape", "encoding"];
                return Err(at(Error::unsupported(format!("the option {name} of COPY"))
                    .with_hint(crate::error::did_you_mean(&name, known))));
            }
        }
    }
    options.escape = escape.unwrap_or(options.quote);
    let (delimiter, quote) = (options.delimiter, options.quote);
    if delimiter == quote || [delimiter, quote, options.escape].iter().any(|b| matches!(b, b'\n' | b'\r')) {
        return Err(Error::invalid_value("DELIMITER, QUOTE and ESCAPE must be different, and no line ends"));
    }
    if delimiter == options.escape
        || options.null.bytes().any(|b| b == delimiter || b == quote || b == b'\n' || b == b'\r')
    {
        return Err(Error::invalid_value("NULL must not contain the delimiter, the quote or a line end"));
    }
    Ok(options)
}

fn format_of(named: &mut Options, path: &str) -> Result<FileFormat> {
    let Some((value, position)) = named.remove("format") else {
        let is_parquet = std::path::Path::new(path)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("parquet") || e.eq_ignore_ascii_case("pq"));
        return Ok(if is_parquet { FileFormat::Parquet } else { FileFormat::Csv });
    };
    match value.as_deref().map(str::to_lowercase).as_deref() {
        Some("csv") => Ok(FileFormat::Csv),
        Some("parquet") => Ok(FileFormat::Parquet),
        Some(other) => Err(Error::unsupported(format!("the format {other}"))
            .with_hint("write csv or parquet")
            .at(position)),
        None => Err(no_value("format").at(position)),
    }
}

fn header(value: Option<&str>) -> Result<Header> {
    match value.map(str::to_lowercase).as_deref() {
        None | Some("true" | "on" | "1" | "yes") => Ok(Header::Present),
        Some("match") => Ok(Header::Match),
        Some("false" | "off" | "0" | "no") => Ok(Header::Absent),
        Some(other) => {
            Err(Error::invalid_value(format!("{other} is not true, false or match for the option header")))
        }
    }
}

fn byte(name: &str, value: Option<String>) -> Result<u8> {
    let value = value.ok_or_else(|| no_value(name))?;
    match value.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err(Error::invalid_value(format!("the option {name} must be one ASCII character"))),
    }
}

fn no_value(name: &str) -> Error {
    Error::invalid_value(format!("the option {name} needs a value"))
}
