//! The statements of `docs/sql.md` run, in their order, as the page says.

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
