//! Any text as a script: it is cut into statements, and each is parsed or refused with a place in the text.
#![no_main]

use bygone_query::{check_syntax, is_complete, split_statements};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = is_complete(text);
    let Ok(statements) = split_statements(text) else { return };
    for statement in statements {
        if let Err(error) = check_syntax(statement.text) {
            assert_eq!(error.sqlstate().len(), 5, "an error has a SQLSTATE: {error}");
        }
    }
});
