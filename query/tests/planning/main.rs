//! The work of planning grows about as the statement does, counted without a clock: allocations and their
//! bytes.

mod allocations;
mod statements;

use allocations::allocated;
use bygone_engine::{
    Engine, EngineOptions, Root,
    testing::{ManualClock, env},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_query::{Error, Session, Sql, SqlOptions};
use bygone_snapshots::Snapshots;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use statements::{LIMITED, LINEAR, Statement};

/// Four times the terms take at most so many times the work.
const GROWTH_MAX: u64 = 5;

/// The same of what DataFusion takes more for than that, and what a limit keeps short: less than the square.
const LIMITED_GROWTH_MAX: u64 = 12;

async fn session() -> Session {
    let clock = ManualClock::at(1_700_000_000_000_000);
    let engine =
        Engine::open(Root::memory(), env(&clock, 1), EngineOptions::default()).await.expect("it opens");
    let snapshots = Snapshots::open(Store::open(engine, StoreOptions::default())).await.expect("it opens");
    let session = Sql::new(snapshots, SqlOptions::default()).expect("it opens").session();
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v INT, w TEXT, d DOUBLE PRECISION, ts TIMESTAMP)";
    session.execute(table).await.expect("it is created");
    session
}

/// Allocations and bytes of a statement over an empty table, with as many parameters as it may name.
async fn work(session: &Session, sql: &str, parameters: usize) -> Result<(u64, u64), Error> {
    let is_named = sql.contains("$1");
    let values = (0..if is_named { parameters } else { 0 }).map(|i| ScalarValue::Int64(Some(i as i64)));
    let before = allocated();
    let outcome = session.execute_with(sql, values.collect::<Vec<_>>()).await?;
    if let Some(rows) = outcome.rows {
        rows.try_collect::<Vec<_>>().await?;
    }
    let after = allocated();
    Ok((after.0 - before.0, after.1 - before.1))
}

async fn assert_growth(statements: &[Statement], growth_max: u64) {
    let session = session().await;
    for (name, terms, statement) in statements {
        let mut counted = Vec::new();
        for terms in [*terms, 4 * terms] {
            match work(&session, &statement(terms), terms).await {
                Ok(work) => counted.push(work),
                Err(error) => panic!("{name}, {terms} terms: {error}"),
            }
        }
        let [few, many] = counted[..] else { unreachable!("two lengths") };
        assert!(many.0 <= growth_max * few.0, "{name}: {} and {} allocations", few.0, many.0);
        assert!(many.1 <= growth_max * few.1, "{name}: {} and {} bytes", few.1, many.1);
    }
}

#[tokio::test]
async fn the_work_of_planning_grows_as_the_statement_does() {
    assert_growth(LINEAR, GROWTH_MAX).await;
}

#[tokio::test]
async fn what_has_a_limit_grows_by_less_than_the_square() {
    assert_growth(LIMITED, LIMITED_GROWTH_MAX).await;
}
