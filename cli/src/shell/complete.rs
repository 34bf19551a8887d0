//! Completion of keywords and names, and when Enter ends an input.

use std::collections::{BTreeMap, BTreeSet};

use bygone::{Error, is_complete, printable};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::connection::Connection;
use crate::output::Format;

use super::command;

/// Keywords that completion offers besides the names of the database.
const KEYWORDS: &[&str] = &[
    "ACROSS",
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "BYTEA",
    "CASE",
    "CAST",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "CROSS",
    "DATABASE",
    "DATE",
    "DECIMAL",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DOUBLE",
    "DROP",
    "DRY",
    "ELSE",
    "END",
    "EXCEPT",
    "EXECUTE",
    "EXISTS",
    "EXPIRE",
    "EXPLAIN",
    "FALSE",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "HISTORY",
    "HOLD",
    "IF",
    "IN",
    "INNER",
    "INSERT",
    "INTEGER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OF",
    "OFFSET",
    "ON",
    "ONLY",
    "OR",
    "ORDER",
    "OUTER",
    "PREPARE",
    "PRIMARY",
    "READ",
    "REAL",
    "RELEASE",
    "RENAME",
    "RESET",
    "RESTORE",
    "RIGHT",
    "ROLLBACK",
    "RUN",
    "SAVEPOINT",
    "SCHEMA",
    "SELECT",
    "SET",
    "SHOW",
    "SMALLINT",
    "SNAPSHOT",
    "SNAPSHOTS",
    "SYSTEM",
    "TABLE",
    "TEXT",
    "THEN",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TO",
    "TRUE",
    "UNION",
    "UPDATE",
    "USING",
    "VALUES",
    "VARCHAR",
    "VERSION",
    "WHEN",
    "WHERE",
    "WITH",
];

const COMMANDS: &[&str] =
    &[".help", ".import", ".mode", ".quit", ".read", ".schema", ".snapshots", ".tables", ".timer"];

/// The names of a database.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Columns by table.
    tables: BTreeMap<String, Vec<String>>,
    snapshots: BTreeSet<String>,
}

impl Names {
    /// Asks the database, at the session's point.
    pub(super) async fn load(connection: &Connection) -> Result<Self, Error> {
        let mut names = Self::default();
        let columns = "SELECT table_name, column_name FROM information_schema.columns \
                       WHERE table_schema <> 'information_schema' ORDER BY table_name, ordinal_position";
        for row in connection.texts(columns).await? {
            if let [table, column] = row.as_slice() {
                names.tables.entry(table.clone()).or_default().push(column.clone());
            }
        }
        let snapshots = connection.texts("SELECT name FROM bygone.snapshots").await?;
        names.snapshots = snapshots.into_iter().flatten().collect();
        Ok(names)
    }
}

/// The shell's part of the line editor.
#[derive(Default)]
pub(super) struct ShellHelper {
    names: Names,
    files: FilenameCompleter,
}

impl ShellHelper {
    pub(super) fn set_names(&mut self, names: Names) {
        self.names = names;
    }
}

impl Completer for ShellHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..position];
        let takes_file =
            [".import ", ".read ", "\\i "].iter().any(|name| before.trim_start().starts_with(name));
        if takes_file && before.split_whitespace().count() + usize::from(before.ends_with(' ')) <= 2 {
            return self.files.complete_path(line, position);
        }
        let (start, candidates) = candidates(&self.names, before, line);
        let pair = |text: String| Pair { display: printable(&text).into_owned(), replacement: text };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Highlighter for ShellHelper {}
impl Helper for ShellHelper {}

