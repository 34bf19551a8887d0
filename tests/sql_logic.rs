//! Runs the scripts of `tests/slt`: statements with the rows or the SQLSTATE they must give, each file in a
//! database of its own. `connection <name>` opens another session of the same database.

use std::fmt;
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use bygone::{Database, Session};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

/// A session under test.
struct Tested(Session);

/// An error with its code, which scripts match on.
#[derive(Debug)]
struct Refused(bygone::Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.0.sqlstate(), self.0)?;
        match self.0.hint() {
            Some(hint) => write!(f, " hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

#[async_trait]
impl AsyncDB for Tested {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        use futures::TryStreamExt as _;
        let outcome = self.0.execute(sql).await.map_err(Refused)?;
        let Some(rows) = outcome.rows else {
            return Ok(DBOutput::StatementComplete(outcome.affected.unwrap_or_default()));
        };
        let types = rows.schema().fields().iter().map(|_| DefaultColumnType::Any).collect();
        let batches: Vec<_> = rows.try_collect().await.map_err(Refused)?;
        Ok(DBOutput::Rows { types, rows: batches.iter().flat_map(text_rows).collect() })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "bygone"
    }

    fn error_sql_state(error: &Refused) -> Option<String> {
        Some(error.0.sqlstate().to_owned())
    }
}

fn text_rows(batch: &arrow::array::RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("NULL");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|array| ArrayFormatter::try_new(array.as_ref(), &options).expect("every type can be shown"))
        .collect();
    let text = |value: String| if value.is_empty() { "(empty)".to_owned() } else { value };
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|c| text(c.value(row).to_string())).collect())
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the scripts are files of the repository")]
fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let entries = std::fs::read_dir(folder).expect("the folder of scripts is there");
    let mut scripts: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "slt"));
    scripts.sort();
    scripts
}

async fn run(script: &Path) -> Result<(), String> {
    let database = Database::memory().await.map_err(|error| error.to_string())?;
    let mut runner = Runner::new(|| {
        let session = database.session();
        async move { Ok(Tested(session)) }
    });
    runner.set_var("DATA".to_owned(), format!("{}/examples/data", env!("CARGO_MANIFEST_DIR")));
    let result = runner.run_file_async(script).await.map_err(|error| error.display(false).to_string());
    runner.shutdown_async().await;
    result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_script_gives_what_it_says() {
    let scripts = scripts();
    assert!(!scripts.is_empty());
    let mut failures = Vec::new();
    for script in &scripts {
        if let Err(failure) = run(script).await {
            failures.push(failure);
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} scripts fail:\n\n{}",
        failures.len(),
        scripts.len(),
        failures.join("\n\n")
    );
}
