//! `COPY` and what a name can stand for: files, links, pipes, the streams of the process.

use std::io::Write;
use std::process::Stdio;

use crate::workplace::Workplace;

const TABLE: &str = "CREATE TABLE t AS SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS v(id, name)";

fn with_table() -> Workplace {
    let work = Workplace::new();
    work.ok(&["db", TABLE]);
    work
}

/// Runs a command line with the program as `$BYGONE`; returns its output.
fn sh(work: &Workplace, line: &str) -> String {
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("set -e; {line}")])
        .env("BYGONE", env!("CARGO_BIN_EXE_bygone"))
        .current_dir(work.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_link_and_the_mode_of_a_file_stay_as_they_are() {
    let work = with_table();
    let written = sh(
        &work,
        "echo OLD > real.csv; chmod 640 real.csv; ln -s real.csv link.csv
         $BYGONE db \"COPY t TO 'link.csv' WITH (FORMAT csv)\"
         test -h link.csv; cat real.csv; stat -c %a real.csv",
    );
    assert_eq!(written, "1,one\n2,two\n640\n");
}

#[test]
fn pipes_work_both_ways_and_stay_pipes() {
    let work = with_table();
    for format in ["csv", "parquet"] {
        let read = sh(
            &work,
            &format!(
                "rm -f p; mkfifo p
                 $BYGONE db \"COPY t TO 'p' WITH (FORMAT {format})\" &
                 $BYGONE :memory: 'CREATE TABLE u (id BIGINT, name TEXT)' \
                   \"COPY u FROM 'p' WITH (FORMAT {format})\" 'SELECT * FROM u ORDER BY id'
                 wait $!; test -p p"
            ),
        );
        assert_eq!(read, "id,name\n1,one\n2,two\n", "{format}");
    }
}

#[test]
fn the_streams_of_the_process_work_both_ways() {
    let work = with_table();
    for (out, input) in [("-", "-"), ("/dev/stdout", "/dev/stdin"), ("/dev/fd/1", "/dev/fd/0")] {
        for format in ["csv", "parquet"] {
            let read = sh(
                &work,
                &format!(
                    "$BYGONE db \"COPY t TO '{out}' WITH (FORMAT {format})\" | \
                     $BYGONE :memory: 'CREATE TABLE u (id BIGINT, name TEXT)' \
                       \"COPY u FROM '{input}' WITH (FORMAT {format})\" 'SELECT * FROM u ORDER BY id'"
                ),
            );
            assert_eq!(read, "id,name\n1,one\n2,two\n", "{out} {format}");
        }
    }
}

#[test]
fn what_goes_to_standard_output_stands_between_the_answers() {
    let work = with_table();
    let written = sh(
        &work,
        "$BYGONE db 'SELECT 0 AS n' \"COPY t TO '/dev/stdout' WITH (FORMAT csv)\" 'SELECT 3 AS n' > out.csv
         $BYGONE db \"COPY t TO '/dev/stdout' WITH (FORMAT csv)\" >> out.csv; cat out.csv",
    );
    assert_eq!(written, "n\n0\n1,one\n2,two\nn\n3\n1,one\n2,two\n");
}

#[test]
fn a_pipe_of_another_program_is_loaded() {
    let work = Workplace::new();
    let mut child = work
        .command(&[
            "db",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
            "COPY t FROM '/dev/stdin' WITH (FORMAT csv, HEADER)",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "v,id").unwrap();
    for id in 0..20_000 {
        writeln!(input, "v{id},{id}").unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    assert_eq!(work.ok(&["db", "SELECT count(*) AS n, max(v) AS v FROM t"]), "n,v\n20000,v9999\n");
}

#[test]
fn a_value_that_a_column_cannot_hold_names_file_and_row_or_line() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE c (id INT, v INT, w BIGINT)"]);
    work.ok(&[
        "db",
        "COPY (SELECT 1 AS id, 2.0::DOUBLE PRECISION AS v, 3 AS w) TO 'good.parquet'",
        "COPY c FROM 'good.parquet'",
    ]);
    assert_eq!(work.ok(&["db", "SELECT * FROM c"]), "id,v,w\n1,2,3\n");
    for (values, message) in [
        (
            "1 AS id, 1.99::DOUBLE PRECISION AS v, 1 AS w",
            "row 1, column v: \"1.99\" is not a valid INTEGER [22P02]",
        ),
        (
            "1 AS id, 1 AS v, TIMESTAMP '2024-01-01' AS w",
            "row 1, column w: \"2024-01-01T00:00:00\" is not a valid BIGINT [22P02]",
        ),
        ("1 AS id, true AS v, 1 AS w", "row 1, column v: \"true\" is not a valid INTEGER [22P02]"),
        (
            "1 AS id, 3000000000 AS v, 1 AS w",
            "row 1, column v: 3000000000 is out of range for INTEGER [22003]",
        ),
    ] {
        work.ok(&["db", &format!("COPY (SELECT {values}) TO 'bad.parquet'")]);
        let errors = work.fails(1, &["db", "COPY c FROM 'bad.parquet'"]);
        assert!(errors.contains(&format!("bad.parquet, {message}")), "{values}: {errors}");
    }
    work.write("bad.csv", "id,v,w\n1,2,3\n1,x,3\n");
    let errors = work.fails(1, &["db", "COPY c FROM 'bad.csv' WITH (FORMAT csv, HEADER)"]);
    assert!(errors.contains("bad.csv, line 3, column v: \"x\" is not a valid INTEGER [22P02]"), "{errors}");
    assert_eq!(work.ok(&["db", "SELECT count(*) AS n FROM c"]), "n\n1\n");
}

#[test]
fn a_key_that_is_there_already_is_named_with_the_file() {
    let work = Workplace::new();
    let table = "CREATE TABLE k (id INTEGER PRIMARY KEY, v TEXT)";
    work.write("twice.csv", "id,v\n1,\"a\nb\"\n2,c\n1,d\n");
    work.write("list.csv", "7,a\n8,b\n7,c\n");
    work.ok(&[":memory:", "COPY (SELECT * FROM (VALUES (1, 'a'), (1, 'b')) AS v(id, v)) TO 'twice.parquet'"]);
    for (copy, place) in [
        (
            "COPY k FROM 'twice.csv' WITH (FORMAT csv, HEADER)",
            "twice.csv: duplicate key in table k: (id)=(1)",
        ),
        ("COPY k FROM 'list.csv' WITH (FORMAT csv)", "list.csv: duplicate key in table k: (id)=(7)"),
        ("COPY k FROM 'twice.parquet'", "twice.parquet: duplicate key in table k: (id)=(1)"),
    ] {
        let errors = work.fails(1, &[":memory:", table, copy]);
        assert!(errors.contains(place) && errors.contains("[23505]"), "{errors}");
    }
}

#[test]
fn values_go_into_the_columns_that_the_file_names() {
    let work = Workplace::new();
    work.write("x.csv", "last,first\nDoe,John\n");
    let setup = [
        "CREATE TABLE c (first TEXT, last TEXT)",
        "COPY (SELECT 'Doe' AS last, 'John' AS first) TO 'x.parquet'",
    ];
    let loaded = |copy: &str| work.ok(&[":memory:", setup[0], setup[1], copy, "SELECT * FROM c"]);
    let john = "first,last\nJohn,Doe\n";
    assert_eq!(loaded("COPY c FROM 'x.csv' WITH (FORMAT csv, HEADER)"), john);
    assert_eq!(loaded("COPY c (first, last) FROM 'x.csv' WITH (FORMAT csv, HEADER)"), john);
    assert_eq!(loaded("COPY c (last, first) FROM 'x.csv' WITH (FORMAT csv, HEADER match)"), john);
    assert_eq!(loaded("COPY c (first, last) FROM 'x.parquet'"), john);
    assert_eq!(loaded("COPY c FROM 'x.parquet'"), john);
    for copy in [
        "COPY c (first, last) FROM 'x.csv' WITH (FORMAT csv, HEADER match)",
        "COPY c (first) FROM 'x.csv' WITH (FORMAT csv, HEADER)",
        "COPY c (first) FROM 'x.parquet'",
    ] {
        assert!(work.fails(1, &[":memory:", setup[0], setup[1], copy]).contains("[22P04]"), "{copy}");
    }
}
