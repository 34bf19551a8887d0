//! Standard input that is no terminal: each statement is answered before the next is read.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::workplace::Workplace;

/// A program at the other end of the pipes.
struct Conversation {
    child: Child,
    input: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Conversation {
    fn begin(work: &Workplace, arguments: &[&str]) -> Self {
        let mut child = work
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, answers: BufReader::new(output) }
    }

    fn say(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// The next lines of the answers; waits for them.
    fn hear(&mut self, lines: usize) -> Vec<String> {
        (&mut self.answers).lines().take(lines).map(Result::unwrap).collect()
    }

    /// Ends the input; returns the status, the other answers and the errors.
    fn end(self) -> (Option<i32>, String, String) {
        let Self { child, input, mut answers } = self;
        drop(input);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut answers, &mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), rest, String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn each_statement_is_answered_before_the_next_is_written() {
    let work = Workplace::new();
    for arguments in [&[":memory:"][..], &[":memory:", "-f", "-"], &[":memory:", "-f", "/dev/stdin"]] {
        let mut program = Conversation::begin(&work, arguments);
        for number in ["1", "2", "3"] {
            program.say(&format!("SELECT {number} AS n;\n"));
            assert_eq!(program.hear(2), ["n", number]);
        }
        // Without a line end, several in a line, and one that is split over lines and writes.
        program.say("SELECT 4 AS n;");
        assert_eq!(program.hear(2), ["n", "4"]);
        program.say("SELECT 5 AS n; SELECT 6 AS n;");
        assert_eq!(program.hear(4), ["n", "5", "n", "6"]);
        program.say("SELECT\n");
        program.say("7 AS");
        program.say(" n\n;\n");
        assert_eq!(program.hear(2), ["n", "7"]);
        // The last one needs no semicolon.
        program.say("SELECT 8 AS n");
        assert_eq!(program.end(), (Some(0), "n\n8\n".to_owned(), String::new()));
    }
}

#[test]
fn semicolons_in_quotes_and_comments_end_nothing() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &[":memory:", "--format", "jsonl"]);
    for (statement, answer) in [
        ("SELECT ';' AS v;", r#"{"v":";"}"#),
        ("SELECT 'it''s;' AS v;", r#"{"v":"it's;"}"#),
        ("SELECT 1 AS \"a;b\";", r#"{"a;b":1}"#),
        ("-- not; here\nSELECT 2 AS v;", r#"{"v":2}"#),
        ("/* nor; /* here; */ ; */ SELECT 3 AS v;", r#"{"v":3}"#),
        ("SELECT $x$ ; $y$ ; $x$ AS v;", r#"{"v":" ; $y$ ; "}"#),
        ("SELECT E'\\';' AS v;", r#"{"v":"';"}"#),
        ("SELECT 'ü;\n;日' AS v;", r#"{"v":"ü;\n;日"}"#),
    ] {
        for byte in statement.as_bytes() {
            program.input.write_all(&[*byte]).unwrap();
            program.input.flush().unwrap();
        }
        assert_eq!(program.hear(1), [answer], "{statement}");
    }
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn a_statement_may_be_as_long_as_it_likes() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &[":memory:"]);
    program.say("CREATE TABLE t (id INTEGER, v TEXT);\n");
    let long = "x;".repeat(200_000);
    let rows: Vec<String> = (0..3_000).map(|id| format!("({id}, 'v;{id}')")).collect();
    program
        .say(&format!("INSERT INTO t VALUES {};\nINSERT INTO t VALUES (-1, '{long}');\n", rows.join(",\n")));
    program.say("SELECT count(*) AS n, max(length(v)) AS longest FROM t;\n");
    assert_eq!(program.hear(2), ["n,longest", "3001,400000"]);
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn the_first_error_ends_the_run_and_names_its_place() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &[":memory:"]);
    program.say("SELECT 1 AS n;\n");
    assert_eq!(program.hear(2), ["n", "1"]);
    program.say("-- a comment\n  SELECT 2 AS n; SELECT missing;\nSELECT 3 AS n;\n");
    assert_eq!(program.hear(2), ["n", "2"]);
    let (status, rest, errors) = program.end();
    assert_eq!((status, rest.as_str()), (Some(1), ""));
    assert!(errors.contains("[42703] at <stdin>:3:25\n"), "{errors}");
}

#[test]
fn an_open_quote_is_an_error_at_its_place() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &[":memory:"]);
    program.say("SELECT 1 AS n;\nSELECT\n 'x;");
    let (status, rest, errors) = program.end();
    assert_eq!((status, rest.as_str()), (Some(1), "n\n1\n"));
    assert!(errors.contains("a string is not closed [42601] at <stdin>:3:2\n"), "{errors}");
}

#[test]
fn a_run_goes_on_behind_an_error_when_it_is_told_to() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &[":memory:", "--continue-on-error"]);
    program.say("SELECT missing;\nSELECT 1 AS n;\n");
    assert_eq!(program.hear(2), ["n", "1"]);
    program.say("SELEC 2;\nSELECT 3 AS n;\n");
    assert_eq!(program.hear(2), ["n", "3"]);
    let (status, rest, errors) = program.end();
    assert_eq!((status, rest.as_str()), (Some(1), ""));
    assert!(errors.contains(" at <stdin>:1:8\n") && errors.contains(" at <stdin>:3:1\n"), "{errors}");
}

#[test]
fn copy_reads_the_lines_that_follow_it() {
    let work = Workplace::new();
    let mut program = Conversation::begin(&work, &["db"]);
    program.say("CREATE TABLE t (id INTEGER, v TEXT);\nCOPY t FROM '-' WITH (FORMAT csv);\n1,one\n2,two\n");
    assert_eq!(program.end(), (Some(0), String::new(), String::new()));
    assert_eq!(work.ok(&["db", "SELECT * FROM t ORDER BY id"]), "id,v\n1,one\n2,two\n");
}
