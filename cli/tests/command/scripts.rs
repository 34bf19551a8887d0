//! Where statements come from and where their rows go.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::workplace::Workplace;

#[test]
fn commands_files_and_arguments_run_in_order_and_rows_are_csv_in_a_pipe() {
    let work = Workplace::new();
    work.write("two.sql", "SELECT 2 AS n;\nSELECT 'a,b' AS s, NULL AS nothing, '' AS empty;");
    let rows = work.ok(&[":memory:", "SELECT 3 AS n", "-c", "SELECT 1 AS n", "-f", "two.sql"]);
    assert_eq!(rows, "n\n1\nn\n2\ns,nothing,empty\n\"a,b\",,\"\"\nn\n3\n");
}

#[test]
fn standard_input_is_run_when_nothing_else_is_given() {
    let work = Workplace::new();
    for arguments in [&[":memory:"][..], &[":memory:", "-f", "-"]] {
        let mut child = work.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (4);\nTABLE t")
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "v\n4\n");
    }
}

#[test]
fn a_database_is_the_same_by_path_and_by_url() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let url = format!("file://{}", work.path("db").display());
    assert_eq!(work.ok(&[&url, "SELECT * FROM t"]), "v\n1\n");
}

#[test]
fn a_run_leaves_no_files_that_nothing_needs() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)", "CALL flush()"]);
    work.ok(&["db", "UPDATE t SET v = 2", "CALL flush()", "CALL compact()"]);
    let checked = work.ok(&["check", "db"]);
    assert!(checked.contains("ok") && !checked.contains("unreferenced"), "{checked}");
}

#[test]
fn shell_commands_work_as_arguments() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE pairs (a INTEGER PRIMARY KEY, b TEXT)", "CREATE SNAPSHOT s"]);
    assert!(work.ok(&["db", ".tables"]).contains("pairs"));
    assert!(work.ok(&["db", "\\d pairs"]).contains("\nb,"));
    assert!(work.ok(&["db", ".snapshots"]).contains("\ns,"));
}

#[test]
fn a_run_as_of_a_moment_reads_it_and_cannot_write() {
    let work = Workplace::new();
    work.ok(&[
        "db",
        "CREATE TABLE t (v INTEGER)",
        "INSERT INTO t VALUES (1)",
        "CREATE SNAPSHOT s",
        "DELETE FROM t",
    ]);
    assert_eq!(work.ok(&["db", "--as-of", "snapshot:s", "SELECT * FROM t"]), "v\n1\n");
    assert!(work.fails(1, &["db", "--as-of", "snapshot:s", "DELETE FROM t"]).contains("[25006]"));
    assert!(work.fails(1, &["db", "--readonly", "DELETE FROM t"]).contains("[25006]"));
    assert_eq!(work.ok(&["db", "--readonly", "SELECT count(*) AS n FROM t"]), "n\n0\n");
    // No statement leaves the moment of the run.
    assert_eq!(work.ok(&["db", "--as-of", "snapshot:s", "RESET as_of", "SELECT * FROM t"]), "v\n1\n");
}

#[test]
fn the_timer_speaks_on_standard_error() {
    let work = Workplace::new();
    let output = work.run(&[":memory:", "--timer", "SELECT 1 AS n"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "n\n1\n");
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("time: "));
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let work = Workplace::new();
    let mut child = work
        .command(&[":memory:", "SELECT value FROM generate_series(1, 10000000) AS s(value)"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!((line.as_str(), output.status.code()), ("value\n", Some(0)));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn an_interrupt_ends_a_run_with_130_and_leaves_the_database_usable() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)"]);
    let endless = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b";
    let mut child = work
        .command(&["db", "SELECT 1 AS n", "INSERT INTO t VALUES (1)", "SELECT 2 AS n", endless])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().take(4).map(Result::unwrap).collect();
    assert_eq!(lines, ["n", "1", "n", "2"]);
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(work.ok(&["db", "SELECT * FROM t"]), "v\n1\n");
}

#[test]
fn the_memory_of_queries_is_set_on_the_command_line() {
    let work = Workplace::new();
    assert_eq!(work.ok(&[":memory:", "SHOW query_memory"]), "query_memory\n1 GiB\n");
    assert_eq!(
        work.ok(&[":memory:", "--query-memory", "64MiB", "SHOW query_memory"]),
        "query_memory\n64 MiB\n"
    );
    for size in ["much", "1kB", "-1"] {
        let output = work.run(&[":memory:", &format!("--query-memory={size}"), "SELECT 1"]);
        assert_eq!(output.status.code(), Some(2), "{size}");
    }
    let output = work.run(&[":memory:", "--query-memory", "64MiB", "SET query_memory = '65 MiB'"]);
    assert_eq!(output.status.code(), Some(1));
}
