//! From text to statements.
//!
//! ```text
//!   text ─▶ tokens ─▶ point clauses set aside ─▶ tree ─▶ checked ─▶ Statement + points
//!           (cursor)  (clauses)                  (data)  (check)
//! ```
//!
//! Queries and data changes are read by the parser of DataFusion; everything else by the small grammars here.
//! Nothing is ignored: a word that has no effect in this database is an error that says so.

mod check;
mod clauses;
mod constants;
mod copy;
mod cursor;
mod data;
mod ddl;
mod dialect;
mod names;
mod points;
mod session;
mod snapshots;
mod split;
mod statement;

use std::sync::Arc;

use sqlparser::{
    ast,
    tokenizer::{Token, TokenWithSpan},
};

use crate::error::{Error, Result};
use clauses::Rewritten;
use cursor::{Cursor, Source};

pub(crate) use check::{GROUPING_SETS_MAX, check_grouping, too_many_sets};
pub(crate) use constants::{parameter_count, placeholder_index, plain_constant};
pub(crate) use names::folded_ident;

pub use names::Name;
pub use points::{PointExpr, PointId, PointSyntax};
pub use split::{StatementCutter, StatementText, Statements, is_complete, split_statements, statements};
pub use statement::*;

/// Parses one statement. A semicolon may follow it.
///
/// # Errors
///
/// 42601 with line and column when the text is not SQL or has more than one statement, 0A000 when it asks for
/// what does not exist here.
pub fn parse(sql: &str) -> Result<Parsed> {
    let source = Source::new(sql);
    let tokens = source.tokens()?;
    let mut groups = token_groups(&tokens);
    let Some(first) = groups.next() else {
        return Err(Error::syntax("syntax error: there is no statement"));
    };
    if let Some(second) = groups.next() {
        return Err(Error::syntax("syntax error: one statement at a time")
            .at(second.first().and_then(|token| cursor::start_of(token.span))));
    }
    one(&source, first)
}

/// Parses every statement of a script; places in errors are places in the script.
///
/// # Errors
///
/// As [`parse`]; the first statement that is wrong.
pub fn parse_script(sql: &str) -> Result<Vec<Parsed>> {
    let source = Source::new(sql);
    let tokens = source.tokens()?;
    token_groups(&tokens).map(|group| one(&source, group)).collect()
}

/// Whether a text is a statement of this database, as far as that can be said without its tables.
///
/// # Errors
///
/// As [`parse`].
pub fn check_syntax(sql: &str) -> Result<()> {
    parse(sql).map(drop)
}

/// Parses a constant expression: a default as the catalog keeps it.
///
/// # Errors
///
/// 42601 when the text is not an expression, 22023 when it is not constant.
pub fn parse_expression(sql: &str) -> Result<ast::Expr> {
    let source = Source::new(sql);
    let tokens = source.tokens()?;
    let mut cursor = Cursor::new(&source, &tokens);
    let expr = cursor.constant()?;
    cursor.finish()?;
    Ok(expr)
}

/// Parses the name of an object: `table`, `schema.table` or `database.schema.table`.
pub(crate) fn parse_name(sql: &str) -> Result<Name> {
    let source = Source::new(sql);
    let tokens = source.tokens()?;
    let mut cursor = Cursor::new(&source, &tokens);
    let name = cursor.name("the name of a table")?;
    cursor.finish()?;
    Ok(name)
}

