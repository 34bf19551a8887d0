//! Transactions, prepared statements, settings, and what `SHOW` shows.

use std::sync::Arc;

use sqlparser::{ast, parser::Parser, tokenizer::Token};

use super::{
    cursor::Cursor,
    statement::{
        Begin, Execute, Isolation, Parsed, PastStatement, Prepare, Procedure, SessionStatement, Set,
        ShowStatement, Statement,
    },
};
use crate::error::{Error, Result};

/// After `BEGIN [TRANSACTION | WORK]` or `START TRANSACTION`.
pub(super) fn begin(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let mut begin = Begin { read_only: false, isolation: Isolation::Snapshot, point: None };
    let mut write = None;
    while !cursor.is_done() {
        let position = cursor.position();
        if cursor.take(&["READ", "ONLY"]) {
            begin.read_only = true;
        } else if cursor.take(&["READ", "WRITE"]) {
            write = Some(position);
        } else if cursor.take(&["ISOLATION", "LEVEL"]) {
            begin.isolation = isolation(cursor)?;
        } else if cursor.is_word(0, "AS") {
            if begin.point.is_some() {
                return Err(cursor.expected("end of statement"));
            }
            begin.point = cursor.optional_as_of()?;
            if begin.point.is_none() {
                return Err(cursor.expected("AS OF"));
            }
        } else if cursor.take(&["NOT", "DEFERRABLE"]) || cursor.take(&["DEFERRABLE"]) {
            return Err(Error::unsupported("DEFERRABLE").with_hint("leave it out").at(position));
        } else {
            return Err(cursor.expected("READ ONLY, ISOLATION LEVEL or AS OF"));
        }
        cursor.take_token(&Token::Comma);
    }
    if let (Some(position), true) = (write, begin.read_only || begin.point.is_some()) {
        return Err(Error::read_only("the transaction is READ ONLY, or reads the past").at(position));
    }
    begin.read_only |= begin.point.is_some();
    Ok(SessionStatement::Begin(begin).into())
}

fn isolation(cursor: &mut Cursor<'_>) -> Result<Isolation> {
    let position = cursor.position();
    for words in
        [&["SNAPSHOT"][..], &["REPEATABLE", "READ"], &["READ", "COMMITTED"], &["READ", "UNCOMMITTED"]]
    {
        // The weaker levels may be given more than they ask for.
        if cursor.take(words) {
            return Ok(Isolation::Snapshot);
        }
    }
    if cursor.take(&["SERIALIZABLE"]) {
        return Err(Error::unsupported("ISOLATION LEVEL SERIALIZABLE")
            .with_hint("the level is SNAPSHOT: two transactions that write the same row conflict")
            .at(position));
    }
    Err(cursor.expected("SNAPSHOT"))
}

/// Ends a `COMMIT` or `ROLLBACK`.
pub(super) fn end(cursor: &mut Cursor<'_>, statement: Statement) -> Result<Statement> {
    if cursor.is_word(0, "PREPARED") {
        return Err(cursor.unsupported("PREPARED").with_hint("COMMIT or ROLLBACK in the session that began"));
    }
    if cursor.take(&["AND"]) && !cursor.take(&["NO", "CHAIN"]) {
        return Err(cursor.unsupported("AND CHAIN").with_hint("BEGIN again"));
    }
    cursor.finish()?;
    Ok(statement)
}

/// After `ROLLBACK [TRANSACTION | WORK]`.
pub(super) fn rollback(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.take(&["TO"]) {
        cursor.take(&["SAVEPOINT"]);
        let name = cursor.ident("the name of a savepoint")?;
        cursor.finish()?;
        return Ok(SessionStatement::RollbackTo(name).into());
    }
    end(cursor, SessionStatement::Rollback.into())
}

