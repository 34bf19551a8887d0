//! Where statements of a script end.

use super::*;

#[test]
fn scripts_are_cut_at_semicolons_outside_quotes_and_comments() {
    let script =
        "SELECT ';' AS a; -- b;\nSELECT E'\\';' ; /* ; /* ; */ */ SELECT $x$ ; $y$ ; $x$;\n;; SELECT \";\";";
    let cut: Vec<&str> = split_statements(script).unwrap().iter().map(|s| s.text).collect();
    assert_eq!(
        cut,
        [
            "SELECT ';' AS a",
            "-- b;\nSELECT E'\\';'",
            "/* ; /* ; */ */ SELECT $x$ ; $y$ ; $x$",
            "SELECT \";\"",
        ]
    );
    for statement in split_statements(script).unwrap() {
        assert!(script[statement.offset..].starts_with(statement.text));
        ok(statement.text);
    }
    assert_eq!(split_statements("-- nothing\n ; /* here */").unwrap(), []);
    let open = split_statements("SELECT 1;\n SELECT 'x").unwrap_err();
    assert_eq!((open.sqlstate(), open.position()), ("42601", Some(Position { line: 2, column: 9 })));
}

#[test]
fn the_shell_knows_when_a_statement_goes_on() {
    for complete in
        ["", "SELECT 1;", "SELECT 1; -- done", "SELECT ';';  \n", "-- only a comment", "SELECT $$;$$;"]
    {
        assert!(is_complete(complete), "{complete}");
    }
    for open in [
        "SELECT 1",
        "SELECT 1; SELECT",
        "SELECT ';",
        "SELECT \";",
        "/* ;",
        "SELECT $a$ ; $b$;",
        "SELECT E'\\';",
    ] {
        assert!(!is_complete(open), "{open}");
    }
}
