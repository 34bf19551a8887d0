//! Queries and data changes: read by the parser underneath, then taken apart into what this database does.

use sqlparser::{
    ast::{
        self, AssignmentTarget, Expr, FromTable, ObjectName, ObjectNamePart, SetExpr, TableFactor,
        TableObject, TableWithJoins,
    },
    tokenizer::Token,
};

use super::{
    check,
    clauses::{Rewritten, explain_misplaced, rewrite},
    cursor::{Cursor, parser},
    names::{Name, folded_ident},
    statement::{ChangeStatement, Delete, Insert, InsertSource, ReadStatement, Statement, Update},
};
use crate::error::{Error, Result};

/// A parsed query or data change with its points.
pub(super) struct Data {
    pub(super) statement: Statement,
    pub(super) rewritten: Rewritten,
}

/// Reads the rest of the cursor as one query or data change.
pub(super) fn data(cursor: &mut Cursor<'_>) -> Result<Data> {
    let mut rewritten = rewrite(cursor.source, cursor.rest())?;
    let tokens = std::mem::take(&mut rewritten.tokens);
    let end = cursor.tokens.last().and_then(|t| crate::error::position(t.span.end.line, t.span.end.column));
    let mut parser = parser(tokens);
    let tree = parser
        .parse_statement()
        .map_err(|error| explain_misplaced(Error::from(error), &rewritten.points).at(end))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let error = Error::syntax(format!("syntax error: expected end of statement, found {}", next.token))
            .at(super::cursor::start_of(next.span));
        return Err(explain_misplaced(error, &rewritten.points));
    }
    cursor.at = cursor.tokens.len();
    let statement: Statement = match tree {
        ast::Statement::Query(query) => {
            check::query_parts(query.as_ref(), &rewritten.points, rewritten.default_point)?;
            ReadStatement::Query(query).into()
        }
        ast::Statement::Insert(insert) => {
            check::query_parts(&insert, &rewritten.points, rewritten.default_point)?;
            ChangeStatement::Insert(Box::new(self::insert(insert)?)).into()
        }
        ast::Statement::Update(update) => {
            written(&update.table, &rewritten)?;
            check::query_parts(&update, &rewritten.points, rewritten.default_point)?;
            now_only(&rewritten)?;
            ChangeStatement::Update(Box::new(self::update(update)?)).into()
        }
        ast::Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
            for table in tables {
                written(table, &rewritten)?;
            }
            check::query_parts(&delete, &rewritten.points, rewritten.default_point)?;
            now_only(&rewritten)?;
            ChangeStatement::Delete(Box::new(self::delete(delete)?)).into()
        }
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or("this statement").to_uppercase();
            return Err(Error::unsupported(word));
        }
    };
    Ok(Data { statement, rewritten })
}

/// A table that is written to has no past to be written in.
fn written(table: &TableWithJoins, rewritten: &Rewritten) -> Result<()> {
    if let TableFactor::Table { version: Some(version), .. } = &table.relation {
        let point = super::PointId::of(version).and_then(|id| rewritten.points.get(id.0));
        let text = point.map_or("a moment", |point| point.text.as_str());
        return Err(Error::unsupported(format!("{text} on a table that is written to"))
            .with_hint("only the present can be changed; RESTORE TABLE … TO brings an earlier state back")
            .at(point.and_then(|point| point.position)));
    }
    Ok(())
}

fn now_only(rewritten: &Rewritten) -> Result<()> {
    match rewritten.default_point.and_then(|id| rewritten.points.get(id.0)) {
        Some(point) => Err(Error::unsupported(format!("{} on a table that is written to", point.text))
            .with_hint("name the moment after the tables that are read")
            .at(point.position)),
        None => Ok(()),
    }
}

/// A name of the tree.
pub(super) fn name_of(name: &ObjectName) -> Result<Name> {
    let mut position = None;
    let mut parts = Vec::with_capacity(name.0.len());
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) => {
                position = position.or(super::cursor::start_of(ident.span));
                parts.push(folded_ident(ident));
            }
            ObjectNamePart::Function(_) => return Err(Error::syntax(format!("{name} is not a name"))),
        }
    }
    if parts.len() > 3 {
        return Err(Error::syntax("syntax error: a name has at most database.schema.table").at(position));
    }
    Ok(Name { parts, position })
}

