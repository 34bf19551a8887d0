//! Mistakes and accidents: each has its own message and exit status, and the database stays usable.

use crate::workplace::Workplace;

#[test]
fn a_run_stops_at_the_first_error_and_keeps_what_came_before() {
    let work = Workplace::new();
    work.write(
        "bad.sql",
        "CREATE TABLE t (v INTEGER);\nINSERT INTO t VALUES (1);\nSELECT w FROM t;\nINSERT INTO t VALUES (2);",
    );
    let errors = work.fails(1, &["db", "-f", "bad.sql"]);
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(errors.contains("[42703] at bad.sql:3:"), "{errors}");
    assert_eq!(work.ok(&["db", "SELECT * FROM t"]), "v\n1\n");
}

#[test]
fn wrong_usage_is_2() {
    let work = Workplace::new();
    work.fails(2, &[]);
    work.fails(2, &["db", "--format", "xml"]);
    work.fails(2, &["db", "-f", "missing.sql"]);
    work.fails(2, &["db", ".nonsense"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_is_3() {
    let work = Workplace::new();
    let directory = work.path("db");
    let database = bygone::Database::open(directory.to_str().unwrap()).await.unwrap();
    let errors = work.fails(3, &["db", "SELECT 1"]);
    assert!(errors.contains("cannot open db"), "{errors}");
    assert!(errors.contains(&std::process::id().to_string()), "the holder is named: {errors}");
    let errors = work.fails(3, &["db", "--readonly", "SELECT 1"]);
    assert!(errors.contains("hint: close the other process\n"), "readers wait for the lock too: {errors}");
    database.close().await.unwrap();
    assert_eq!(work.ok(&["db", "SELECT 1 AS n"]), "n\n1\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_open_a_directory_together_and_keep_writers_out() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let directory = work.path("db");
    let reader = bygone::Database::builder(directory.to_str().unwrap()).read_only(true).open().await.unwrap();
    assert_eq!(work.ok(&["db", "--readonly", "SELECT * FROM t"]), "v\n1\n");
    assert_eq!(work.ok(&["db", "--as-of", "latest", "SELECT * FROM t"]), "v\n1\n");
    let errors = work.fails(3, &["db", "SELECT 1"]);
    assert!(errors.contains("locked by another process: it is open for reading"), "{errors}");
    reader.close().await.unwrap();
    assert_eq!(work.ok(&["db", "SELECT 1 AS n"]), "n\n1\n");
}

#[test]
fn a_place_that_cannot_be_a_database_is_3() {
    let work = Workplace::new();
    work.write("file", "not a directory");
    assert!(work.fails(3, &["file", "SELECT 1"]).contains("cannot open file"));
}

#[test]
fn a_missing_database_opened_for_reading_is_3_and_creates_nothing() {
    let work = Workplace::new();
    for arguments in
        [&["missing", "--readonly", "SELECT 1"][..], &["missing", "--as-of", "latest", "SELECT 1"]]
    {
        let errors = work.fails(3, arguments);
        assert!(errors.contains("cannot open missing: there is no database at missing [3D000]"), "{errors}");
        assert!(!work.path("missing").exists());
    }
}

#[test]
fn a_directory_with_other_files_is_3_and_stays_as_it_is() {
    let work = Workplace::new();
    work.write("documents/letter.txt", "dear reader");
    work.write("documents/tmp/7a", "somebody's own");
    for arguments in [&["documents", "SELECT 1"][..], &["documents", "--readonly", "SELECT 1"]] {
        let errors = work.fails(3, arguments);
        let message = "there is no database at documents, but other files: letter.txt, tmp [3D000]";
        assert!(errors.contains(message), "{errors}");
        assert!(
            errors.contains("hint: correct the path; a new database needs a new or an empty directory"),
            "{errors}"
        );
    }
    assert!(work.path("documents/letter.txt").exists() && work.path("documents/tmp/7a").exists());
    assert!(!work.path("documents/LOCK").exists() && !work.path("documents/manifest").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test damages a file")]
fn damaged_bytes_are_4_and_name_the_file() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let newest = std::fs::read_dir(work.path("db/manifest"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max()
        .unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(&newest, bytes).unwrap();
    let errors = work.fails(4, &["db", "SELECT * FROM t"]);
    assert!(errors.contains(newest.file_name().unwrap().to_str().unwrap()), "{errors}");
}

#[test]
fn bad_input_has_its_own_code_and_the_database_goes_on() {
    let work = Workplace::with_flights();
    work.ok(&["flights.db", "CREATE SNAPSHOT january"]);
    let refused = |sql: &str, code: &str, text: &str| {
        let errors = work.fails(1, &["flights.db", sql]);
        assert!(errors.contains(&format!("[{code}]")) && errors.contains(text), "{sql}: {errors}");
    };
    refused("SELECT * FROM flights AS OF SNAPSHOT januray", "42704", "january");
    refused("SELECT * FROM flights AS OF TIMESTAMP '2999-01-01'", "22023", "future");
    refused("SELECT * FROM flights AS OF TIMESTAMP '2001-01-01'", "72000", "hint: ");
    refused("SELECT * FROM flights AS OF TIMESTAMP 'soon'", "22023", "soon");
    refused("INSERT INTO airlines VALUES ('UA', 'again')", "23505", "UA");
    refused("SELECT * FROM flihgts", "42P01", "flights");
    refused("ALTER TABLE flights ADD COLUMN x INTEGER", "0A000", "not supported");
    refused("COPY airlines FROM 'missing.csv' WITH (FORMAT csv)", "58P01", "missing.csv");
    work.write("bad.csv", "carrier,name\nZZ,Zeppelin\nYY\n");
    refused("COPY airlines FROM 'bad.csv' WITH (FORMAT csv, HEADER)", "22P04", "bad.csv");
    assert_eq!(work.rows("SELECT count(*) FROM airlines"), "16\n");
    assert_eq!(work.rows("SELECT count(*) FROM flights"), "1785\n");
}

#[test]
fn a_name_is_never_a_path() {
    let work = Workplace::new();
    for sql in ["CREATE TABLE \"../escape\" (v INTEGER)", "CREATE SNAPSHOT \"../escape\""] {
        let output = work.run(&["db", sql]);
        assert!(output.status.code().is_some_and(|code| code <= 1), "{sql}");
        assert!(!work.path("escape").exists());
    }
}

#[test]
fn every_error_names_the_place_of_its_statement() {
    let work = Workplace::new();
    let double = "CREATE TABLE t (a INTEGER PRIMARY KEY);\n-- the first\nINSERT INTO t VALUES (1);\n  -- the second\n  INSERT INTO t\nVALUES (1);";
    work.write("x.sql", double);
    // Found while it runs: the place is where the statement starts.
    let errors = work.fails(1, &[":memory:", "-f", "x.sql"]);
    assert!(
        errors.contains("(a)=(1) exists already [23505] at x.sql:5:3\n  |   INSERT INTO t\n  |   ^\n"),
        "{errors}"
    );
    let errors = work.fails(1, &[":memory:", ".read x.sql"]);
    assert!(errors.contains("[23505] at x.sql:5:3\n"), "{errors}");
    let errors = work.fails(1, &[":memory:", double]);
    assert!(errors.contains("[23505] at 5:3\n"), "{errors}");
    let errors = work.fails(1, &[":memory:", "-c", "SELECT 1", "-f", "x.sql", "SELECT 2"]);
    assert!(errors.contains("[23505] at x.sql:5:3\n"), "{errors}");
    let errors = work.fails(1, &[":memory:", "SELECT 1", "SELECT\n missing"]);
    assert!(errors.contains("[42703] at <SQL 2>:2:2\n"), "{errors}");
    // Rows that cannot be computed, and a statement without a place for its error.
    let errors = work.fails(1, &[":memory:", "SELECT 1; SELECT 1 / v FROM (VALUES (0)) AS t(v)"]);
    assert!(errors.contains("division by zero [22012] at 1:11\n"), "{errors}");
    let errors = work.fails(1, &[":memory:", "SELECT 1;\nCOMMIT"]);
    assert!(errors.contains("[25P01] at 2:1\n"), "{errors}");
    work.write("open.sql", "SELECT 1;\nSELECT 'x;\nSELECT 2;\n");
    let errors = work.fails(1, &[":memory:", "-f", "open.sql"]);
    assert!(errors.contains("a string is not closed [42601] at open.sql:2:8\n"), "{errors}");
}

#[test]
fn a_run_that_ends_inside_a_transaction_fails_and_says_where_it_began() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
    work.write("x.sql", "SELECT 1;\nBEGIN;\nINSERT INTO t VALUES (1);\n");
    let message = "error: the run ends inside a transaction, which is rolled back at";
    for (arguments, place) in [
        (&["db", "-f", "x.sql"][..], "x.sql:2:1"),
        (&["db", "SELECT 1; BEGIN; INSERT INTO t VALUES (1)"], "1:11"),
        (&["db", "BEGIN", "INSERT INTO t VALUES (1)"], "<SQL 1>:1:1"),
        (&["db", "--continue-on-error", "BEGIN; INSERT INTO t VALUES (1)"], "1:1"),
        (&["db", "BEGIN; INSERT INTO t VALUES (1); COMMIT; BEGIN"], "1:42"),
        (&["db", ".read x.sql"], "x.sql:2:1"),
    ] {
        let errors = work.fails(1, arguments);
        assert!(errors.contains(&format!("{message} {place}\n")), "{arguments:?}: {errors}");
        work.ok(&["db", "DELETE FROM t"]);
    }
    // It may go over several texts, and what fails inside is the error to tell.
    work.ok(&["db", "BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"]);
    let errors = work.fails(1, &["db", "BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (1)"]);
    assert!(
        errors.contains("[23505]") && errors.contains("notice: the open transaction was rolled back"),
        "{errors}"
    );
    assert_eq!(work.ok(&["db", "SELECT * FROM t"]), "id\n1\n");
}

#[test]
fn a_run_goes_on_behind_errors_when_it_is_told_to() {
    let work = Workplace::new();
    work.write(
        "x.sql",
        "CREATE TABLE t (v INTEGER PRIMARY KEY);\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);\nSELEC;\n\
         INSERT INTO t VALUES (2);\nSELECT missing;\nSELECT 1 AS n; SELECT 'open",
    );
    for arguments in [
        &[":memory:", "--continue-on-error", "-f", "x.sql", "SELECT * FROM t"][..],
        &["--continue-on-error", ":memory:", ".read x.sql", "SELECT * FROM t"],
        &[":memory:", ".bail off", ".read x.sql", "SELECT * FROM t"],
    ] {
        let output = work.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        let rows = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(rows.ends_with("n\n1\nv\n1\n2\n"), "{arguments:?}: {rows}");
        for place in
            ["[23505] at x.sql:3:1", "[42601] at x.sql:4:1", "[42703] at x.sql:6:8", "[42601] at x.sql:7:23"]
        {
            assert!(errors.contains(&format!("{place}\n")), "{place}: {errors}");
        }
        assert_eq!(errors.lines().filter(|line| line.starts_with("error: ")).count(), 4, "{errors}");
    }
    let output =
        work.run(&[":memory:", "--continue-on-error", "SELECT missing", ".nonsense", "SELECT 1 AS n"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b"n\n1\n"[..]));
    assert!(work.run(&[":memory:", "--continue-on-error", "SELECT 1"]).status.success());
}

#[test]
fn a_mistyped_command_makes_no_directory() {
    let work = Workplace::new();
    for (status, arguments) in [
        (1, &["exprot", "db"][..]),
        (1, &["exprot", "SELEC 1"]),
        (1, &["exprot", "-c", "CREATE TABEL t (v INTEGER)", "SELECT 1"]),
        (1, &["exprot", "SELECT 'open"]),
        (2, &["exprot", "-f", "missing.sql"]),
        (2, &["exprot", ".nonsense"]),
        (2, &["exprot", ".read missing.sql"]),
    ] {
        work.fails(status, arguments);
        assert!(!work.path("exprot").exists(), "{arguments:?}");
    }
    work.ok(&["exprot"]);
    work.ok(&["exprot", "/* nothing */"]);
    assert!(!work.path("exprot").exists());
    work.ok(&["exprot", "SELECT 1"]);
    assert!(work.path("exprot").exists());
}

#[test]
fn messages_show_no_character_that_steers_a_terminal() {
    let work = Workplace::new();
    work.write("\u{1b}[31m.sql", "SELECT missing");
    work.write("bad\u{202e}.csv", "a\u{1b}x\n");
    for (status, arguments) in [
        (1, &[":memory:", "SELECT * FROM \"\u{1b}[31mx\u{202e}\""][..]),
        (1, &[":memory:", "SELECT 1 AS \"\u{2066}\"; SELECT \"\u{9b}\""]),
        (1, &[":memory:", "SELEC \u{2028}\u{200f}"]),
        (1, &[":memory:", "SELECT '\u{61c}\u{7f}'::INTEGER"]),
        (1, &[":memory:", "CREATE TABLE t (a INTEGER)", "COPY t FROM 'bad\u{202e}.csv' WITH (FORMAT csv)"]),
        (1, &[":memory:", "-f", "\u{1b}[31m.sql"]),
        (1, &[":memory:", "CREATE SNAPSHOT \"\u{1b}[2J\"; SELECT * FROM t AS OF SNAPSHOT \"\u{1b}[2K\""]),
        (2, &[":memory:", "-f", "\u{1b}[2J"]),
        (2, &[":memory:", ".\u{1b}[31m"]),
        (2, &[":memory:", "--format", "\u{1b}[31m"]),
        (3, &["\u{1b}[31m\u{2069}", "--readonly", "SELECT 1"]),
    ] {
        let errors = work.fails(status, arguments);
        let is_raw = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!errors.contains(is_raw), "{arguments:?}: {errors:?}");
        // Colours are taken out of arguments as they are quoted.
        assert!(errors.contains("\\u{") || arguments.contains(&"--format"), "{arguments:?}: {errors:?}");
    }
}

#[test]
fn a_statement_that_fails_at_once_writes_nothing() {
    let work = Workplace::new();
    for format in ["table", "csv", "tsv", "json", "jsonl", "markdown"] {
        let output =
            work.run(&[":memory:", "--format", format, "SELECT 1 / v AS q FROM (VALUES (0)) AS t(v)"]);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{format}");
    }
}
