//! Tables that are joined, with the columns that `USING` and `NATURAL` make one of two.
//!
//! | join | the column means |
//! |---|---|
//! | inner, left | `a.k` |
//! | right | `b.k` |
//! | full | `coalesce(a.k, b.k)` |
//!
//! They stand in front of the other columns, and hide those that they are made of.

use sqlparser::ast::{
    self, BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
};

use crate::{
    error::{Error, Result, SqlState},
    parse::folded_ident,
};

/// What joins make of tables, in the order of its columns.
#[derive(Default)]
pub(in crate::postgres::ast) struct JoinedTables {
    parts: Vec<JoinedPart>,
}

/// One column of two tables, or a table.
pub(in crate::postgres::ast) enum JoinedPart {
    Merged(Box<MergedColumn>),
    Table(JoinedTable),
}

/// One column of two tables.
pub(in crate::postgres::ast) struct MergedColumn {
    pub(in crate::postgres::ast) name: String,
    pub(in crate::postgres::ast) meaning: Expr,
}

/// A table among those that are joined.
pub(in crate::postgres::ast) struct JoinedTable {
    pub(in crate::postgres::ast) name: Option<Ident>,
    /// None where they are not known.
    pub(in crate::postgres::ast) columns: Option<Vec<String>>,
    /// Whether its name is to be found in the catalog.
    pub(in crate::postgres::ast) stored: bool,
    /// Those of its columns that a merged one hides.
    pub(in crate::postgres::ast) hidden: Vec<String>,
}

impl JoinedTable {
    pub(in crate::postgres::ast) fn is_named(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|known| known.value == name)
    }

    pub(in crate::postgres::ast) fn shows(&self, name: &str) -> bool {
        self.columns.as_ref().is_some_and(|columns| columns.iter().any(|column| column == name))
            && !self.hidden.iter().any(|hidden| hidden == name)
    }
}

/// The column that a name means.
pub(in crate::postgres::ast) enum NamedColumn {
    Merged(Expr),
    OfTable(Expr),
    /// It can only be one of the one table whose columns are not known.
    OfUnknown(Expr),
    Missing,
    Ambiguous,
    /// Some tables have columns that are not known.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres::ast) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// The columns that a join merges, as they are written.
pub(in crate::postgres::ast) enum MergedNames {
    Using(Vec<String>),
    Natural,
}

impl MergedNames {
    /// Their names; none where they are all that two tables have in common, and those are not known.
    pub(in crate::postgres::ast) fn of(
        self,
        left: &JoinedTables,
        right: &JoinedTables,
    ) -> Option<Vec<String>> {
        match self {
            Self::Using(names) => Some(names),
            Self::Natural => {
                let (left, right) = (left.columns()?, right.columns()?);
                Some(left.into_iter().filter(|column| right.contains(column)).collect())
            }
        }
    }
}

/// The columns that a join merges; none of one that merges none.
pub(in crate::postgres::ast) fn merging(join: &Join) -> Option<(JoinKind, MergedNames)> {
    let (kind, constraint) = constraint(&join.join_operator)?;
    let names = match constraint {
        JoinConstraint::Natural => MergedNames::Natural,
        JoinConstraint::Using(columns) => MergedNames::Using(columns.iter().filter_map(last_name).collect()),
        _ => return None,
    };
    Some((kind, names))
}

fn constraint(operator: &JoinOperator) -> Option<(JoinKind, &JoinConstraint)> {
    Some(match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinKind::Inner, constraint),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinKind::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (JoinKind::Right, constraint)
        }
        JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
        _ => return None,
    })
}

