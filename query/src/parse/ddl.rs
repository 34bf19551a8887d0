//! Tables, views, schemas, databases: `CREATE`, `DROP`, `ALTER`.

use sqlparser::{
    ast::{self, ColumnOption, TableConstraint},
    parser::Parser,
    tokenizer::Token,
};

use super::{
    clauses::Rewritten,
    cursor::{Cursor, start_of},
    data::query_between,
    names::{Name, folded_ident},
    statement::{
        AlterRetention, ChangeStatement, ColumnSpec, CreateNamed, CreateTable, CreateTableAs, CreateView,
        DefineStatement, Drop, PastStatement, Statement,
    },
};
use crate::{
    error::{Error, Result},
    time::parse_interval,
    types::ColumnType,
};

/// After `CREATE`.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<(Statement, Option<Rewritten>)> {
    let or_replace = cursor.take(&["OR", "REPLACE"]);
    if cursor.is_any(
        0,
        &["TEMP", "TEMPORARY", "UNLOGGED", "EXTERNAL", "GLOBAL", "LOCAL", "MATERIALIZED", "RECURSIVE"],
    ) {
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        let hint = match word.as_str() {
            "EXTERNAL" => "load the file with COPY t FROM 'file'",
            "MATERIALIZED" => "write CREATE TABLE t AS SELECT …",
            _ => "leave the word out: tables are kept until they are dropped",
        };
        return Err(cursor.unsupported(format!("CREATE {word}")).with_hint(hint));
    }
    if cursor.take(&["TABLE"]) {
        if or_replace {
            return Err(cursor
                .unsupported("CREATE OR REPLACE TABLE")
                .with_hint("DROP TABLE IF EXISTS first"));
        }
        return create_table(cursor);
    }
    if cursor.take(&["VIEW"]) {
        return create_view(cursor, or_replace);
    }
    let named: Option<fn(CreateNamed) -> DefineStatement> = if cursor.take(&["SCHEMA"]) {
        Some(DefineStatement::CreateSchema)
    } else if cursor.take(&["DATABASE"]) {
        Some(DefineStatement::CreateDatabase)
    } else {
        None
    };
    if let Some(statement) = named {
        if or_replace {
            return Err(cursor.unsupported("OR REPLACE here"));
        }
        let if_not_exists = cursor.take(&["IF", "NOT", "EXISTS"]);
        let name = cursor.name("a name")?;
        if cursor.is_word(0, "CLONE") {
            return Err(cursor.unsupported("CLONE").with_hint("CREATE TABLE c AS SELECT * FROM s AS OF …"));
        }
        cursor.finish()?;
        return Ok((statement(CreateNamed { name, if_not_exists }).into(), None));
    }
    let word = cursor.word(0).unwrap_or("").to_uppercase();
    let hint = match word.as_str() {
        "INDEX" | "UNIQUE" => "only primary keys are indexed",
        "SEQUENCE" => "give the numbers yourself",
        _ => "CREATE knows TABLE, VIEW, SCHEMA, DATABASE and SNAPSHOT",
    };
    if word.is_empty() {
        return Err(cursor.expected("TABLE, VIEW, SCHEMA, DATABASE or SNAPSHOT"));
    }
    Err(cursor.unsupported(format!("CREATE {word}")).with_hint(hint))
}

