//! The command line: what is accepted, and in which order it runs.

use std::process;

use bygone::printable;
use clap::parser::ArgMatches;
use clap::{Arg, ArgAction, Command, ValueEnum, value_parser};

use crate::console::report_line;
use crate::output::Format;

/// Request of the user.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// SQL, or the shell.
    Run(Arguments),
    /// `bygone check DB`.
    Check {
        /// Location of the database.
        database: String,
        /// Whether progress may be shown.
        progress: bool,
    },
    /// `bygone inspect FILE`.
    Inspect {
        /// The path of the file.
        file: String,
    },
}

/// Options of a run of SQL.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// Location of the database: a directory, a `file://` URL or `:memory:`.
    pub(crate) database: String,
    /// Scripts to run, in order; empty means the shell, or standard input when that is no terminal.
    pub(crate) scripts: Vec<ScriptArgument>,
    /// The format of rows; `None` chooses by whether standard output is a terminal.
    pub(crate) format: Option<Format>,
    /// The moment every statement of the run reads.
    pub(crate) as_of: Option<String>,
    /// Refuse to write.
    pub(crate) read_only: bool,
    /// Memory of queries in bytes, if it is not the default.
    pub(crate) query_memory: Option<usize>,
    /// Reaction to a statement that fails.
    pub(crate) on_error: OnError,
    /// Say after each statement how long it took.
    pub(crate) timer: bool,
    /// Whether progress may be shown (it is only ever shown on a terminal).
    pub(crate) progress: bool,
}

/// Reaction of a run to a statement that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnError {
    /// It ends.
    Stop,
    /// It reports the error and runs the next statement.
    Continue,
}

impl OnError {
    fn from_flag(continues: bool) -> Self {
        if continues { Self::Continue } else { Self::Stop }
    }
}

/// One thing to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScriptArgument {
    /// Text given on the command line.
    Text(String),
    /// A file; `-` is standard input.
    File(String),
}

impl Invocation {
    /// Parses the process's arguments; on a usage error or `--help` it prints and exits (2 or 0).
    pub(crate) fn from_process() -> Self {
        match command().try_get_matches() {
            Ok(matches) => Self::from_matches(&matches),
            Err(error) if error.use_stderr() => {
                // It quotes the arguments.
                let message = error.render().to_string();
                for line in message.lines() {
                    report_line(&printable(line));
                }
                process::exit(error.exit_code())
            }
            Err(help) => help.exit(),
        }
    }

    fn from_matches(matches: &ArgMatches) -> Self {
        let text = |matches: &ArgMatches, id| matches.get_one::<String>(id).cloned().unwrap_or_default();
        match matches.subcommand() {
            Some(("check", matches)) => Self::Check {
                database: text(matches, "database"),
                progress: !matches.get_flag("no-progress"),
            },
            Some((_, matches)) => Self::Inspect { file: text(matches, "file") },
            None => Self::Run(Arguments::from_matches(matches)),
        }
    }
}

impl Arguments {
    /// True when the run cannot write, and so must not create a database either.
    pub(crate) fn opens_for_reading(&self) -> bool {
        self.read_only || self.as_of.is_some()
    }

    fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            database: matches.get_one::<String>("database").cloned().unwrap_or_default(),
            scripts: scripts(matches),
            format: matches.get_one::<Format>("format").copied(),
            as_of: matches.get_one::<String>("as-of").cloned(),
            read_only: matches.get_flag("readonly"),
            query_memory: matches.get_one::<usize>("query-memory").copied(),
            on_error: OnError::from_flag(matches.get_flag("continue-on-error")),
            timer: matches.get_flag("timer"),
            progress: !matches.get_flag("no-progress"),
        }
    }
}

/// `-c` and `-f` in the order they were written, then the SQL after the database.
fn scripts(matches: &ArgMatches) -> Vec<ScriptArgument> {
    let mut ordered: Vec<(usize, ScriptArgument)> = Vec::new();
    for id in ["command", "file", "sql"] {
        let indices = matches.indices_of(id).into_iter().flatten();
        let values = matches.get_many::<String>(id).into_iter().flatten().cloned();
        let wrap = if id == "file" { ScriptArgument::File } else { ScriptArgument::Text };
        // Positional SQL comes last wherever it was written: the options read as its preamble.
        let after = if id == "sql" { usize::MAX / 2 } else { 0 };
        ordered.extend(indices.zip(values).map(|(index, value)| (index + after, wrap(value))));
    }
    ordered.sort_by_key(|(index, _)| *index);
    ordered.into_iter().map(|(_, script)| script).collect()
}

