//! Few handles of files: as many tables as anybody wants.

use std::process::Command;

use crate::workplace::Workplace;

/// The command where a process may have `handles` files open, and no more.
fn limited(work: &Workplace, handles: u32, arguments: &[&str]) -> Command {
    let command = work.command(arguments);
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("ulimit -n {handles}; exec \"$0\" \"$@\""));
    limited.arg(command.get_program()).args(command.get_args()).current_dir(work.path(""));
    limited.stdin(std::process::Stdio::null());
    limited
}

fn ok(mut command: Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn more_tables_than_handles_are_written_read_changed_and_checked() {
    let (work, tables) = (Workplace::new(), 150);
    let make = |number| {
        format!("CREATE TABLE t{number} (id BIGINT PRIMARY KEY);\nINSERT INTO t{number} VALUES ({number});\n")
    };
    work.write("many.sql", &(0..tables).map(make).collect::<String>());
    assert_eq!(ok(limited(&work, 80, &["many", "-f", "many.sql"])), "");
    let files = || walk(&work.path("many/data"));
    let written = files();
    for number in [0, 77, tables - 1] {
        let sql = format!("SELECT id FROM t{number}");
        assert_eq!(ok(limited(&work, 80, &["many", &sql])), format!("id\n{number}\n"));
        assert_eq!(ok(limited(&work, 80, &["many", "--readonly", &sql])), format!("id\n{number}\n"));
    }
    assert!(files() <= written + 2, "{written} files became {}", files());
    let all =
        (0..tables).map(|number| format!("SELECT id FROM t{number}")).collect::<Vec<_>>().join(" UNION ALL ");
    let sum = format!("SELECT count(*) AS n, sum(id) AS s FROM ({all}) AS u");
    let expected = format!("n,s\n{tables},{}\n", tables * (tables - 1) / 2);
    assert_eq!(ok(limited(&work, 80, &["many", "--format", "csv", &sum])), expected);
    ok(limited(&work, 80, &["check", "many"]));
    ok(limited(&work, 80, &["many", "CALL compact()", "CALL collect()"]));
    assert_eq!(ok(limited(&work, 80, &["many", "--format", "csv", &sum])), expected);
}

#[expect(clippy::disallowed_methods, reason = "a test looks at its files")]
fn walk(directory: &std::path::Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}
