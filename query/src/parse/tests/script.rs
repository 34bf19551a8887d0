//! Ends of the statements of a script.

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

/// Statements that are cut from a text that arrives in pieces of so many bytes.
fn cut_in_pieces(script: &str, bytes: usize) -> Vec<String> {
    let mut cutter = StatementCutter::default();
    let mut cut = Vec::new();
    for mut piece in script.as_bytes().chunks(bytes) {
        while !piece.is_empty() {
            let (taken, is_end) = cutter.take(piece);
            piece = &piece[taken..];
            if is_end {
                cut.push(String::from_utf8(cutter.cut()).unwrap());
            }
        }
    }
    cut.push(String::from_utf8(cutter.cut()).unwrap());
    cut
}

#[test]
fn a_text_in_pieces_is_cut_where_the_whole_is() {
    let script = "SELECT ';' AS a; -- b;\nSELECT E'\\';', 'it''s;' ; /* ; /* ; */ */ SELECT $x$ ; $y$ ; $x$;\n;; \
                  SELECT \";\"\"\" - 1 / 2; SELECT $1, a$b$ ; SELECT $$;$$ ; SELECT 'ü;' --;";
    let whole: Vec<&str> = split_statements(script).unwrap().iter().map(|s| s.text).collect();
    assert_eq!(whole.len(), 7);
    for bytes in [1, 2, 3, 5, 7, 64, 1_000] {
        let pieces = cut_in_pieces(script, bytes);
        assert_eq!(pieces.concat(), script);
        let statements = pieces.iter().flat_map(|piece| split_statements(piece).unwrap());
        assert_eq!(statements.map(|s| s.text).collect::<Vec<_>>(), whole, "{bytes}");
    }
}

#[test]
fn an_end_is_seen_as_soon_as_its_semicolon_is_there() {
    for statement in
        ["SELECT 1;", "SELECT '-';", "SELECT $$x$$;", "/* x */ SELECT E'\\\\';", "-- x\nSELECT 2;", ";"]
    {
        let mut cutter = StatementCutter::default();
        let (last, first) = (statement.len() - 1, statement.as_bytes());
        assert_eq!(cutter.take(&first[..last]), (last, false), "{statement}");
        assert_eq!(cutter.take(b"; SELECT"), (1, true), "{statement}");
        assert_eq!(cutter.cut(), statement.as_bytes());
    }
}

#[test]
fn what_stands_in_front_of_an_open_quote_comes_before_the_error() {
    let mut found = statements("SELECT 1; SELECT 'x; SELECT 2;");
    assert_eq!(found.next().unwrap().unwrap().text, "SELECT 1");
    assert_eq!(found.next().unwrap().unwrap_err().position(), Some(Position { line: 1, column: 18 }));
    assert!(found.next().is_none());
}

#[test]
fn the_first_word_stands_behind_the_comments() {
    let script = "-- a\n /* b */ SELECT 1; 'x'";
    let words: Vec<usize> = split_statements(script).unwrap().iter().map(|s| s.first_word).collect();
    assert_eq!(words, [script.find("SELECT").unwrap(), script.find("'x'").unwrap()]);
}
