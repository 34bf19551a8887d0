//! Trees as text, for this database and for SQLite.

use std::fmt::Write as _;

use crate::tree::{Body, Case, Change, Expr, From, On, Op, Over, Query, Select, SortKey, Table, Ty, Value};

/// Reader of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Ours,
    Sqlite,
}

/// Writes a statement; with `parameters`, constants in conditions are taken out of it.
struct Printer {
    dialect: Dialect,
    parameters: Option<Vec<Value>>,
    /// Inside of `WHERE` or `ON`, where a parameter is like its constant to all other parts.
    in_condition: bool,
    out: String,
}

pub(crate) fn query(query: &Query, dialect: Dialect) -> String {
    let mut printer = Printer::new(dialect);
    printer.query(query);
    printer.out
}

pub(crate) fn expr(expr: &Expr, dialect: Dialect) -> String {
    let mut printer = Printer::new(dialect);
    printer.expr(expr);
    printer.out
}

/// The text with the values of its parameters.
pub(crate) fn query_with_parameters(query: &Query) -> (String, Vec<Value>) {
    let mut printer = Printer { parameters: Some(Vec::new()), ..Printer::new(Dialect::Ours) };
    printer.query(query);
    (printer.out, printer.parameters.unwrap_or_default())
}

/// The statements that make a table with its rows.
pub(crate) fn table(table: &Table, dialect: Dialect) -> Vec<String> {
    let mut columns: Vec<String> =
        table.columns.iter().map(|(name, ty)| format!("{name} {}", type_name(*ty, dialect))).collect();
    if table.keyed {
        columns[0].push_str(" PRIMARY KEY");
    }
    let mut statements = vec![format!("CREATE TABLE {} ({})", table.name, columns.join(", "))];
    if !table.rows.is_empty() {
        let rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| {
                let values: Vec<String> =
                    row.iter().map(|value| constant(value, Place::Column, dialect)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        statements.push(format!("INSERT INTO {} VALUES {}", table.name, rows.join(", ")));
    }
    statements
}

pub(crate) fn view((name, body): &(String, Query), dialect: Dialect) -> String {
    format!("CREATE VIEW {name} AS {}", query(body, dialect))
}

pub(crate) fn change(change: &Change, dialect: Dialect) -> String {
    let mut printer = Printer::new(dialect);
    match change {
        Change::Update { table, column, value, filter } => {
            let _ = write!(printer.out, "UPDATE {table} SET {column} = ");
            printer.expr(value);
            printer.condition(" WHERE ", filter.as_ref());
        }
        Change::Delete { table, filter } => {
            let _ = write!(printer.out, "DELETE FROM {table}");
            printer.condition(" WHERE ", filter.as_ref());
        }
        Change::Insert { table, query } => {
            let _ = write!(printer.out, "INSERT INTO {table} ");
            printer.query(query);
        }
    }
    printer.out
}

/// The statements up to the query, for somebody who wants to try them.
pub(crate) fn script(case: &Case) -> String {
    let tables = case.tables.iter().flat_map(|one| table(one, Dialect::Ours));
    let views = case.views.iter().map(|one| view(one, Dialect::Ours));
    let changes = case.changes.iter().map(|one| format!("-- later: {}", change(one, Dialect::Ours)));
    let mut text = String::new();
    for statement in tables.chain(views).chain(changes) {
        let _ = writeln!(text, "{statement};");
    }
    let _ = writeln!(text, "{};", query(&case.query, Dialect::Ours));
    text
}

fn type_name(ty: Ty, dialect: Dialect) -> &'static str {
    match (dialect, ty) {
        (_, Ty::Int) | (Dialect::Sqlite, Ty::Bool) => "INTEGER",
        (_, Ty::Text) => "TEXT",
        (Dialect::Ours, Ty::Bool) => "BOOLEAN",
        (Dialect::Ours, Ty::Double) => "DOUBLE PRECISION",
        (Dialect::Sqlite, Ty::Double) => "REAL",
        (_, Ty::Decimal) => "DECIMAL(10, 2)",
        (_, Ty::Date) => "DATE",
        (_, Ty::Timestamp) => "TIMESTAMP",
        (_, Ty::Interval) => "INTERVAL",
    }
}

/// Place of a constant: in a row of `INSERT` it takes the type of its column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Column,
    Expression(Ty),
}

