//! Rows and parameters as Rust types.

use bygone_engine::Timestamp;
use bygone_query::{ErrorKind, Row, ScalarValue};

use crate::database::Db;

async fn ledger() -> Db {
    Db::with(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, price DECIMAL(10, 2), at TIMESTAMPTZ, day DATE, raw BYTEA, ok BOOLEAN, rate DOUBLE PRECISION);
         INSERT INTO t VALUES (1, 'one', 1.50, '2024-02-29 12:00Z', '2024-02-29', '\\x00ff', true, 0.25),
                              (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await
}

#[tokio::test]
async fn one_value_is_read_as_the_type_that_is_asked_for() {
    let db = ledger().await;
    let session = &db.session;
    assert_eq!(session.query_one::<i64>("SELECT count(*) FROM t", ()).await.unwrap(), 2);
    assert_eq!(session.query_one::<u8>("SELECT sum(id) FROM t", ()).await.unwrap(), 3);
    assert_eq!(
        session.query_one::<String>("SELECT name FROM t WHERE id = $1", (1_i64,)).await.unwrap(),
        "one"
    );
    assert_eq!(
        session.query_one::<Option<String>>("SELECT name FROM t WHERE id = $1", [2]).await.unwrap(),
        None
    );
    let price: f64 = session.query_one("SELECT price FROM t WHERE id = 1", ()).await.unwrap();
    assert!((price - 1.5).abs() < f64::EPSILON, "{price}");
    assert_eq!(session.query_one::<String>("SELECT price FROM t WHERE id = 1", ()).await.unwrap(), "1.50");
    assert_eq!(session.query_one::<Vec<u8>>("SELECT raw FROM t WHERE ok", ()).await.unwrap(), [0, 255]);
    let at: Timestamp = session.query_one("SELECT at FROM t WHERE id = 1", ()).await.unwrap();
    let noon: chrono::DateTime<chrono::Utc> =
        session.query_one("SELECT at FROM t WHERE id = 1", ()).await.unwrap();
    assert_eq!(i128::from(at.as_micros()), i128::from(noon.timestamp_micros()));
    let day: chrono::NaiveDate = session.query_one("SELECT day FROM t WHERE id = 1", ()).await.unwrap();
    assert_eq!(day.to_string(), "2024-02-29");
    let again: i64 =
        session.query_one("SELECT id FROM t WHERE day = $1 AND at = $2", (day, noon)).await.unwrap();
    assert_eq!(again, 1);
}

#[tokio::test]
async fn a_tuple_takes_a_row_and_rows_give_values_by_name_and_position() {
    let db = ledger().await;
    let row: (i64, Option<String>, Option<f64>) =
        db.session.query_one("SELECT id, name, rate FROM t WHERE id = 1", ()).await.unwrap();
    assert_eq!(row, (1, Some("one".to_owned()), Some(0.25)));
    let rows = db.session.query_rows("SELECT id, name AS label FROM t ORDER BY id", ()).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.get("id").unwrap()).collect();
    assert_eq!(ids, [1, 2]);
    assert_eq!(rows[0].columns(), ["id", "label"]);
    assert_eq!(rows[0].get::<String>(1).unwrap(), "one");
    let found: Row = db.session.query_one("SELECT 7 AS seven", ()).await.unwrap();
    assert_eq!(found.get::<ScalarValue>("seven").unwrap(), ScalarValue::Int64(Some(7)));
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_and_never_cut() {
    let db = ledger().await;
    let session = &db.session;
    let state = |error: bygone_query::Error| error.sqlstate();
    assert_eq!(state(session.query_one::<i8>("SELECT 128", ()).await.unwrap_err()), "22003");
    assert_eq!(state(session.query_one::<u64>("SELECT -1", ()).await.unwrap_err()), "22003");
    assert_eq!(state(session.query_one::<i64>("SELECT 1.5", ()).await.unwrap_err()), "42804");
    assert_eq!(state(session.query_one::<i64>("SELECT 'one'", ()).await.unwrap_err()), "42804");
    assert_eq!(state(session.query_one::<bool>("SELECT 1", ()).await.unwrap_err()), "42804");
    let null = session.query_one::<String>("SELECT name FROM t WHERE id = 2", ()).await.unwrap_err();
    assert_eq!((null.sqlstate(), null.hint()), ("22002", Some("read it as Option<String>")));
    let width = session.query_one::<(i64, i64)>("SELECT 1", ()).await.unwrap_err();
    assert_eq!(width.sqlstate(), "42804");
    let rows = session.query_rows("SELECT id FROM t", ()).await.unwrap();
    let missing = rows[0].get::<i64>("idd").unwrap_err();
    assert_eq!((missing.sqlstate(), missing.hint()), ("42703", Some("did you mean id?")));
    assert_eq!(rows[0].get::<i64>(1).unwrap_err().sqlstate(), "42703");
}

#[tokio::test]
async fn no_row_and_several_rows_are_told_apart() {
    let db = ledger().await;
    let none = db.session.query_one::<i64>("SELECT id FROM t WHERE id = 9", ()).await.unwrap_err();
    assert_eq!((none.kind(), none.sqlstate()), (ErrorKind::NotFound, "02000"));
    let none = db.session.query_optional::<i64>("SELECT id FROM t WHERE id = 9", ()).await.unwrap();
    assert_eq!(none, None);
    let several = db.session.query_one::<i64>("SELECT id FROM t", ()).await.unwrap_err();
    assert_eq!(several.sqlstate(), "21000");
}

#[tokio::test]
async fn parameters_are_values_of_their_types_and_none_is_null() {
    let db = ledger().await;
    let insert = "INSERT INTO t (id, name, price, ok, rate, raw) VALUES ($1, $2, $3, $4, $5, $6)";
    let values =
        (3_i64, "it's", ScalarValue::Decimal128(Some(250), 10, 2), None::<bool>, 0.5_f64, vec![7_u8]);
    assert_eq!(db.session.execute_with(insert, values).await.unwrap().affected, Some(1));
    let row: (String, String, Option<bool>, f64, Vec<u8>) =
        db.session.query_one("SELECT name, price, ok, rate, raw FROM t WHERE id = 3", ()).await.unwrap();
    assert_eq!(row, ("it's".to_owned(), "2.50".to_owned(), None, 0.5, vec![7]));
}
