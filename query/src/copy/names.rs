//! Matching of the columns of a file to those of the table.
//!
//! | the statement | the file's names |
//! |---|---|
//! | no list of columns | must be the table's, in any order |
//! | a list, `HEADER match` | must be the list, in its order |
//! | a list | those of the list, in any order; or none of the table's, and then their order is the list's |
//!
//! Names that say something else than the list are an error: by the list alone, values would go into columns
//! that the file has under other names.

use super::TargetColumn;
use crate::error::{Error, Result, SqlState};

/// Relation of the names in a file to the columns of the statement.
#[derive(Clone, Copy, Debug)]
pub enum Naming<'a> {
    /// The statement lists no columns.
    ByName,
    /// The statement lists the columns. `table` are all columns of the table; with `exactly` the file must
    /// name those of the list, in its order.
    Listed {
        /// Names of all columns of the table.
        table: &'a [String],
        /// Whether the file's names must be those of the list.
        exactly: bool,
    },
}

/// Places of the file's columns among `columns`, in the order of the file.
pub(super) fn places(
    path: &str,
    names: &[String],
    columns: &[TargetColumn],
    naming: Naming<'_>,
) -> Result<Vec<usize>> {
    match naming {
        Naming::ByName => by_name(path, names, columns),
        Naming::Listed { table, exactly } => listed(path, names, columns, table, exactly),
    }
}

fn listed(
    path: &str,
    names: &[String],
    columns: &[TargetColumn],
    table: &[String],
    exactly: bool,
) -> Result<Vec<usize>> {
    if names.len() != columns.len() {
        return Err(mismatch(format!("{path}: {} columns, expected {}", names.len(), columns.len())));
    }
    if exactly {
        for (index, (name, column)) in names.iter().zip(columns).enumerate() {
            if !is_same(name, &column.name) {
                let place = index + 1;
                return Err(mismatch(format!(
                    "{path}: column {place} is named {name} in the header, expected {}",
                    column.name
                ))
                .with_hint(
                    "HEADER match wants the columns of the list in its order; HEADER alone goes by name",
                ));
            }
        }
    }
    if let Ok(places) = by_name(path, names, columns) {
        return Ok(places);
    }
    for (name, column) in names.iter().zip(columns) {
        if !is_same(name, &column.name) && table.iter().any(|known| is_same(known, name)) {
            return Err(mismatch(format!(
                "{path}: the list has {} where the file has {name}, which is another column of the table",
                column.name
            ))
            .with_hint("list the columns under the names that they have in the file"));
        }
    }
    Ok((0..columns.len()).collect())
}

fn by_name(path: &str, names: &[String], columns: &[TargetColumn]) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let Some(place) = columns.iter().position(|column| is_same(&column.name, name)) else {
            return Err(unknown(path, name, columns));
        };
        if places.contains(&place) {
            let what = format!("{path}: the file has two columns {name}");
            return Err(Error::new(SqlState::DuplicateColumn, what));
        }
        places.push(place);
    }
    if let Some((_, column)) = columns.iter().enumerate().find(|(place, _)| !places.contains(place)) {
        let what = format!("{path}: the file has no column {}", column.name);
        return Err(Error::new(SqlState::UndefinedColumn, what).with_hint(
            "name the columns that the file has: COPY t (a, b) FROM …; the others get their defaults",
        ));
    }
    Ok(places)
}

fn unknown(path: &str, name: &str, columns: &[TargetColumn]) -> Error {
    let error = Error::no_column(name, columns.iter().map(|column| column.name.as_str()));
    let hint = error.hint().map_or_else(
        || "name the columns that the file has in their order: COPY t (a, b) FROM …".to_owned(),
        str::to_owned,
    );
    let what = format!("{path}: the file has a column {name}, the table has none");
    Error::new(SqlState::UndefinedColumn, what).with_hint(hint)
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn mismatch(what: String) -> Error {
    Error::new(SqlState::BadCopyFileFormat, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ColumnType;

    fn found(names: &[&str], list: &[&str], exactly: bool) -> Result<Vec<usize>> {
        let table = ["id", "first", "last"].map(str::to_owned);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let column = |name: &&str| TargetColumn {
            name: (*name).to_owned(),
            column_type: ColumnType::TEXT,
            nullable: true,
        };
        let columns: Vec<TargetColumn> = list.iter().map(column).collect();
        places("f", &names, &columns, Naming::Listed { table: &table, exactly })
    }

    #[test]
    fn listed_columns_are_found_by_their_names_in_any_order() {
        assert_eq!(found(&["first", "last"], &["first", "last"], false).unwrap(), [0, 1]);
        assert_eq!(found(&["last", "FIRST"], &["first", "last"], false).unwrap(), [1, 0]);
        assert_eq!(found(&["last", "id", "first"], &["id", "first", "last"], false).unwrap(), [2, 0, 1]);
    }

    #[test]
    fn names_that_are_no_columns_of_the_table_leave_the_order_to_the_list() {
        assert_eq!(found(&["vorname", "nachname"], &["first", "last"], false).unwrap(), [0, 1]);
        assert_eq!(found(&["first", "nachname"], &["first", "last"], false).unwrap(), [0, 1]);
        assert_eq!(found(&["", ""], &["first", "last"], false).unwrap(), [0, 1]);
        assert_eq!(found(&["x", "x"], &["first", "last"], false).unwrap(), [0, 1]);
    }

    #[test]
    fn names_that_contradict_the_list_are_an_error() {
        for names in
            [["last", "vorname"], ["vorname", "first"], ["id", "last"], ["first", "ID"], ["last", "last"]]
        {
            let error = found(&names, &["first", "last"], false).unwrap_err();
            assert_eq!(error.sqlstate(), "22P04", "{names:?}: {error}");
        }
        assert_eq!(found(&["first"], &["first", "last"], false).unwrap_err().sqlstate(), "22P04");
    }

    #[test]
    fn a_header_that_must_match_has_the_listed_names_in_their_order() {
        assert_eq!(found(&["First", "last"], &["first", "last"], true).unwrap(), [0, 1]);
        for names in [&["last", "first"][..], &["vorname", "last"], &["first"], &["first", "last", "id"]] {
            let error = found(names, &["first", "last"], true).unwrap_err();
            assert_eq!(error.sqlstate(), "22P04", "{names:?}: {error}");
        }
    }
}
