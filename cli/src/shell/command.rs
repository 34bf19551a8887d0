//! The shell's own commands: `.name` and, for hands that know psql, `\name`.

use crate::args::OnError;
use crate::connection::failure;
use crate::console::Placed;
use crate::failure::Failure;
use crate::output::Format;
use crate::runner::Runner;
use crate::script::{Part, read_file};

use super::Flow;

const HELP: &str = "\
.tables [PATTERN]           tables; PATTERN as in LIKE            \\d, \\dt
.schema [TABLE]             CREATE statement of a table, or of all
\\d TABLE                    columns of a table
.snapshots                  named snapshots                       \\ds
.mode [FORMAT]              table, csv, tsv, json, jsonl, markdown
.timer [on|off]             say how long each statement took      \\timing
.import FILE TABLE [NULL]   load a CSV or Parquet file; NULL is the text that means NULL
.read FILE                  run the statements of a file          \\i FILE
.bail [on|off]              stop .read at the first error (on), or go on behind it
.help                       this text                             \\?
.quit                       leave (also Ctrl-D)                   \\q

A statement ends with ';' and may span lines. Ctrl-C cancels it. Tab completes.
To read the past:  SELECT … FROM t AS OF SNAPSHOT name;   SET as_of = 'snapshot:name';   RESET as_of;";

#[derive(Debug, PartialEq, Eq)]
enum ShellCommand {
    Help,
    Quit,
    Tables(Option<String>),
    Schema(Option<String>),
    Columns(String),
    Snapshots,
    Mode(Option<Format>),
    Timer(Option<bool>),
    Import { file: String, table: String, null: Option<String> },
    Read(String),
    Bail(Option<bool>),
}

/// True when an input is for the shell and not for the database.
pub(super) fn is_command(input: &str) -> bool {
    let input = input.trim();
    input.starts_with(['.', '\\']) || is_bare_word(input)
}

/// `help`, `quit` and `exit` are what people type when they know nothing else.
fn is_bare_word(input: &str) -> bool {
    let word = input.trim_end_matches(';').trim_end();
    ["help", "quit", "exit"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Runs one shell command.
pub(crate) async fn run(runner: &mut Runner<'_>, input: &str) -> Result<Flow, Failure> {
    let console = &mut runner.console;
    match parse(input).map_err(|Mistake { message, hint }| Failure::Usage { message, hint })? {
        ShellCommand::Help => console.say(HELP)?,
        ShellCommand::Quit => return Ok(Flow::Quit),
        ShellCommand::Tables(pattern) => query(runner, &tables_sql(pattern.as_deref())).await?,
        ShellCommand::Schema(table) => schema(runner, table).await?,
        ShellCommand::Columns(table) => query(runner, &format!("SHOW COLUMNS FROM {table}")).await?,
        ShellCommand::Snapshots => query(runner, "SHOW SNAPSHOTS").await?,
        ShellCommand::Mode(None) => console.say(console.format.name())?,
        ShellCommand::Mode(Some(format)) => console.format = format,
        ShellCommand::Timer(setting) => {
            console.timer = setting.unwrap_or(!console.timer);
            console.say(if console.timer { "timer on" } else { "timer off" })?;
        }
        ShellCommand::Import { file, table, null } => {
            query(runner, &import_sql(&file, &table, null.as_deref())).await?;
        }
        ShellCommand::Read(file) => {
            let part = Part::whole(read_file(&file)?);
            runner.run_part(&part, Some(&file)).await?;
        }
        ShellCommand::Bail(setting) => {
            let stops = setting.unwrap_or(runner.on_error == OnError::Continue);
            runner.on_error = if stops { OnError::Stop } else { OnError::Continue };
            console.say(if stops { "bail on" } else { "bail off" })?;
        }
    }
    Ok(Flow::Continue)
}

/// Writes CREATE statements as they are, ready to be run again.
async fn schema(runner: &mut Runner<'_>, table: Option<String>) -> Result<(), Failure> {
    let tables = if let Some(table) = table {
        vec![table]
    } else {
        let rows = texts(runner, "SHOW TABLES").await?;
        rows.iter()
            .map(|row| row.iter().take(2).map(|part| quoted(part)).collect::<Vec<_>>().join("."))
            .collect()
    };
    for table in tables {
        let rows = texts(runner, &format!("SHOW CREATE TABLE {table}")).await?;
        for statement in rows.iter().filter_map(|row| row.last()) {
            runner.console.say(&format!("{statement};"))?;
        }
    }
    Ok(())
}

async fn texts(runner: &mut Runner<'_>, sql: &str) -> Result<Vec<Vec<String>>, Failure> {
    let interrupts = runner.interrupts.clone();
    let connection = runner.connection().await?;
    interrupts.guard(async { connection.texts(sql).await.map_err(|error| failure(&error)) }).await
}

async fn query(runner: &mut Runner<'_>, sql: &str) -> Result<(), Failure> {
    runner.run_one(Placed::alone(sql)).await
}

/// Why an input is no shell command.
#[derive(Debug)]
struct Mistake {
    message: String,
    hint: Option<String>,
}

impl Mistake {
    fn new(message: String) -> Self {
        Self { message, hint: None }
    }
}

fn parse(input: &str) -> Result<ShellCommand, Mistake> {
    if is_bare_word(input) {
        let is_help = input.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("help"));
        return Ok(if is_help { ShellCommand::Help } else { ShellCommand::Quit });
    }
    let mut words = words(input)?.into_iter();
    let name = words.next().unwrap_or_default();
    let arguments: Vec<String> = words.collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let owned = |text: &str| text.to_owned();
    let command = match (name.as_str(), arguments.as_slice()) {
        (".help" | "\\?" | "\\h", []) => ShellCommand::Help,
        (".quit" | ".exit" | "\\q", []) => ShellCommand::Quit,
        (".tables" | "\\dt" | "\\d", []) => ShellCommand::Tables(None),
        (".tables" | "\\dt", [pattern]) => ShellCommand::Tables(Some(owned(pattern))),
        (".schema", []) => ShellCommand::Schema(None),
        (".schema", [table]) => ShellCommand::Schema(Some(owned(table))),
        ("\\d", [table]) => ShellCommand::Columns(owned(table)),
        (".snapshots" | "\\ds", []) => ShellCommand::Snapshots,
        (".mode", []) => ShellCommand::Mode(None),
        (".mode", [format]) => ShellCommand::Mode(Some(format_named(format)?)),
        (".timer" | "\\timing", []) => ShellCommand::Timer(None),
        (".timer" | "\\timing", ["on"]) => ShellCommand::Timer(Some(true)),
        (".timer" | "\\timing", ["off"]) => ShellCommand::Timer(Some(false)),
        (".import", [file, table]) => {
            ShellCommand::Import { file: owned(file), table: owned(table), null: None }
        }
        (".import", [file, table, null]) => {
            ShellCommand::Import { file: owned(file), table: owned(table), null: Some(owned(null)) }
        }
        (".read" | "\\i", [file]) => ShellCommand::Read(owned(file)),
        (".bail", []) => ShellCommand::Bail(None),
        (".bail", ["on"]) => ShellCommand::Bail(Some(true)),
        (".bail", ["off"]) => ShellCommand::Bail(Some(false)),
        _ => {
            let message = format!("no shell command reads like this: {input}");
            return Err(Mistake { message, hint: Some(".help lists them".to_owned()) });
        }
    };
    Ok(command)
}

fn format_named(name: &str) -> Result<Format, Mistake> {
    Format::from_name(name).ok_or_else(|| Mistake {
        message: format!("unknown format: {name}"),
        hint: Some(format!("choose one of {}", Format::ALL.map(Format::name).join(", "))),
    })
}

/// Splits at white space. Quotes keep a word together: single ones go, double ones stay, because they belong
/// to a name of SQL. A `;` at the end is a habit, not a word.
fn words(input: &str) -> Result<Vec<String>, Mistake> {
    let mut words = Vec::new();
    let mut characters = input.trim().trim_end_matches(';').chars().peekable();
    while let Some(first) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if first == '\'' {
            loop {
                match characters.next() {
                    Some('\'') => break,
                    Some(character) => word.push(character),
                    None => return Err(Mistake::new(format!("a quote is not closed: {input}"))),
                }
            }
        } else {
            word.push(first);
            let mut is_quoted = first == '"';
            while let Some(character) =
                characters.next_if(|character| is_quoted || !character.is_whitespace())
            {
                is_quoted ^= character == '"';
                word.push(character);
            }
            if is_quoted {
                return Err(Mistake::new(format!("a quote is not closed: {input}")));
            }
        }
        words.push(word);
    }
    Ok(words)
}