fn insert(insert: ast::Insert) -> Result<Insert> {
    let ast::Insert {
        insert_token: _,
        optimizer_hints,
        or,
        ignore,
        into: _,
        table,
        table_alias,
        columns,
        overwrite,
        source,
        assignments,
        partitioned,
        after_columns,
        has_table_keyword,
        on,
        returning,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        ..
    } = insert;
    if on.is_some() {
        return Err(
            Error::unsupported("ON CONFLICT").with_hint("UPDATE the rows that exist, then INSERT the others")
        );
    }
    no_returning(returning.is_some() || output.is_some())?;
    if or.is_some() || ignore || replace_into || overwrite {
        return Err(Error::unsupported("INSERT that replaces or skips rows")
            .with_hint("DELETE the rows that exist first, in one transaction"));
    }
    let other = !optimizer_hints.is_empty()
        || table_alias.is_some()
        || !assignments.is_empty()
        || partitioned.is_some()
        || !after_columns.is_empty()
        || has_table_keyword
        || priority.is_some()
        || insert_alias.is_some()
        || settings.is_some()
        || format_clause.is_some()
        || multi_table_insert_type.is_some()
        || !multi_table_into_clauses.is_empty()
        || !multi_table_when_clauses.is_empty();
    if other {
        return Err(Error::unsupported("this form of INSERT")
            .with_hint("write INSERT INTO t [(columns)] VALUES (…), or INSERT INTO t [(columns)] SELECT …"));
    }
    let TableObject::TableName(table) = table else {
        return Err(Error::unsupported("INSERT into something that is not a table"));
    };
    let table = name_of(&table)?;
    let mut named: Vec<String> = Vec::with_capacity(columns.len());
    for column in &columns {
        let column = name_of(column)?;
        if named.contains(&column.parts.join(".")) {
            return Err(Error::duplicate_column(column.last()).at(column.position));
        }
        named.push(column.parts.join("."));
    }
    let source = match source {
        None => InsertSource::Defaults,
        Some(query) => match *query.body {
            SetExpr::Values(values)
                if query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() =>
            {
                let rows: Vec<Vec<Expr>> = values.rows.into_iter().map(|row| row.content).collect();
                if let Some(first) = rows.first()
                    && rows.iter().any(|row| row.len() != first.len())
                {
                    return Err(Error::syntax("the rows of VALUES have different lengths").at(table.position));
                }
                InsertSource::Values(rows)
            }
            _ => InsertSource::Query(query),
        },
    };
    Ok(Insert { table, columns: named, source })
}

fn update(update: ast::Update) -> Result<Update> {
    let ast::Update {
        update_token: _,
        optimizer_hints,
        table,
        assignments,
        from,
        selection,
        returning,
        output,
        or,
        order_by,
        limit,
    } = update;
    no_returning(returning.is_some() || output.is_some())?;
    if from.is_some() || !table.joins.is_empty() {
        return Err(Error::unsupported("UPDATE … FROM")
            .with_hint("use a subquery of one row: UPDATE t SET a = (SELECT max(u.a) FROM u WHERE u.id = t.id) WHERE id IN (SELECT id FROM u)"));
    }
    if or.is_some() || !optimizer_hints.is_empty() {
        return Err(Error::unsupported("this form of UPDATE"));
    }
    if !order_by.is_empty() || limit.is_some() {
        return Err(Error::unsupported("ORDER BY and LIMIT in UPDATE")
            .with_hint("choose the rows in WHERE: id IN (SELECT id FROM t ORDER BY … LIMIT n)"));
    }
    let (table, alias) = target(table.relation)?;
    let mut set: Vec<(String, Expr)> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let AssignmentTarget::ColumnName(column) = assignment.target else {
            return Err(Error::unsupported("SET (a, b) = …").with_hint("set one column at a time"));
        };
        let column = name_of(&column)?;
        if column.parts.len() > 1 {
            return Err(Error::syntax(format!(
                "syntax error: SET takes the column's name alone, not {column}"
            ))
            .at(column.position));
        }
        if set.iter().any(|(known, _)| known == column.last()) {
            let message = format!("column {} is assigned more than once", column.last());
            return Err(Error::syntax(message).at(column.position));
        }
        set.push((column.last().to_owned(), assignment.value));
    }
    Ok(Update { table, alias, assignments: set, selection })
}

fn delete(delete: ast::Delete) -> Result<Delete> {
    let ast::Delete {
        delete_token: _,
        optimizer_hints,
        tables,
        from,
        using,
        selection,
        returning,
        output,
        order_by,
        limit,
    } = delete;
    no_returning(returning.is_some() || output.is_some())?;
    let FromTable::WithFromKeyword(mut sources) = from else {
        return Err(Error::syntax("syntax error: expected FROM after DELETE"));
    };
    let several = sources.len() != 1 || sources.iter().any(|source| !source.joins.is_empty());
    if using.is_some() || !tables.is_empty() || several {
        return Err(Error::unsupported("DELETE … USING and DELETE of joined tables")
            .with_hint("use a subquery: DELETE FROM t WHERE id IN (SELECT …)"));
    }
    if !optimizer_hints.is_empty() {
        return Err(Error::unsupported("this form of DELETE"));
    }
    if !order_by.is_empty() || limit.is_some() {
        return Err(Error::unsupported("ORDER BY and LIMIT in DELETE")
            .with_hint("choose the rows in WHERE: id IN (SELECT id FROM t ORDER BY … LIMIT n)"));
    }
    let (table, alias) = target(sources.swap_remove(0).relation)?;
    Ok(Delete { table, alias, selection })
}