fn constant(value: &Value, place: Place, dialect: Dialect) -> String {
    let typed = |text: String, ty: Ty| match (dialect, place) {
        (Dialect::Ours, Place::Expression(_)) => format!("CAST({text} AS {})", type_name(ty, dialect)),
        _ => text,
    };
    match value {
        Value::Null => match place {
            Place::Column => "NULL".to_owned(),
            Place::Expression(ty) => typed("NULL".to_owned(), ty),
        },
        Value::Int(number) if *number < 0 => format!("({number})"),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Bool(truth) => truth.to_string().to_uppercase(),
        Value::Double(number) if number.is_nan() => typed("'NaN'".to_owned(), Ty::Double),
        Value::Double(number) if *number == 0.0 && number.is_sign_negative() && dialect == Dialect::Ours => {
            typed("'-0'".to_owned(), Ty::Double)
        }
        Value::Double(number) => typed(format!("{number:?}"), Ty::Double),
        Value::Decimal(hundredths) => typed(
            format!(
                "{}{}.{:02}",
                if *hundredths < 0 { "-" } else { "" },
                hundredths.abs() / 100,
                hundredths.abs() % 100
            ),
            Ty::Decimal,
        ),
        Value::Date(day) => typed(format!("'2024-01-{day:02}'"), Ty::Date),
        Value::Timestamp(hours) => {
            typed(format!("'2024-01-{:02} {:02}:00'", hours / 24 + 1, hours % 24), Ty::Timestamp)
        }
        Value::Interval(text) => typed(format!("'{text}'"), Ty::Interval),
    }
}

impl Printer {
    fn new(dialect: Dialect) -> Self {
        Self { dialect, parameters: None, in_condition: false, out: String::new() }
    }

    fn query(&mut self, query: &Query) {
        for (at, (name, body)) in query.with.iter().enumerate() {
            let _ = write!(self.out, "{}{name} AS (", if at == 0 { "WITH " } else { ", " });
            self.query(body);
            self.out.push(')');
        }
        if !query.with.is_empty() {
            self.out.push(' ');
        }
        match &query.body {
            Body::Select(select) => self.select(select),
            Body::SetOperation { op, left, right } => {
                self.operand(left);
                let _ = write!(self.out, " {op} ");
                self.operand(right);
            }
        }
        for (at, direction) in query.order.iter().enumerate() {
            let _ = write!(self.out, "{}{}", if at == 0 { " ORDER BY " } else { ", " }, at + 1);
            self.out.push_str(words(direction.descending, direction.nulls_first));
        }
        if let Some((rows, offset)) = query.limit {
            let _ = write!(self.out, " LIMIT {rows} OFFSET {offset}");
        }
    }

    /// An operand of a set operation: SQLite knows no parentheses there.
    fn operand(&mut self, query: &Query) {
        match &query.body {
            Body::Select(select)
                if query.with.is_empty() && query.order.is_empty() && query.limit.is_none() =>
            {
                self.select(select);
            }
            _ => {
                self.out.push_str("SELECT * FROM (");
                self.query(query);
                self.out.push_str(") AS o");
            }
        }
    }

    fn select(&mut self, select: &Select) {
        self.out.push_str(if select.distinct { "SELECT DISTINCT " } else { "SELECT " });
        for (at, (expr, name)) in select.items.iter().enumerate() {
            self.out.push_str(if at == 0 { "" } else { ", " });
            self.expr(expr);
            let _ = write!(self.out, " AS {name}");
        }
        if let Some(from) = &select.from {
            self.out.push_str(" FROM ");
            self.from(from);
        }
        self.condition(" WHERE ", select.filter.as_ref());
        self.list(" GROUP BY ", &select.group);
        if let Some(having) = &select.having {
            self.out.push_str(" HAVING ");
            self.expr(having);
        }
    }

    fn condition(&mut self, word: &str, condition: Option<&Expr>) {
        if let Some(condition) = condition {
            self.out.push_str(word);
            let outside = std::mem::replace(&mut self.in_condition, true);
            self.expr(condition);
            self.in_condition = outside;
        }
    }