impl Validator for ShellHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let ends = input.trim().is_empty() || command::is_command(input) || is_complete(input);
        Ok(if ends { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

/// Returns where the word before the cursor starts and what can stand there.
fn candidates(names: &Names, before: &str, line: &str) -> (usize, Vec<String>) {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let start = before
        .rfind(|c| !is_word(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
    let word = &before[start..];
    let lead = before[..start].trim_end();
    if lead == "." || lead == "\\" {
        let typed = before.trim_start();
        let at = position_of(before, typed);
        return (at, starting_with(COMMANDS.iter().copied(), typed));
    }
    let previous: Vec<String> = lead.split_whitespace().rev().take(2).map(str::to_ascii_uppercase).collect();
    let last = previous.first().map(String::as_str).unwrap_or_default();
    let table_names = || names.tables.keys().map(String::as_str);
    let found = match last {
        ".MODE" => starting_with(Format::ALL.iter().map(|format| format.name()), word),
        ".TIMER" | "\\TIMING" => starting_with(["on", "off"], word),
        "SNAPSHOT" | "SNAPSHOT:" | "'SNAPSHOT:" => {
            starting_with(names.snapshots.iter().map(String::as_str), word)
        }
        "FROM" | "JOIN" | "INTO" | "UPDATE" | "TABLE" | ".SCHEMA" | "\\D" | "DESCRIBE" | "COPY" => {
            starting_with(table_names(), word)
        }
        _ if last.ends_with("SNAPSHOT:") => starting_with(names.snapshots.iter().map(String::as_str), word),
        _ if lead.ends_with('.') && before[..start].ends_with('.') => {
            let table = last.trim_end_matches('.').rsplit(|c| !is_word(c)).next().unwrap_or_default();
            starting_with(columns_of(names, &table.to_ascii_lowercase()), word)
        }
        _ => anything(names, word, line),
    };
    (start, found)
}

/// Columns of the tables the input mentions, tables, then keywords in the case the user types.
fn anything(names: &Names, word: &str, line: &str) -> Vec<String> {
    if word.is_empty() {
        return Vec::new();
    }
    let mentioned = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect::<BTreeSet<_>>();
    let columns =
        names.tables.iter().filter(|(table, _)| mentioned.contains(table.as_str())).flat_map(|(_, c)| c);
    let mut found = starting_with(columns.map(String::as_str), word);
    found.extend(starting_with(names.tables.keys().map(String::as_str), word));
    let is_lower = word.chars().any(char::is_lowercase);
    let keywords = starting_with(KEYWORDS.iter().copied(), &word.to_ascii_uppercase());
    found.extend(keywords.into_iter().map(|k| if is_lower { k.to_ascii_lowercase() } else { k }));
    found
}

fn columns_of<'a>(names: &'a Names, table: &str) -> impl Iterator<Item = &'a str> {
    names.tables.get(table).into_iter().flatten().map(String::as_str)
}

fn starting_with<'a>(names: impl IntoIterator<Item = &'a str>, word: &str) -> Vec<String> {
    let matches = |name: &&str| name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let found: BTreeSet<&str> = names.into_iter().filter(matches).collect();
    found.into_iter().map(str::to_owned).collect()
}

fn position_of(whole: &str, part: &str) -> usize {
    whole.len() - part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let columns = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        Names {
            tables: BTreeMap::from([
                ("flights".to_owned(), columns(&["carrier", "dep_delay", "dest"])),
                ("airlines".to_owned(), columns(&["carrier", "name"])),
            ]),
            snapshots: BTreeSet::from(["jan".to_owned(), "july".to_owned()]),
        }
    }

    fn complete(before: &str) -> Vec<String> {
        candidates(&names(), before, before).1
    }

    #[test]
    fn after_from_come_tables_and_after_snapshot_come_snapshots() {
        assert_eq!(complete("SELECT * FROM fl"), ["flights"]);
        assert_eq!(complete("SELECT * FROM flights AS OF SNAPSHOT j"), ["jan", "july"]);
        assert_eq!(complete("SET as_of = 'snapshot:ju"), ["july"]);
    }

    #[test]
    fn columns_come_from_the_tables_the_input_mentions() {
        assert_eq!(
            candidates(&names(), "SELECT de", "SELECT de FROM flights").1,
            ["dep_delay", "dest", "decimal", "default", "delete", "desc", "describe"]
        );
        assert_eq!(complete("SELECT flights.d"), ["dep_delay", "dest"]);
    }

    #[test]
    fn keywords_follow_the_case_of_the_user() {
        assert_eq!(complete("sel"), ["select"]);
        assert_eq!(complete("SEL"), ["SELECT"]);
        assert_eq!(complete("RESTORE TABLE flights TO SNAP"), ["SNAPSHOT", "SNAPSHOTS"]);
    }

    #[test]
    fn shell_commands_and_their_arguments_complete() {
        assert_eq!(complete(".ti"), [".timer"]);
        assert_eq!(complete(".mode j"), ["json", "jsonl"]);
        assert_eq!(complete(".schema air"), ["airlines"]);
    }

    #[test]
    fn nothing_is_offered_for_nothing() {
        assert!(complete("SELECT 1 ").is_empty());
    }
}
