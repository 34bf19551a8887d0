//! The seam to DataFusion's planner: points reach it, its types and errors are ours.

use std::sync::{Arc, Mutex};

use arrow::{
    array::{Int32Array, RecordBatch, StringViewArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use datafusion::{
    execution::session_state::SessionStateBuilder,
    logical_expr::planner::{RelationPlanner, RelationPlannerContext, RelationPlanning},
    prelude::SessionContext,
    sql::parser::Statement as PlannerStatement,
};
use sqlparser::ast::{self, TableFactor};

use crate::{
    error::{Error, Result},
    parse::{PointId, ReadStatement, Statement, parse},
    types::{Types, UTC},
};

/// Notes the points that the planner is shown.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<PointId>>);

impl RelationPlanner for Recorder {
    fn plan_relation(
        &self,
        relation: TableFactor,
        _context: &mut dyn RelationPlannerContext,
    ) -> datafusion::error::Result<RelationPlanning> {
        if let TableFactor::Table { version: Some(version), .. } = &relation {
            self.0.lock().unwrap().push(PointId::of(version).unwrap());
        }
        Ok(RelationPlanning::Original(Box::new(relation)))
    }
}

fn context() -> (SessionContext, Arc<Recorder>) {
    let mut state =
        SessionStateBuilder::new().with_default_features().with_type_planner(Arc::new(Types)).build();
    let recorder = Arc::new(Recorder::default());
    state.register_relation_planner(Arc::<Recorder>::clone(&recorder)).unwrap();
    let context = SessionContext::new_with_state(state);
    for name in ["flights", "planes"] {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, true),
            Field::new("dep_delay", DataType::Int32, true),
            Field::new("name", DataType::Utf8View, true),
        ]));
        let ints = Arc::new(Int32Array::from(vec![1, 2]));
        let names = Arc::new(StringViewArray::from(vec!["a", "b"]));
        let batch = RecordBatch::try_new(schema, vec![ints.clone(), ints, names]).unwrap();
        context.register_batch(name, batch).unwrap();
    }
    (context, recorder)
}

async fn run(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let Statement::Read(ReadStatement::Query(query)) = parse(sql)?.statement else { panic!("{sql}") };
    let statement = PlannerStatement::Statement(Box::new(ast::Statement::Query(query)));
    let plan = context.state().statement_to_plan(statement).await?;
    Ok(context.execute_logical_plan(plan).await?.collect().await?)
}

#[tokio::test]
async fn the_planner_is_shown_every_point_wherever_it_stands() {
    for (sql, points) in [
        ("SELECT count(*) FROM flights AS OF SNAPSHOT jan", vec![0]),
        ("SELECT (SELECT max(id) FROM flights) - (SELECT max(id) FROM flights AS OF VERSION 7)", vec![0]),
        (
            "WITH o AS (SELECT * FROM flights AS OF SNAPSHOT jan) SELECT * FROM o JOIN planes USING (id)",
            vec![0],
        ),
        (
            "SELECT * FROM flights AS OF SNAPSHOT a x JOIN planes AT (VERSION => 3) y ON x.id = y.id",
            vec![0, 1],
        ),
        ("SELECT * FROM flights WHERE id IN (SELECT id FROM planes TIMESTAMP AS OF '2024-01-01')", vec![0]),
        (
            "SELECT * FROM flights f WHERE EXISTS (SELECT 1 FROM planes AS OF VERSION 1 p WHERE p.id = f.id)",
            vec![0],
        ),
        ("SELECT * FROM (SELECT * FROM flights FOR SYSTEM_TIME AS OF '2024-01-01') x", vec![0]),
        (
            "SELECT id FROM flights AS OF VERSION 1 UNION ALL SELECT id FROM flights AS OF VERSION 2",
            vec![0, 1],
        ),
        (
            "SELECT * FROM flights, LATERAL (SELECT * FROM planes AS OF VERSION 1 WHERE planes.id = flights.id) p",
            vec![0],
        ),
    ] {
        let (context, recorder) = context();
        run(&context, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut seen = recorder.0.lock().unwrap().clone();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, points.into_iter().map(PointId).collect::<Vec<_>>(), "{sql}");
    }
}

#[tokio::test]
async fn types_of_casts_are_those_of_tables() {
    let (context, _) = context();
    for (expr, expected) in [
        ("TIMESTAMP '2024-01-31 12:00:00'", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("'2024-01-31'::timestamptz", DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))),
        ("CAST('x' AS CHARACTER VARYING)", DataType::Utf8View),
        ("CAST(1 AS DOUBLE PRECISION)", DataType::Float64),
        ("CAST(1 AS FLOAT)", DataType::Float64),
        ("CAST(1 AS DECIMAL(12, 2))", DataType::Decimal128(12, 2)),
        ("CAST('x' AS BYTEA)", DataType::Binary),
        ("CAST(1 AS TINYINT)", DataType::Int8),
    ] {
        let batches = run(&context, &format!("SELECT {expr} AS x")).await.unwrap();
        assert_eq!(batches[0].schema().field(0).data_type(), &expected, "{expr}");
    }
}

async fn fail(context: &SessionContext, sql: &str) -> Error {
    match run(context, sql).await {
        Ok(_) => panic!("{sql} did not fail"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn errors_of_planning_and_running_have_their_codes() {
    let (context, _) = context();
    for (sql, code) in [
        ("SELECT dep_dealy FROM flights", "42703"),
        ("SELECT f.dep_dealy FROM flights f", "42703"),
        ("SELECT * FROM flihgts", "42P01"),
        ("SELECT frobnicate(1)", "42883"),
        ("SELECT id FROM flights, planes", "42702"),
        ("SELECT name FROM flights GROUP BY id", "42803"),
        ("SELECT id / 0 FROM flights", "22012"),
        ("SELECT CAST(name AS INT) FROM flights", "22P02"),
        ("SELECT CAST(3000000000 AS INT)", "22003"),
        ("SELECT (SELECT id FROM flights)", "21000"),
        ("SELECT CAST('x' AS UUID)", "0A000"),
        ("SELECT CAST('x' AS VARCHAR(3))", "0A000"),
    ] {
        let error = fail(&context, sql).await;
        assert_eq!(error.sqlstate(), code, "{sql}: {error}");
        assert!(!error.message().contains("datafusion"), "{sql}: {error}");
        assert!(!error.message().contains("Error during planning"), "{sql}: {error}");
    }
    assert_eq!(fail(&context, "SELECT dep_dealy FROM flights").await.hint(), Some("did you mean dep_delay?"));
}