fn tables_sql(pattern: Option<&str>) -> String {
    let Some(pattern) = pattern else { return "SHOW TABLES".to_owned() };
    format!(
        "SELECT table_schema AS \"schema\", table_name AS \"name\", table_type AS \"kind\" \
         FROM information_schema.tables WHERE table_name LIKE {} ORDER BY 1, 2",
        literal(pattern)
    )
}

fn import_sql(file: &str, table: &str, null: Option<&str>) -> String {
    let is_parquet =
        file.rsplit('.').next().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    let options = match (is_parquet, null) {
        (true, _) => "FORMAT parquet".to_owned(),
        (false, None) => "FORMAT csv, HEADER".to_owned(),
        (false, Some(null)) => format!("FORMAT csv, HEADER, NULL {}", literal(null)),
    };
    format!("COPY {table} FROM {} WITH ({options})", literal(file))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same() {
        for (dot, backslash) in [(".tables", "\\dt"), (".tables", "\\d"), (".quit", "\\q"), (".help", "\\?")]
        {
            assert_eq!(parse(dot).unwrap(), parse(backslash).unwrap(), "{dot}");
        }
        assert_eq!(parse("exit;").unwrap(), ShellCommand::Quit);
        assert_eq!(parse("HELP").unwrap(), ShellCommand::Help);
    }

    #[test]
    fn quotes_keep_a_file_name_together() {
        let expected = ShellCommand::Import {
            file: "my flights.csv".to_owned(),
            table: "flights".to_owned(),
            null: Some("NA".to_owned()),
        };
        assert_eq!(parse(".import 'my flights.csv' flights NA").unwrap(), expected);
        assert!(parse(".import 'my flights.csv flights").unwrap_err().message.contains("not closed"));
        assert_eq!(parse("\\d \"My Table\"").unwrap(), ShellCommand::Columns("\"My Table\"".to_owned()));
    }

    #[test]
    fn a_mistyped_command_or_format_says_what_exists() {
        assert!(parse(".tabels").unwrap_err().hint.unwrap().contains(".help"));
        assert!(parse(".mode xml").unwrap_err().hint.unwrap().contains("jsonl"));
    }

    #[test]
    fn import_becomes_copy_with_the_text_quoted() {
        assert_eq!(
            import_sql("a'b.csv", "t", Some("NA")),
            "COPY t FROM 'a''b.csv' WITH (FORMAT csv, HEADER, NULL 'NA')"
        );
        assert_eq!(import_sql("x.parquet", "t", None), "COPY t FROM 'x.parquet' WITH (FORMAT parquet)");
    }

    #[test]
    fn statements_are_not_shell_commands() {
        assert!(!is_command("SELECT 1;"));
        assert!(!is_command("help me"));
        assert!(is_command("  \\d t"));
    }
}
