//! This database with several ways to plan a query, and what happens to it between queries.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bygone_engine::{
    Engine, EngineOptions, Root,
    testing::{ManualClock, env},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_query::{Error, ScalarValue, Session, Sql, SqlOptions, StateAdapter};
use bygone_snapshots::Snapshots;
use datafusion::execution::SessionStateBuilder;
use futures::{FutureExt, TryStreamExt};

use crate::{
    answer::{Answer, rows_of},
    print::{self, Dialect},
    tree::{Case, Query, Value},
};

/// A second of the clock.
const SECOND: u64 = 1_000_000;

/// The ways to plan a query besides the usual one.
pub(crate) const PLANS: &[(&str, StateAdapter)] = &[
    ("without dynamic filters", without_dynamic_filters),
    ("with the rules that planning needs only", with_needed_rules),
    ("with the sort-merge join", with_sort_merge_join),
    ("in batches of two rows", in_small_batches),
];

/// The plan with another join.
pub(crate) const SORT_MERGE: usize = 2;

/// The plan with as few rules as can be.
pub(crate) const PLAIN: usize = 1;

pub(crate) struct Database {
    clock: Arc<ManualClock>,
    session: Session,
    /// Sessions that plan differently, in the order of [`PLANS`].
    others: Vec<Session>,
}

impl Database {
    /// The tables and views of a case, in memory.
    pub(crate) async fn open(case: &Case) -> Result<Self, String> {
        let clock = ManualClock::at(1_700_000_000 * SECOND);
        let engine = Engine::open(Root::memory(), env(&clock, 1), EngineOptions::tiny()).await;
        let store = Store::open(engine.map_err(|error| error.to_string())?, StoreOptions::default());
        let snapshots = Snapshots::open(store).await.map_err(|error| error.to_string())?;
        let others = PLANS.iter().map(|(_, adapter)| {
            let sql = Sql::with_plans(snapshots.clone(), SqlOptions::default(), *adapter);
            sql.map(|sql| sql.session())
        });
        let others = others.collect::<Result<_, Error>>().map_err(|error| error.to_string())?;
        let sql = Sql::new(snapshots.clone(), SqlOptions::default()).map_err(|error| error.to_string())?;
        let database = Self { clock, session: sql.session(), others };
        for table in &case.tables {
            for statement in print::table(table, Dialect::Ours) {
                database.run(&statement).await?;
            }
        }
        for view in &case.views {
            database.run(&print::view(view, Dialect::Ours)).await?;
        }
        Ok(database)
    }

    /// Runs a statement, a second after the one before.
    pub(crate) async fn run(&self, statement: &str) -> Result<(), String> {
        self.clock.advance(SECOND);
        match answer(&self.session, statement, Vec::new()).await {
            Answer::Rows(_) => Ok(()),
            Answer::Error { state, message } => Err(format!("{statement}\n{state}: {message}")),
        }
    }

    pub(crate) async fn query(&self, query: &Query) -> Answer {
        self.text(&print::query(query, Dialect::Ours)).await
    }

    pub(crate) async fn text(&self, text: &str) -> Answer {
        answer(&self.session, text, Vec::new()).await
    }

    /// The answer of one of [`PLANS`].
    pub(crate) async fn planned(&self, plan: usize, query: &Query) -> Answer {
        answer(&self.others[plan], &print::query(query, Dialect::Ours), Vec::new()).await
    }

    /// The answer with parameters in the place of constants; none when there are no constants.
    pub(crate) async fn with_parameters(&self, query: &Query) -> Option<Answer> {
        let (text, values) = print::query_with_parameters(query);
        if values.is_empty() {
            return None;
        }
        let values = values.into_iter().map(scalar).collect();
        Some(answer(&self.session, &text, values).await)
    }
}

fn scalar(value: Value) -> ScalarValue {
    match value {
        Value::Int(number) => ScalarValue::Int64(Some(number)),
        Value::Text(text) => ScalarValue::Utf8(Some(text)),
        Value::Bool(truth) => ScalarValue::Boolean(Some(truth)),
        Value::Double(number) => ScalarValue::Float64(Some(number)),
        Value::Null | Value::Decimal(_) | Value::Date(_) | Value::Timestamp(_) | Value::Interval(_) => {
            ScalarValue::Null
        }
    }
}

/// Runs a statement to its last row; a panic is an answer too.
async fn answer(session: &Session, text: &str, parameters: Vec<ScalarValue>) -> Answer {
    let running = async {
        match session.execute_with(text, parameters).await?.rows {
            Some(rows) => rows.try_collect::<Vec<_>>().await,
            None => Ok(Vec::new()),
        }
    };
    match AssertUnwindSafe(running).catch_unwind().await {
        Ok(Ok(batches)) => Answer::Rows(rows_of(&batches)),
        Ok(Err(error)) => {
            Answer::Error { state: error.sqlstate().to_owned(), message: error.message().to_owned() }
        }
        Err(_) => Answer::Error { state: "panic".to_owned(), message: "it panicked".to_owned() },
    }
}

fn without_dynamic_filters(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let options = &mut builder.config().get_or_insert_default().options_mut().optimizer;
    options.enable_dynamic_filter_pushdown = false;
    options.enable_join_dynamic_filter_pushdown = false;
    options.enable_topk_dynamic_filter_pushdown = false;
    options.enable_aggregate_dynamic_filter_pushdown = false;
    builder
}

/// Without our rules for physical plans, and without those of `DataFusion` that only make a plan faster.
fn with_needed_rules(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    const NEEDED: &[&str] = &[
        "rewrite_set_comparison",
        "replace_distinct_aggregate",
        "decorrelate_predicate_subquery",
        "scalar_subquery_to_join",
        "decorrelate_lateral_join",
        "simplify_expressions",
        "extract_equijoin_predicate",
        "eliminate_duplicated_expr",
        "eliminate_group_by_constant",
        "optimize_projections",
    ];
    const PHYSICAL: &[&str] = &[
        "OutputRequirements",
        "join_selection",
        "EnsureRequirements",
        "EnsureCooperative",
        "SanityCheckPlan",
    ];
    let logical = builder.optimizer().take().unwrap_or_default().rules;
    let logical = logical.into_iter().filter(|rule| NEEDED.contains(&rule.name()));
    let physical = builder.physical_optimizers().take().unwrap_or_default().rules;
    let physical = physical.into_iter().filter(|rule| PHYSICAL.contains(&rule.name()));
    without_dynamic_filters(builder)
        .with_optimizer_rules(logical.collect())
        .with_physical_optimizer_rules(physical.collect())
}

fn with_sort_merge_join(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let config = builder.config().get_or_insert_default();
    *config = std::mem::take(config).with_target_partitions(3);
    config.options_mut().optimizer.prefer_hash_join = false;
    config.options_mut().optimizer.hash_join_single_partition_threshold_rows = 0;
    config.options_mut().optimizer.hash_join_single_partition_threshold = 0;
    builder
}

fn in_small_batches(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let config = builder.config().get_or_insert_default();
    *config = std::mem::take(config).with_target_partitions(3).with_batch_size(2);
    config.options_mut().optimizer.hash_join_single_partition_threshold_rows = 0;
    config.options_mut().optimizer.hash_join_single_partition_threshold = 0;
    builder
}