fn command() -> Command {
    Command::new("bygone")
        .version(env!("CARGO_PKG_VERSION"))
        .about("SQL with a past: a database that can be read, compared and restored as of any kept moment")
        .after_help(
            "Without SQL, `bygone DB` is a shell on a terminal and runs standard input otherwise.\n\
             Standard input is run statement by statement, as they arrive.\n\
             A run stops at the first error, unless it is to --continue-on-error; the status tells of one either way.\n\n\
             `check` and `inspect` are commands only as the first word; a database directory of that name is ./check.\n\n\
             Exit status: 0 ok, 1 SQL error, 2 usage, 3 cannot open or locked, 4 corrupt, 130 interrupted.",
        )
        .args_conflicts_with_subcommands(true)
        .subcommand_negates_reqs(true)
        .disable_help_subcommand(true)
        .subcommand(check_command())
        .subcommand(inspect_command())
        .arg(
            Arg::new("database")
                .value_name("DB")
                .required(true)
                .help("A directory (created when absent), a file:// URL, or :memory:"),
        )
        .arg(Arg::new("sql").value_name("SQL").num_args(0..).help("Statements to run"))
        .arg(
            Arg::new("command")
                .short('c')
                .long("command")
                .value_name("SQL")
                .action(ArgAction::Append)
                .help("Run these statements; may be given several times"),
        )
        .arg(
            Arg::new("file")
                .short('f')
                .long("file")
                .value_name("FILE")
                .action(ArgAction::Append)
                .help("Run the statements of a file; '-' is standard input"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(value_parser!(Format))
                .overrides_with("format")
                .help("How rows are written [default: table on a terminal, csv otherwise]"),
        )
        .arg(
            Arg::new("as-of")
                .long("as-of")
                .value_name("POINT")
                .help("Read as of snapshot:NAME, timestamp:TIME or version:N; the run cannot write"),
        )
        .arg(
            Arg::new("readonly")
                .long("readonly")
                .action(ArgAction::SetTrue)
                .help("Open without writing anything; several may read at once, while nobody writes"),
        )
        .arg(
            Arg::new("query-memory")
                .long("query-memory")
                .value_name("SIZE")
                .value_parser(size)
                .overrides_with("query-memory")
                .help("Memory of queries, for instance 512MiB [default: 1GiB]"),
        )
        .arg(
            Arg::new("continue-on-error")
                .long("continue-on-error")
                .action(ArgAction::SetTrue)
                .help("Report an error and go on with the next statement"),
        )
        .arg(
            Arg::new("timer")
                .long("timer")
                .action(ArgAction::SetTrue)
                .help("Say on standard error how long each statement took"),
        )
        .arg(no_progress())
}

/// A size that queries can do with.
fn size(text: &str) -> Result<usize, String> {
    bygone::parse_query_memory(text).map_err(|error| error.message().to_owned())
}

fn no_progress() -> Arg {
    Arg::new("no-progress")
        .long("no-progress")
        .action(ArgAction::SetTrue)
        .help("Show no progress on a terminal")
}

fn check_command() -> Command {
    Command::new("check")
        .about("Read everything a database keeps and verify it; nothing is written")
        .after_help(
            "One line for each finding, which names the file. Files that nothing references are listed and no fault.\n\
             Others may read the database meanwhile; while it is written, it cannot be checked.\n\n\
             Exit status: 0 ok, 2 usage, 3 cannot open or locked, 4 corrupt, 130 interrupted.",
        )
        .arg(Arg::new("database").value_name("DB").required(true).help("A directory or a file:// URL"))
        .arg(no_progress())
}

fn inspect_command() -> Command {
    Command::new("inspect")
        .about("Print the structure of a file of a database, as far as it can be read")
        .after_help(
            "FILE is a table file (data/*.sst), a manifest or a log segment, under the name that it has in its database.\n\n\
             Exit status: 0 whole, 2 usage, 3 cannot read, 4 damaged.",
        )
        .arg(Arg::new("file").value_name("FILE").required(true).help("The path of the file"))
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Format::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Arguments {
        match invocation(arguments) {
            Invocation::Run(arguments) => arguments,
            other => panic!("{arguments:?} runs no SQL but {other:?}"),
        }
    }

    fn invocation(arguments: &[&str]) -> Invocation {
        Invocation::from_matches(&command().try_get_matches_from(arguments).unwrap())
    }

    #[test]
    fn check_and_inspect_are_commands_only_as_the_first_word() {
        let checked = invocation(&["bygone", "check", "db"]);
        assert!(matches!(checked, Invocation::Check { database, progress: true } if database == "db"));
        let checked = invocation(&["bygone", "check", "check", "--no-progress"]);
        assert!(matches!(checked, Invocation::Check { database, progress: false } if database == "check"));
        let inspected = invocation(&["bygone", "inspect", "inspect"]);
        assert!(matches!(inspected, Invocation::Inspect { file } if file == "inspect"));
        for arguments in
            [&["bygone", "./check"][..], &["bygone", "--", "check"], &["bygone", "--readonly", "check"]]
        {
            assert!(parse(arguments).database.ends_with("check"), "{arguments:?}");
        }
        for word in ["check", "inspect", "help"] {
            let arguments = parse(&["bygone", "db", word]);
            assert_eq!(arguments.scripts, [ScriptArgument::Text(word.to_owned())]);
        }
        assert_eq!(parse(&["bygone", "help"]).database, "help");
        for arguments in [&["bygone", "check"][..], &["bygone", "check", "db", "SELECT 1"]] {
            assert_eq!(
                command().try_get_matches_from(arguments).unwrap_err().exit_code(),
                2,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn commands_and_files_keep_their_order_and_positional_sql_comes_last() {
        let text = |sql: &str| ScriptArgument::Text(sql.to_owned());
        let arguments = parse(&["bygone", "db", "last", "-c", "one", "-f", "two.sql", "-c", "three"]);
        let file = ScriptArgument::File("two.sql".to_owned());
        assert_eq!(arguments.scripts, [text("one"), file, text("three"), text("last")]);
    }

    #[test]
    fn every_format_is_known_by_its_name() {
        for format in Format::ALL {
            assert_eq!(parse(&["bygone", "db", "--format", format.name()]).format, Some(format));
        }
    }

    #[test]
    fn a_run_stops_at_an_error_unless_it_is_told_otherwise() {
        assert_eq!(parse(&["bygone", "db", "SELECT 1"]).on_error, OnError::Stop);
        assert_eq!(parse(&["bygone", "db", "--continue-on-error", "SELECT 1"]).on_error, OnError::Continue);
    }

    #[test]
    fn a_database_is_required() {
        let error = command().try_get_matches_from(["bygone"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