/// The condition of a join that has one.
pub(in crate::postgres::ast) fn constraint_mut(join: &mut Join) -> Option<&mut JoinConstraint> {
    match &mut join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

impl JoinedTables {
    pub(super) fn table(name: Option<Ident>, columns: Option<Vec<String>>, stored: bool) -> Self {
        Self { parts: vec![JoinedPart::Table(JoinedTable { name, columns, stored, hidden: Vec::new() })] }
    }

    /// Tables of which nothing is known.
    pub(in crate::postgres::ast) fn unknown() -> Self {
        Self::table(None, None, false)
    }

    pub(in crate::postgres::ast) fn parts(&self) -> &[JoinedPart] {
        &self.parts
    }

    pub(in crate::postgres::ast) fn tables(&self) -> impl Iterator<Item = &JoinedTable> {
        self.parts.iter().filter_map(|part| match part {
            JoinedPart::Table(table) => Some(table),
            JoinedPart::Merged(_) => None,
        })
    }

    pub(in crate::postgres::ast) fn merged_columns(&self) -> impl Iterator<Item = &MergedColumn> {
        self.parts.iter().filter_map(|part| match part {
            JoinedPart::Merged(column) => Some(&**column),
            JoinedPart::Table(_) => None,
        })
    }

    /// The names of all columns; none where some are not known.
    pub(in crate::postgres::ast) fn columns(&self) -> Option<Vec<String>> {
        let mut columns = Vec::new();
        for part in &self.parts {
            match part {
                JoinedPart::Merged(column) => columns.push(column.name.clone()),
                JoinedPart::Table(table) => {
                    let shown =
                        table.columns.as_ref()?.iter().filter(|column| !table.hidden.contains(column));
                    columns.extend(shown.cloned());
                }
            }
        }
        Some(columns)
    }

    /// The tables with others beside them.
    pub(in crate::postgres::ast) fn beside(mut self, right: Self) -> Self {
        self.parts.extend(right.parts);
        self
    }

    /// The column of that name.
    pub(in crate::postgres::ast) fn column(&self, name: &str) -> NamedColumn {
        let merged = self.merged_columns().filter(|column| column.name == name);
        let merged: Vec<&MergedColumn> = merged.collect();
        let holders: Vec<&JoinedTable> = self.tables().filter(|table| table.shows(name)).collect();
        let unknown: Vec<&JoinedTable> = self.tables().filter(|table| table.columns.is_none()).collect();
        let of = |table: &JoinedTable, column: fn(Expr) -> NamedColumn| match &table.name {
            Some(table) => column(Expr::CompoundIdentifier(vec![table.clone(), quoted(name)])),
            None => NamedColumn::Unknown,
        };
        match (merged.as_slice(), holders.as_slice(), unknown.as_slice()) {
            ([column], [], _) => NamedColumn::Merged(column.meaning.clone()),
            ([], [table], _) => of(table, NamedColumn::OfTable),
            ([], [], [table]) => of(table, NamedColumn::OfUnknown),
            ([], [], []) => NamedColumn::Missing,
            ([], [], _) => NamedColumn::Unknown,
            _ => NamedColumn::Ambiguous,
        }
    }

    /// The tables joined with others, of whose columns these become one each, and what the join compares.
    ///
    /// # Errors
    /// 42703 where a side has no such column, 42702 where it has several; none of both, and nothing to
    /// compare, where that is not known.
    pub(in crate::postgres::ast) fn merged(
        mut self,
        mut right: Self,
        kind: JoinKind,
        names: &[String],
    ) -> Result<(Self, Option<Expr>)> {
        let mut columns = Vec::with_capacity(names.len());
        let mut condition: Option<Expr> = None;
        for name in names {
            let on_left = side_column(self.column(name), name, "left")?;
            let on_right = side_column(right.column(name), name, "right")?;
            let (Some(on_left), Some(on_right)) = (on_left, on_right) else {
                return Ok((Self::unknown(), None));
            };
            let equal = binary(on_left.clone(), BinaryOperator::Eq, on_right.clone());
            condition = Some(match condition {
                None => equal,
                Some(before) => binary(before, BinaryOperator::And, equal),
            });
            let meaning = match kind {
                JoinKind::Inner | JoinKind::Left => on_left,
                JoinKind::Right => on_right,
                JoinKind::Full => coalesce(on_left, on_right),
            };
            columns.push(JoinedPart::Merged(Box::new(MergedColumn { name: name.clone(), meaning })));
        }
        self.hide(names);
        right.hide(names);
        columns.append(&mut self.parts);
        columns.append(&mut right.parts);
        let condition = condition.unwrap_or_else(|| Expr::value(ast::Value::Boolean(true)));
        Ok((Self { parts: columns }, Some(condition)))
    }

    fn hide(&mut self, names: &[String]) {
        self.parts.retain(|part| !matches!(part, JoinedPart::Merged(column) if names.contains(&column.name)));
        for part in &mut self.parts {
            if let JoinedPart::Table(table) = part {
                let columns = table.columns.as_ref();
                for name in names {
                    if columns.is_none_or(|columns| columns.contains(name)) && !table.hidden.contains(name) {
                        table.hidden.push(name.clone());
                    }
                }
            }
        }
    }
}

fn side_column(column: NamedColumn, name: &str, side: &str) -> Result<Option<Expr>> {
    match column {
        NamedColumn::Merged(expr) | NamedColumn::OfTable(expr) | NamedColumn::OfUnknown(expr) => {
            Ok(Some(expr))
        }
        NamedColumn::Unknown => Ok(None),
        NamedColumn::Missing => Err(Error::new(
            SqlState::UndefinedColumn,
            format!("column {name} specified in USING does not exist in the {side} table"),
        )),
        NamedColumn::Ambiguous => Err(Error::new(
            SqlState::AmbiguousColumn,
            format!("column {name} appears more than once in the {side} table of a join by it"),
        )
        .with_hint("write ON with the names of the tables")),
    }
}

/// The last part of a name.
pub(super) fn last_name(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(ObjectNamePart::as_ident).map(folded_ident)
}

pub(in crate::postgres::ast) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn coalesce(left: Expr, right: Expr) -> Expr {
    let argument = |expr| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr));
    Expr::Function(ast::Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(left), argument(right)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
