//! Snapshots and restores.

use sqlparser::{ast, tokenizer::Token};

use super::{
    cursor::Cursor,
    statement::{
        AlterSnapshot, CreateSnapshot, DropSnapshot, Expiry, PastStatement, Restore, Scope, SnapshotChange,
        Statement,
    },
};
use crate::{
    error::{Error, Result},
    time::parse_interval,
};

/// After `CREATE SNAPSHOT`.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = cursor.take(&["IF", "NOT", "EXISTS"]);
    let name = cursor.ident_or_string("the name of a snapshot")?;
    let mut scope = None;
    let mut point = None;
    let mut expiry = None;
    let mut comment = None;
    while !cursor.is_done() {
        let position = cursor.position();
        let twice = if cursor.is_any(0, &["FOR", "ON"]) {
            cursor.at += 1;
            scope.replace(self::scope(cursor)?).is_some()
        } else if cursor.is_word(0, "AS") {
            let found = cursor.optional_as_of()?;
            if found.is_none() {
                return Err(cursor.expected("AS OF"));
            }
            std::mem::replace(&mut point, found).is_some()
        } else if cursor.take(&["EXPIRE"]) {
            expiry.replace(self::expiry(cursor)?).is_some()
        } else if cursor.take(&["COMMENT"]) {
            cursor.take_token(&Token::Eq);
            comment.replace(cursor.string("the comment in quotes")?).is_some()
        } else if cursor.take(&["WITH", "DESCRIPTION"]) {
            cursor.expect_token(&Token::Eq)?;
            comment.replace(cursor.string("the description in quotes")?).is_some()
        } else {
            return Err(cursor.expected("FOR, AS OF, EXPIRE, COMMENT or end of statement"));
        };
        if twice {
            return Err(Error::syntax("syntax error: this clause is written twice").at(position));
        }
    }
    Ok(PastStatement::CreateSnapshot(CreateSnapshot { name, if_not_exists, scope, point, expiry, comment })
        .into())
}

/// `{DATABASE [d] | TABLE t, …}`
fn scope(cursor: &mut Cursor<'_>) -> Result<Scope> {
    const AFTER: &[&str] = &["TO", "AS", "EXPIRE", "COMMENT", "WITH"];
    if cursor.take(&["DATABASE"]) {
        let named = !cursor.is_done() && !cursor.is_any(0, AFTER);
        return Ok(Scope::Database(if named { Some(cursor.name("the name of a database")?) } else { None }));
    }
    if cursor.take(&["TABLE"]) || cursor.take(&["TABLES"]) {
        let tables = cursor.names("the name of a table")?;
        for (i, table) in tables.iter().enumerate() {
            if tables[..i].iter().any(|known| known.parts == table.parts) {
                return Err(Error::invalid_value(format!("table {table} is named twice")).at(table.position));
            }
        }
        return Ok(Scope::Tables(tables));
    }
    Err(cursor.expected("DATABASE or TABLE"))
}

/// `{AFTER interval | AT instant | NEVER}`
fn expiry(cursor: &mut Cursor<'_>) -> Result<Expiry> {
    if cursor.take(&["NEVER"]) {
        return Ok(Expiry::Never);
    }
    if cursor.take(&["AT"]) {
        return Ok(Expiry::At(Box::new(cursor.constant()?)));
    }
    cursor.expect(&["AFTER"])?;
    let position = cursor.position();
    cursor.take(&["INTERVAL"]);
    // `AFTER 7 days` as people write it, or `AFTER '7 days'`.
    let text = match (cursor.token(0), cursor.word(1)) {
        (Some(Token::Number(number, _)), Some(unit)) => {
            cursor.at += 2;
            format!("{number} {unit}")
        }
        _ => cursor.string("a length of time such as '7 days'")?,
    };
    Ok(Expiry::After(parse_interval(&text).map_err(|error| error.at(position))?))
}