fn create_table(cursor: &mut Cursor<'_>) -> Result<(Statement, Option<Rewritten>)> {
    let if_not_exists = cursor.take(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name("the name of a table")?;
    if cursor.is_word(0, "AS") {
        return create_table_as(cursor, name, if_not_exists, Vec::new(), Vec::new());
    }
    if cursor.is_any(0, &["CLONE", "LIKE"]) {
        let word = cursor.word(0).unwrap_or("").to_uppercase();
        return Err(cursor.unsupported(word).with_hint("CREATE TABLE c AS SELECT * FROM s AS OF …"));
    }
    let start = cursor.at;
    if let Some(columns) = bare_columns(cursor) {
        return create_table_as(cursor, name, if_not_exists, columns, Vec::new());
    }
    cursor.at = start;
    if cursor.token(0) != Some(&Token::LParen) {
        return Err(cursor.expected("the columns in parentheses, or AS and a query"));
    }
    let (columns, constraints) = cursor.with_parser(Parser::parse_columns)?;
    let mut primary_key: Vec<String> = Vec::new();
    for constraint in &constraints {
        table_constraint(constraint, &mut primary_key)?;
    }
    let mut specs: Vec<ColumnSpec> = Vec::with_capacity(columns.len());
    for column in columns {
        let position = start_of(column.name.span);
        let spec = column_spec(column, &mut primary_key).map_err(|error| error.at(position))?;
        if specs.iter().any(|known| known.name == spec.name) {
            return Err(Error::duplicate_column(&spec.name).at(position));
        }
        specs.push(spec);
    }
    if cursor.is_word(0, "AS") {
        if !specs.is_empty() {
            return Err(cursor
                .unsupported("column types in CREATE TABLE … AS")
                .with_hint("cast the columns in the query"));
        }
        return create_table_as(cursor, name, if_not_exists, Vec::new(), primary_key);
    }
    if !cursor.is_done() {
        let word = cursor.word(0).map(str::to_uppercase);
        return Err(match word {
            Some(word) => cursor.unsupported(format!("{word} after the columns of a table")),
            None => cursor.expected("end of statement"),
        });
    }
    for key in &primary_key {
        match specs.iter_mut().find(|spec| spec.name == *key) {
            Some(spec) => spec.not_null = true,
            None => {
                return Err(
                    Error::no_column(key, specs.iter().map(|spec| spec.name.as_str())).at(name.position)
                );
            }
        }
    }
    if specs.is_empty() {
        return Err(Error::invalid_definition("a table needs at least one column").at(name.position));
    }
    Ok((
        DefineStatement::CreateTable(CreateTable { name, if_not_exists, columns: specs, primary_key }).into(),
        None,
    ))
}

/// `(a, b)` before `AS`: names without types.
fn bare_columns(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    let second = cursor.token(2)?;
    if cursor.token(0) != Some(&Token::LParen) || !matches!(second, Token::Comma | Token::RParen) {
        return None;
    }
    let columns = cursor.column_list().ok()?;
    cursor.is_word(0, "AS").then_some(columns)
}

fn create_table_as(
    cursor: &mut Cursor<'_>,
    name: Name,
    if_not_exists: bool,
    columns: Vec<String>,
    primary_key: Vec<String>,
) -> Result<(Statement, Option<Rewritten>)> {
    cursor.expect(&["AS"])?;
    let mut to = cursor.tokens.len();
    let ends_with = |words: &[&str]| {
        let start = to.checked_sub(words.len());
        start.is_some_and(|start| {
            let mut probe = Cursor::new(cursor.source, cursor.tokens);
            probe.at = start;
            probe.take(words)
        })
    };
    let without_data = ends_with(&["WITH", "NO", "DATA"]);
    if without_data {
        to -= 3;
    } else if ends_with(&["WITH", "DATA"]) {
        to -= 2;
    }
    let (query, rewritten) = query_between(cursor, to)?;
    cursor.at = cursor.tokens.len();
    let statement = CreateTableAs { name, if_not_exists, columns, primary_key, query, without_data };
    Ok((ChangeStatement::CreateTableAs(statement).into(), Some(rewritten)))
}

fn table_constraint(constraint: &TableConstraint, primary_key: &mut Vec<String>) -> Result<()> {
    match constraint {
        TableConstraint::PrimaryKey(key) => {
            if key.characteristics.is_some() || key.index_type.is_some() || !key.index_options.is_empty() {
                return Err(Error::unsupported("an option of PRIMARY KEY").with_hint("leave it out"));
            }
            if !primary_key.is_empty() {
                return Err(Error::invalid_definition("a table has one primary key"));
            }
            for column in &key.columns {
                let ast::OrderByExpr { expr: ast::Expr::Identifier(ident), options, with_fill: None } =
                    &column.column
                else {
                    return Err(Error::unsupported("an expression in PRIMARY KEY").with_hint("name columns"));
                };
                if options.asc == Some(false)
                    || options.nulls_first.is_some()
                    || column.operator_class.is_some()
                {
                    return Err(Error::unsupported("an order in PRIMARY KEY").with_hint("keys ascend"));
                }
                let name = folded_ident(ident);
                if primary_key.contains(&name) {
                    return Err(Error::duplicate_column(&name).at(start_of(ident.span)));
                }
                primary_key.push(name);
            }
            Ok(())
        }
        TableConstraint::Unique(_) => Err(unsupported_constraint("UNIQUE")),
        TableConstraint::ForeignKey(_) => Err(unsupported_constraint("FOREIGN KEY")),
        TableConstraint::Check(_) => Err(unsupported_constraint("CHECK")),
        other => Err(Error::unsupported(other.to_string())),
    }
}

fn unsupported_constraint(what: &str) -> Error {
    Error::unsupported(what).with_hint("PRIMARY KEY, NOT NULL and DEFAULT are enforced")
}

fn column_spec(column: ast::ColumnDef, primary_key: &mut Vec<String>) -> Result<ColumnSpec> {
    let name = folded_ident(&column.name);
    let column_type = ColumnType::from_sql(&column.data_type)?;
    let mut spec = ColumnSpec { name, column_type, not_null: false, default: None };
    let mut nullable = false;
    for option in column.options {
        match option.option {
            ColumnOption::Null => nullable = true,
            ColumnOption::NotNull => spec.not_null = true,
            ColumnOption::Default(expr) => {
                if spec.default.is_some() {
                    return Err(Error::syntax(format!("column {} has two defaults", spec.name)));
                }
                super::check::constant(&expr)?;
                let text = expr.to_string();
                spec.default = Some((expr, text));
            }
            ColumnOption::PrimaryKey(key) => {
                if key.characteristics.is_some() {
                    return Err(Error::unsupported("an option of PRIMARY KEY").with_hint("leave it out"));
                }
                if !primary_key.is_empty() {
                    return Err(Error::invalid_definition("a table has one primary key").with_hint(
                        "for a key of several columns write PRIMARY KEY (a, b) after the columns",
                    ));
                }
                primary_key.push(spec.name.clone());
            }
            ColumnOption::Unique(_) => return Err(unsupported_constraint("UNIQUE")),
            ColumnOption::ForeignKey(_) => return Err(unsupported_constraint("REFERENCES")),
            ColumnOption::Check(_) => return Err(unsupported_constraint("CHECK")),
            ColumnOption::Generated { .. } | ColumnOption::Identity(_) => {
                return Err(
                    Error::unsupported("GENERATED and IDENTITY").with_hint("give the values yourself")
                );
            }
            other => return Err(Error::unsupported(other.to_string())),
        }
    }
    if nullable && spec.not_null {
        return Err(Error::syntax(format!("column {} is both NULL and NOT NULL", spec.name)));
    }
    Ok(spec)
}

fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<(Statement, Option<Rewritten>)> {
    let if_not_exists = cursor.take(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name("the name of a view")?;
    let columns = if cursor.token(0) == Some(&Token::LParen) { cursor.column_list()? } else { Vec::new() };
    if cursor.is_word(0, "WITH") {
        return Err(cursor.unsupported("WITH after the name of a view"));
    }
    cursor.expect(&["AS"])?;
    let query_text = cursor.source.slice(cursor.rest()).to_owned();
    if let Some(Token::Placeholder(name)) =
        cursor.rest().iter().map(|t| &t.token).find(|t| matches!(t, Token::Placeholder(_)))
    {
        return Err(cursor.unsupported(format!("the parameter {name} in a view")));
    }
    let (query, rewritten) = query_between(cursor, cursor.tokens.len())?;
    let view = CreateView { name, or_replace, if_not_exists, columns, query, query_text };
    Ok((DefineStatement::CreateView(view).into(), Some(rewritten)))
}

/// After `DROP`.
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let statement: fn(Drop) -> DefineStatement = if cursor.take(&["TABLE"]) {
        DefineStatement::DropTable
    } else if cursor.take(&["VIEW"]) {
        DefineStatement::DropView
    } else if cursor.take(&["SCHEMA"]) {
        DefineStatement::DropSchema
    } else if cursor.take(&["DATABASE"]) {
        DefineStatement::DropDatabase
    } else {
        return Err(match cursor.word(0) {
            Some(word) => cursor
                .unsupported(format!("DROP {}", word.to_uppercase()))
                .with_hint("DROP knows TABLE, VIEW, SCHEMA, DATABASE and SNAPSHOT"),
            None => cursor.expected("TABLE, VIEW, SCHEMA, DATABASE or SNAPSHOT"),
        });
    };
    let if_exists = cursor.take(&["IF", "EXISTS"]);
    let names = cursor.names("a name")?;
    let cascade = cursor.take(&["CASCADE"]);
    if !cascade {
        cursor.take(&["RESTRICT"]);
    }
    if cursor.is_word(0, "PURGE") {
        return Err(cursor
            .unsupported("PURGE")
            .with_hint("what is dropped goes when no readable moment needs it"));
    }
    cursor.finish()?;
    Ok(statement(Drop { names, if_exists, cascade }).into())
}

/// After `ALTER`, for tables and databases.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let (table, database) = if cursor.take(&["TABLE"]) {
        (Some(cursor.name("the name of a table")?), None)
    } else if cursor.take(&["DATABASE"]) {
        let named = !(cursor.is_any(0, &["SET", "RESET"]) && cursor.is_word(1, "RETENTION"));
        (None, if named { Some(cursor.name("the name of a database")?) } else { None })
    } else {
        return Err(match cursor.word(0) {
            Some(word) => cursor
                .unsupported(format!("ALTER {}", word.to_uppercase()))
                .with_hint("ALTER knows TABLE, DATABASE and SNAPSHOT"),
            None => cursor.expected("TABLE, DATABASE or SNAPSHOT"),
        });
    };
    let retention_us = if cursor.take(&["RESET", "RETENTION"]) {
        None
    } else if cursor.take(&["SET", "RETENTION"]) {
        if !cursor.take_token(&Token::Eq) {
            cursor.take(&["TO"]);
        }
        if cursor.take(&["DEFAULT"]) {
            None
        } else {
            let position = cursor.position();
            cursor.take(&["INTERVAL"]);
            let text = cursor.string("a length of time such as '7 days'")?;
            Some(parse_interval(&text).map_err(|error| error.at(position))?)
        }
    } else if cursor.is_done() {
        return Err(cursor.expected("SET retention"));
    } else {
        let what = cursor.word(0).unwrap_or("").to_uppercase();
        let object = if table.is_some() { "ALTER TABLE" } else { "ALTER DATABASE" };
        return Err(cursor.unsupported(format!("{object} … {what}").trim_end()).with_hint(
            "make another table: CREATE TABLE new (PRIMARY KEY (…)) AS SELECT …; its history begins there",
        ));
    };
    cursor.finish()?;
    Ok(PastStatement::AlterRetention(AlterRetention { table, database, retention_us }).into())
}
