//! The statements of `docs/sql.md` run, in their order, as the page says; what ARCHITECTURE.md names is
//! there.

use std::path::Path;

use bygone::Database;

/// The statements of the ```` ```sql ```` blocks.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```sql\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_of_the_sql_page_runs() {
    let directory = tempfile::tempdir().unwrap();
    let page = include_str!("../docs/sql.md");
    // Files of the page go to a directory of the test.
    let in_directory = |text: &str| {
        ["dec31.parquet", "ledger.csv"].iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("'{name}'"), &format!("'{}'", directory.path().join(name).display()))
        })
    };
    let database = Database::memory().await.unwrap();
    let session = database.session();
    let blocks = blocks(page);
    assert!(blocks.len() >= 7);
    for block in blocks {
        let block = in_directory(block);
        for statement in bygone::split_statements(&block).unwrap() {
            session.query(statement.text).await.unwrap_or_else(|error| panic!("{}\n{error}", statement.text));
        }
    }
}

/// The text of every Rust file below the crates.
#[expect(clippy::disallowed_methods, reason = "a test reads the sources")]
fn sources() -> String {
    let mut text = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = ["cli", "engine", "mvcc", "query", "snapshots", "src", "tests"];
    let mut directories: Vec<_> = crates.iter().map(|name| root.join(name)).collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a folder of sources") {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).expect("a source file"));
            }
        }
    }
    text
}

#[test]
fn the_functions_and_tests_behind_the_invariants_and_crash_points_exist() {
    let page = include_str!("../ARCHITECTURE.md");
    let (_, rest) = page.split_once("## Invariants").unwrap();
    let (lists, _) = rest.split_once("## Tests").unwrap();
    let sources = sources();
    let named = lists.split("\n- ").skip(1).flat_map(|item| item.split('`').skip(1).step_by(2));
    let mut functions = 0;
    for name in named.filter(|name| !name.contains('/')) {
        let function = name.rsplit("::").next().unwrap();
        let is_there = ["(", "<"].iter().any(|after| sources.contains(&format!("fn {function}{after}")));
        assert!(is_there, "ARCHITECTURE.md names `{name}`, and there is no such function");
        functions += 1;
    }
    assert!(functions > 30, "{functions}");
}

#[test]
fn the_page_of_the_architecture_is_short_and_narrow() {
    let page = include_str!("../ARCHITECTURE.md");
    let wide: Vec<_> = page.lines().filter(|line| line.chars().count() > 130).collect();
    assert!(wide.is_empty(), "lines of more than 130 columns: {wide:#?}");
    assert!(page.lines().count() < 300, "{} lines", page.lines().count());
}