/// After `ALTER SNAPSHOT`.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let name = cursor.ident_or_string("the name of a snapshot")?;
    let change = if cursor.take(&["RENAME", "TO"]) {
        SnapshotChange::Rename(cursor.ident_or_string("the new name")?)
    } else if cursor.take(&["SET", "EXPIRE"]) {
        SnapshotChange::Expire(expiry(cursor)?)
    } else if cursor.take(&["RESET", "EXPIRE"]) {
        SnapshotChange::Expire(Expiry::Never)
    } else if cursor.take(&["SET", "HOLD"]) {
        SnapshotChange::Hold(cursor.string("the reason in quotes")?)
    } else if cursor.take(&["RELEASE", "HOLD"]) {
        SnapshotChange::ReleaseHold
    } else if cursor.take(&["SET", "COMMENT"]) || cursor.take(&["COMMENT"]) {
        cursor.take_token(&Token::Eq);
        SnapshotChange::Comment(if cursor.take(&["NULL"]) {
            None
        } else {
            Some(cursor.string("the comment in quotes")?)
        })
    } else {
        return Err(cursor.expected("RENAME TO, SET EXPIRE, SET HOLD, RELEASE HOLD or SET COMMENT"));
    };
    cursor.finish()?;
    Ok(PastStatement::AlterSnapshot(AlterSnapshot { name, change }).into())
}

/// After `DROP SNAPSHOT`.
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let if_exists = cursor.take(&["IF", "EXISTS"]);
    let mut names: Vec<String> = Vec::new();
    loop {
        let position = cursor.position();
        let name = cursor.ident_or_string("the name of a snapshot")?;
        if names.contains(&name) {
            return Err(Error::invalid_value(format!("snapshot {name} is named twice")).at(position));
        }
        names.push(name);
        if !cursor.take_token(&Token::Comma) {
            break;
        }
    }
    cursor.finish()?;
    Ok(PastStatement::DropSnapshot(DropSnapshot { names, if_exists }).into())
}

/// After `RESTORE`.
pub(super) fn restore(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let scope = scope(cursor)?;
    let from = cursor.at;
    cursor.expect(&["TO"])?;
    let point = cursor.point(from)?;
    let mut if_unchanged_since: Option<Box<ast::Expr>> = None;
    let mut dry_run = false;
    while !cursor.is_done() {
        if cursor.take(&["DRY", "RUN"]) {
            dry_run = true;
        } else if cursor.take(&["IF", "UNCHANGED", "SINCE"]) {
            if if_unchanged_since.is_some() {
                return Err(cursor.expected("end of statement"));
            }
            cursor.take(&["VERSION"]);
            if_unchanged_since = Some(Box::new(cursor.constant()?));
        } else {
            let (feature, hint) = if cursor.is_word(0, "AS") {
                ("RESTORE … AS", "CREATE TABLE new AS SELECT * FROM t AS OF …")
            } else if cursor.is_word(0, "WHERE") {
                ("RESTORE … WHERE", "DELETE the rows, and INSERT INTO t SELECT … FROM t AS OF … WHERE …")
            } else if cursor.is_word(0, "WITH") && cursor.is_any(1, &["SCHEMA", "SEQUENCES"]) {
                ("RESTORE … WITH", "RESTORE puts back rows; definitions stay as they are")
            } else {
                return Err(cursor.expected("DRY RUN, IF UNCHANGED SINCE VERSION or end of statement"));
            };
            return Err(cursor.unsupported(feature).with_hint(hint));
        }
    }
    Ok(PastStatement::Restore(Restore { scope, point, if_unchanged_since, dry_run }).into())
}

/// After `REVERT SNAPSHOT`: `n FROM {TABLE | DATABASE} x`.
pub(super) fn revert(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let from = cursor.at;
    let name = cursor.ident_or_string("the name of a snapshot")?;
    cursor.points.push(super::PointExpr {
        syntax: super::PointSyntax::Snapshot(name.clone()),
        text: format!("SNAPSHOT {name}"),
        position: cursor.position_of(from),
    });
    cursor.expect(&["FROM"])?;
    let scope = scope(cursor)?;
    cursor.finish()?;
    Ok(PastStatement::Restore(Restore {
        scope,
        point: super::PointId(cursor.points.len() - 1),
        if_unchanged_since: None,
        dry_run: false,
    })
    .into())
}