/// The tokens of each statement; empty ones are left out.
fn token_groups(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &[TokenWithSpan]> {
    tokens.split(|token| token.token == Token::SemiColon).filter(|group| !group.is_empty())
}

/// Parses the tokens of one statement.
fn one(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<Parsed> {
    let mut cursor = Cursor::new(source, tokens);
    let start = cursor.position();
    let (statement, rewritten) = statement_at(&mut cursor).map_err(|error| error.at(start))?;
    cursor.finish()?;
    let (points, default_point) = match rewritten {
        Some(rewritten) => (rewritten.points, rewritten.default_point),
        None => (cursor.points, None),
    };
    Ok(Parsed { text: Arc::from(source.slice(tokens)), statement, points, default_point })
}

type StatementParts = (Statement, Option<Rewritten>);

/// Words that start a statement this database does not have, and what to do instead.
const UNKNOWN_HERE: &[(&[&str], &str)] = &[
    (&["UNDROP"], "RESTORE TABLE … TO a moment before it was dropped brings it back"),
    (&["PURGE"], "what is dropped goes when no readable moment needs it"),
    (&["SEAL"], "snapshots never change"),
    (&["VERIFY"], "every file carries checksums, which reading checks"),
    (&["MERGE"], "UPDATE the rows that exist, then INSERT the others, in one transaction"),
    (&["REPLACE"], "DELETE the rows that exist, then INSERT, in one transaction"),
    (&["TRUNCATE"], "write DELETE FROM t"),
    (&["COMMENT"], ""),
    (&["GRANT"], "there are no users"),
    (&["REVOKE"], "there are no users"),
    (&["ANALYZE"], "statistics need no upkeep"),
    (&["VACUUM"], "CALL compact() and CALL collect() free space"),
    (&["LOCK"], "writes are checked for conflicts when the transaction commits"),
    (&["REINDEX"], "only primary keys are indexed"),
    (&["CLUSTER"], "rows are kept in the order of the primary key"),
    (&["REFRESH"], ""),
    (&["DECLARE"], ""),
    (&["FETCH"], ""),
    (&["LISTEN"], ""),
    (&["NOTIFY"], ""),
    (&["ATTACH"], "open the other database in a session of its own"),
    (&["DETACH"], ""),
    (&["PRAGMA"], "SHOW ALL lists the settings"),
    (&["DISCARD"], "RESET ALL and DEALLOCATE ALL"),
    (&["DO"], ""),
    (&["UNLOAD"], "COPY t TO 'file'"),
    (&["IMPORT"], "COPY t FROM 'file'"),
    (&["EXPORT"], "COPY t TO 'file'"),
];

const KNOWN: &[&str] = &[
    "select",
    "with",
    "values",
    "table",
    "insert",
    "update",
    "delete",
    "explain",
    "create",
    "drop",
    "alter",
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
    "release",
    "prepare",
    "execute",
    "deallocate",
    "set",
    "reset",
    "show",
    "describe",
    "use",
    "restore",
    "revert",
    "copy",
    "call",
];

fn statement_at(cursor: &mut Cursor<'_>) -> Result<StatementParts> {
    if data::starts_query(cursor) || cursor.is_any(0, &["INSERT", "UPDATE", "DELETE"]) {
        let data = data::data(cursor)?;
        return Ok((data.statement, Some(data.rewritten)));
    }
    let Some(word) = cursor.word(0) else { return Err(cursor.expected("a statement")) };
    let start = cursor.at;
    cursor.at += 1;
    let plain = |statement: Result<Statement>| statement.map(|statement| (statement, None));
    match word.to_ascii_uppercase().as_str() {
        "TABLE" => {
            let (query, rewritten) = data::table_query(cursor, cursor.tokens.len())?;
            Ok((ReadStatement::Query(query).into(), Some(rewritten)))
        }
        "EXPLAIN" => explain(cursor),
        "CREATE" if cursor.take(&["SNAPSHOT"]) => plain(snapshots::create(cursor)),
        "CREATE" => ddl::create(cursor),
        "DROP" if cursor.take(&["SNAPSHOT"]) => plain(snapshots::drop(cursor)),
        "DROP" => plain(ddl::drop(cursor)),
        "ALTER" if cursor.take(&["SNAPSHOT"]) => plain(snapshots::alter(cursor)),
        "ALTER" => plain(ddl::alter(cursor)),
        "BEGIN" => {
            let _ = cursor.take(&["TRANSACTION"]) || cursor.take(&["WORK"]);
            plain(session::begin(cursor))
        }
        "START" => {
            cursor.expect(&["TRANSACTION"])?;
            plain(session::begin(cursor))
        }
        "COMMIT" | "END" => {
            let _ = cursor.take(&["TRANSACTION"]) || cursor.take(&["WORK"]);
            plain(session::end(cursor, SessionStatement::Commit.into()))
        }
        "ROLLBACK" | "ABORT" => {
            let _ = cursor.take(&["TRANSACTION"]) || cursor.take(&["WORK"]);
            plain(session::rollback(cursor))
        }
        "SAVEPOINT" => {
            let name = cursor.ident("the name of a savepoint")?;
            Ok((SessionStatement::Savepoint(name).into(), None))
        }
        "RELEASE" => {
            cursor.take(&["SAVEPOINT"]);
            let name = cursor.ident("the name of a savepoint")?;
            Ok((SessionStatement::ReleaseSavepoint(name).into(), None))
        }
        "PREPARE" => plain(session::prepare(cursor)),
        "EXECUTE" => plain(session::execute(cursor)),
        "DEALLOCATE" => plain(session::deallocate(cursor)),
        "SET" => plain(session::set(cursor)),
        "RESET" => plain(session::reset(cursor)),
        "SHOW" => plain(session::show(cursor)),
        "DESCRIBE" | "DESC" => {
            cursor.take(&["TABLE"]);
            let name = cursor.name("the name of a table")?;
            Ok((SessionStatement::Show(ShowStatement::Columns(name)).into(), None))
        }
        "USE" => {
            let name = cursor.name("the name of a database")?;
            Ok((SessionStatement::Use(name).into(), None))
        }
        "RESTORE" => plain(snapshots::restore(cursor)),
        "REVERT" => {
            cursor.expect(&["SNAPSHOT"])?;
            plain(snapshots::revert(cursor))
        }
        "COPY" => copy::copy(cursor),
        "CALL" => plain(session::call(cursor)),
        _ => {
            cursor.at = start;
            Err(unknown(cursor, word))
        }
    }
}

fn unknown(cursor: &Cursor<'_>, word: &str) -> Error {
    if let Some((_, hint)) =
        UNKNOWN_HERE.iter().find(|(words, _)| words.iter().any(|w| w.eq_ignore_ascii_case(word)))
    {
        return cursor.unsupported(word.to_uppercase()).with_hint(*hint);
    }
    cursor.expected("a statement").with_hint(crate::error::did_you_mean(word, KNOWN.iter().copied()))
}

/// After `EXPLAIN`.
fn explain(cursor: &mut Cursor<'_>) -> Result<StatementParts> {
    let (mut analyze, mut verbose, mut format) = (false, false, None);
    let is_list = cursor.token(0) == Some(&Token::LParen)
        && cursor.is_any(1, &["ANALYZE", "VERBOSE", "FORMAT", "COSTS", "BUFFERS", "TIMING", "SUMMARY"]);
    if is_list {
        cursor.at += 1;
        loop {
            let option = cursor.word(0).unwrap_or("").to_uppercase();
            match option.as_str() {
                "ANALYZE" | "VERBOSE" => {
                    cursor.at += 1;
                    let on = !cursor.take(&["FALSE"]) && !cursor.take(&["OFF"]);
                    if on && !cursor.take(&["TRUE"]) {
                        cursor.take(&["ON"]);
                    }
                    if option == "ANALYZE" { analyze = on } else { verbose = on }
                }
                "FORMAT" => {
                    cursor.at += 1;
                    format = Some(cursor.ident("a format")?);
                }
                _ => return Err(cursor.unsupported(format!("the option {option} of EXPLAIN"))),
            }
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    } else {
        analyze = cursor.take(&["ANALYZE"]);
        verbose = cursor.take(&["VERBOSE"]);
        if cursor.take(&["FORMAT"]) {
            format = Some(cursor.ident("a format")?);
        }
    }
    if let Some(name) = &format
        && !["indent", "tree", "text", "pgjson", "graphviz"].contains(&name.as_str())
    {
        return Err(Error::unsupported(format!("EXPLAIN FORMAT {name}")).with_hint("write INDENT or TREE"));
    }
    let position = cursor.position();
    let (statement, rewritten) = statement_at(cursor)?;
    let has_options = analyze || verbose || format.is_some();
    let statement = match statement {
        Statement::Past(PastStatement::DropSnapshot(_)) if has_options => {
            return Err(Error::unsupported("options of EXPLAIN DROP SNAPSHOT")
                .with_hint("leave the options out: nothing is dropped")
                .at(position));
        }
        Statement::Past(PastStatement::DropSnapshot(drop)) => {
            return Ok((PastStatement::ExplainDropSnapshot(drop).into(), rewritten));
        }
        Statement::Read(read) => Explained::Read(read),
        Statement::Change(change) if !matches!(change, ChangeStatement::CopyFrom(_)) => {
            Explained::Change(change)
        }
        Statement::Change(_)
        | Statement::Define(_)
        | Statement::Past(_)
        | Statement::Session(_)
        | Statement::Explain(_) => {
            return Err(Error::unsupported("EXPLAIN of this statement")
                .with_hint("EXPLAIN takes SELECT, INSERT, UPDATE, DELETE and DROP SNAPSHOT")
                .at(position));
        }
    };
    let is_query = matches!(statement, Explained::Read(ReadStatement::Query(_)));
    if analyze && !is_query {
        return Err(Error::unsupported("EXPLAIN ANALYZE of a statement that writes")
            .with_hint("leave ANALYZE out: the plan is shown and nothing is changed")
            .at(position));
    }
    Ok((Statement::Explain(Explain { analyze, verbose, format, statement }), rewritten))
}

#[cfg(test)]
mod tests;