fn no_returning(found: bool) -> Result<()> {
    if found {
        return Err(Error::unsupported("RETURNING").with_hint("SELECT the rows in the same transaction"));
    }
    Ok(())
}

/// The table of an `UPDATE` or `DELETE` and its alias.
fn target(relation: TableFactor) -> Result<(Name, Option<String>)> {
    let TableFactor::Table { name, alias, args: None, .. } = relation else {
        return Err(Error::unsupported("writing to something that is not a table"));
    };
    let alias = match alias {
        Some(alias) if !alias.columns.is_empty() => {
            return Err(Error::unsupported("column names in the alias of a table that is written to"));
        }
        Some(alias) => Some(folded_ident(&alias.name)),
        None => None,
    };
    Ok((name_of(&name)?, alias))
}

/// Reads the tokens `from..to` of the cursor as a query.
pub(super) fn query_between(cursor: &mut Cursor<'_>, to: usize) -> Result<(Box<ast::Query>, Rewritten)> {
    let mut inner = Cursor::new(cursor.source, &cursor.tokens[..to]);
    inner.at = cursor.at;
    if inner.is_done() || !starts_query(&inner) {
        return Err(inner.expected("a query"));
    }
    let Data { statement, rewritten } = data(&mut inner)?;
    cursor.at = to;
    match statement {
        Statement::Read(ReadStatement::Query(query)) => Ok((query, rewritten)),
        _ => Err(cursor.expected("a query")),
    }
}

pub(super) fn starts_query(cursor: &Cursor<'_>) -> bool {
    cursor.is_any(0, &["SELECT", "WITH", "VALUES"]) || cursor.token(0) == Some(&Token::LParen)
}

/// `SELECT * FROM` the table that the next tokens name, with its point.
pub(super) fn table_query(cursor: &mut Cursor<'_>, to: usize) -> Result<(Box<ast::Query>, Rewritten)> {
    if cursor.at >= to || !matches!(cursor.token(0), Some(Token::Word(_))) {
        return Err(cursor.expected("the name of a table"));
    }
    let position = cursor.position();
    let span = cursor.tokens[cursor.at].span;
    let mut source = cursor.tokens[cursor.at..to].to_vec();
    let mut tokens = parser_tokens("SELECT", span);
    match columns_after_name(cursor, to)? {
        Some(columns) => {
            tokens.extend_from_slice(&cursor.tokens[columns.start + 1..columns.end - 1]);
            source.drain(columns.start - cursor.at..columns.end - cursor.at);
        }
        None => tokens.append(&mut parser_tokens("*", span)),
    }
    tokens.append(&mut parser_tokens("FROM", span));
    let mut rewritten = rewrite(cursor.source, &source)?;
    tokens.append(&mut rewritten.tokens);
    let mut parser = parser(tokens);
    let query = parser
        .parse_query()
        .map_err(|error| explain_misplaced(Error::from(error), &rewritten.points).at(position))?;
    if parser.peek_token().token != Token::EOF {
        return Err(cursor.expected("the name of a table, or a query in parentheses"));
    }
    check::query_parts(query.as_ref(), &rewritten.points, rewritten.default_point)?;
    cursor.at = to;
    Ok((query, rewritten))
}

/// Tokens of the column list of `name (a, b)`, parentheses included. A list that does not start with a name
/// is the argument of a function.
fn columns_after_name(cursor: &Cursor<'_>, to: usize) -> Result<Option<std::ops::Range<usize>>> {
    let mut list = Cursor::new(cursor.source, &cursor.tokens[..to]);
    list.at = cursor.at + 1;
    while list.token(0) == Some(&Token::Period) {
        list.at += 2;
    }
    let start = list.at;
    if list.token(0) != Some(&Token::LParen) || !matches!(list.token(1), Some(Token::Word(_))) {
        return Ok(None);
    }
    list.column_list()?;
    Ok(Some(start..list.at))
}

fn parser_tokens(text: &str, span: sqlparser::tokenizer::Span) -> Vec<sqlparser::tokenizer::TokenWithSpan> {
    let source = super::cursor::Source::new(text);
    let mut tokens = source.tokens().unwrap_or_default();
    for token in &mut tokens {
        token.span = span;
    }
    tokens
}