/// After `PREPARE`.
pub(super) fn prepare(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.is_word(0, "TRANSACTION") {
        return Err(cursor.unsupported("PREPARE TRANSACTION").with_hint("COMMIT"));
    }
    let name = cursor.ident("the name of a prepared statement")?;
    let mut types = Vec::new();
    if cursor.take_token(&Token::LParen) {
        loop {
            types.push(cursor.with_parser(Parser::parse_data_type)?);
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    cursor.expect(&["AS"])?;
    if cursor.is_any(0, &["PREPARE", "EXECUTE", "DEALLOCATE", "EXPLAIN"]) {
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        return Err(cursor.unsupported(format!("PREPARE … AS {word}")));
    }
    let body = super::one(cursor.source, cursor.rest())?;
    cursor.at = cursor.tokens.len();
    Ok(SessionStatement::Prepare(Prepare { name, types, body: Arc::<Parsed>::new(body) }).into())
}

/// After `EXECUTE`.
pub(super) fn execute(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let name = cursor.ident("the name of a prepared statement")?;
    let mut arguments: Vec<ast::Expr> = Vec::new();
    if cursor.take_token(&Token::LParen) && !cursor.take_token(&Token::RParen) {
        loop {
            arguments.push(cursor.constant()?);
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    cursor.finish()?;
    Ok(SessionStatement::Execute(Execute { name, arguments }).into())
}

/// After `DEALLOCATE`.
pub(super) fn deallocate(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take(&["PREPARE"]);
    let name =
        if cursor.take(&["ALL"]) { None } else { Some(cursor.ident("the name of a prepared statement")?) };
    cursor.finish()?;
    Ok(SessionStatement::Deallocate(name).into())
}

/// After `SET`.
pub(super) fn set(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.is_word(0, "TRANSACTION") || cursor.is_word(0, "CHARACTERISTICS") {
        return Err(cursor.unsupported("SET TRANSACTION").with_hint("say it in BEGIN"));
    }
    let local = cursor.take(&["LOCAL"]);
    if !local {
        cursor.take(&["SESSION"]);
    }
    let name = if cursor.take(&["TIME", "ZONE"]) {
        "timezone".to_owned()
    } else {
        let name = setting(cursor)?;
        if !cursor.take_token(&Token::Eq) && !cursor.take(&["TO"]) {
            return Err(cursor.expected("= or TO"));
        }
        name
    };
    let value = if cursor.take(&["DEFAULT"]) { None } else { Some(value(cursor)?) };
    cursor.finish()?;
    Ok(SessionStatement::Set(Set { name, value, local }).into())
}

fn setting(cursor: &mut Cursor<'_>) -> Result<String> {
    let mut name = cursor.ident("the name of a setting")?;
    while cursor.take_token(&Token::Period) {
        name = format!("{name}.{}", cursor.ident("the name of a setting")?);
    }
    Ok(name.to_ascii_lowercase())
}

/// A string, a number, or words.
fn value(cursor: &mut Cursor<'_>) -> Result<String> {
    match cursor.token(0) {
        Some(Token::Number(number, _)) => {
            cursor.at += 1;
            Ok(number.clone())
        }
        Some(Token::Minus | Token::Plus) if matches!(cursor.token(1), Some(Token::Number(..))) => {
            let text = cursor.rest()[..2].iter().map(|t| t.token.to_string()).collect();
            cursor.at += 2;
            Ok(text)
        }
        Some(Token::Word(_)) => {
            let mut value = cursor.ident("a value")?;
            while cursor.take_token(&Token::Comma) {
                value = format!("{value}, {}", cursor.ident("a value")?);
            }
            Ok(value)
        }
        _ => cursor.string("a value"),
    }
}

/// After `RESET`.
pub(super) fn reset(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let name = if cursor.take(&["ALL"]) {
        None
    } else if cursor.take(&["TIME", "ZONE"]) {
        Some("timezone".to_owned())
    } else {
        Some(setting(cursor)?)
    };
    cursor.finish()?;
    Ok(SessionStatement::Reset(name).into())
}

/// After `SHOW`.
pub(super) fn show(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let statement: Statement = if cursor.take(&["SNAPSHOTS"]) {
        PastStatement::ShowSnapshots(None).into()
    } else if cursor.take(&["SNAPSHOT"]) {
        PastStatement::ShowSnapshots(Some(cursor.ident_or_string("the name of a snapshot")?)).into()
    } else if cursor.take(&["HISTORY"]) {
        let of_table = cursor.take(&["FOR"]);
        if of_table {
            cursor.take(&["TABLE"]);
        }
        let table = if of_table { Some(cursor.name("the name of a table")?) } else { None };
        PastStatement::ShowHistory(table).into()
    } else {
        SessionStatement::Show(listing(cursor)?).into()
    };
    if cursor.is_any(0, &["LIKE", "WHERE", "FROM", "IN"]) {
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        return Err(cursor
            .unsupported(format!("{word} in SHOW"))
            .with_hint("ask information_schema.tables, bygone.snapshots or bygone.commits with SELECT"));
    }
    cursor.finish()?;
    Ok(statement)
}

/// Parses a `SHOW` that lists settings or names.
fn listing(cursor: &mut Cursor<'_>) -> Result<ShowStatement> {
    Ok(if cursor.take(&["STATS"]) {
        ShowStatement::Stats
    } else if cursor.take(&["TABLES"]) {
        ShowStatement::Tables
    } else if cursor.take(&["SCHEMAS"]) {
        ShowStatement::Schemas
    } else if cursor.take(&["DATABASES"]) {
        ShowStatement::Databases
    } else if cursor.take(&["COLUMNS"]) {
        if !cursor.take(&["FROM"]) {
            cursor.expect(&["IN"])?;
        }
        ShowStatement::Columns(cursor.name("the name of a table")?)
    } else if cursor.take(&["CREATE"]) {
        cursor.take(&["TABLE"]);
        ShowStatement::Create(cursor.name("the name of a table")?)
    } else if cursor.is_word(0, "DROPPED") {
        return Err(cursor.unsupported("SHOW DROPPED"));
    } else if cursor.take(&["ALL"]) {
        ShowStatement::Setting(None)
    } else if cursor.take(&["TIME", "ZONE"]) {
        ShowStatement::Setting(Some("timezone".to_owned()))
    } else {
        ShowStatement::Setting(Some(setting(cursor)?))
    })
}

/// After `CALL`.
pub(super) fn call(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let position = cursor.position();
    let name = cursor.ident("the name of a procedure")?;
    let procedure = match name.as_str() {
        "compact" => Procedure::Compact,
        "collect" => Procedure::Collect,
        "flush" => Procedure::Flush,
        _ => {
            let hint = crate::error::did_you_mean(&name, ["compact", "collect", "flush"]);
            return Err(Error::no_function(format!("procedure {name} does not exist"))
                .with_hint(if hint.is_empty() {
                    "CALL knows compact(), collect() and flush()".into()
                } else {
                    hint
                })
                .at(position));
        }
    };
    cursor.expect_token(&Token::LParen)?;
    if cursor.token(0) != Some(&Token::RParen) {
        return Err(cursor.unsupported(format!("an argument of {name}()")));
    }
    cursor.expect_token(&Token::RParen)?;
    cursor.finish()?;
    Ok(PastStatement::Call(procedure).into())
}