    fn list(&mut self, word: &str, exprs: &[Expr]) {
        for (at, expr) in exprs.iter().enumerate() {
            self.out.push_str(if at == 0 { word } else { ", " });
            self.expr(expr);
        }
    }

    fn from(&mut self, from: &From) {
        match from {
            From::Named { name, alias } if name == alias => self.out.push_str(name),
            From::Named { name, alias } => {
                let _ = write!(self.out, "{name} AS {alias}");
            }
            From::Derived { query, alias, lateral } => {
                self.out.push_str(if *lateral { "LATERAL (" } else { "(" });
                self.query(query);
                let _ = write!(self.out, ") AS {alias}");
            }
            From::Join { kind, left, right, on } => {
                self.from(left);
                let _ = write!(self.out, "{kind}");
                let nested = matches!(**right, From::Join { .. });
                self.out.push_str(if nested { "(" } else { "" });
                self.from(right);
                self.out.push_str(if nested { ")" } else { "" });
                match on {
                    On::Nothing => {}
                    On::Condition(condition) => self.condition(" ON ", Some(condition)),
                    On::Using(columns) => {
                        let _ = write!(self.out, " USING ({})", columns.join(", "));
                    }
                }
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(value, ty) => self.literal(value, *ty),
            Expr::Column { relation, name, .. } if relation.is_empty() => self.out.push_str(name),
            Expr::Column { relation, name, .. } => {
                let _ = write!(self.out, "{relation}.{name}");
            }
            Expr::Call { op, args, .. } => self.fill(*op, args, |_, _| ()),
            Expr::Subquery { op, args, query, .. } => {
                self.fill(*op, args, |printer, _| {
                    let outside = std::mem::replace(&mut printer.in_condition, false);
                    printer.query(query);
                    printer.in_condition = outside;
                });
            }
            Expr::Aggregate { op, args, filter, .. } => self.fill(*op, args, |printer, _| {
                if let Some(filter) = filter {
                    printer.out.push_str(" FILTER (WHERE ");
                    printer.expr(filter);
                    printer.out.push(')');
                }
            }),
            Expr::Window { op, args, over, .. } => self.fill(*op, args, |printer, _| printer.over(over)),
        }
    }

    fn over(&mut self, over: &Over) {
        self.out.push_str(" OVER (");
        self.list("PARTITION BY ", &over.partition);
        for (at, SortKey { expr, descending, nulls_first }) in over.order.iter().enumerate() {
            self.out.push_str(if at == 0 { " ORDER BY " } else { ", " });
            self.expr(expr);
            self.out.push_str(words(*descending, *nulls_first));
        }
        let _ = write!(self.out, "{})", over.frame);
    }

    /// Writes a call with its operands; `special` writes what `{q}` or `{f}` stands for.
    fn fill(&mut self, op: Op, args: &[Expr], special: impl Fn(&mut Self, &str)) {
        let mut rest = if self.dialect == Dialect::Ours { op.ours } else { op.sqlite };
        while let Some((before, after)) = rest.split_once('{') {
            self.out.push_str(before);
            let (name, after) = after.split_once('}').expect("a template closes its braces");
            match name.parse::<usize>() {
                Ok(at) => self.expr(&args[at]),
                Err(_) if name == "*" => self.list("", args),
                Err(_) => special(self, name),
            }
            rest = after;
        }
        self.out.push_str(rest);
    }

    fn literal(&mut self, value: &Value, ty: Ty) {
        if let Some(parameters) = &mut self.parameters
            && self.in_condition
            && matches!(value, Value::Int(_) | Value::Text(_) | Value::Bool(_) | Value::Double(_))
        {
            parameters.push(value.clone());
            let _ = write!(self.out, "${}", parameters.len());
            return;
        }
        self.out.push_str(&constant(value, Place::Expression(ty), self.dialect));
    }
}

fn words(descending: bool, nulls_first: bool) -> &'static str {
    match (descending, nulls_first) {
        (false, false) => " ASC NULLS LAST",
        (false, true) => " ASC NULLS FIRST",
        (true, false) => " DESC NULLS LAST",
        (true, true) => " DESC NULLS FIRST",
    }
}
