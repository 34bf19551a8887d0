//! Statements that repeat one thing many times: their answers are those of short ones, and what cannot be
//! planned in bounded time is refused.

use datafusion::common::ScalarValue;

use crate::database::Db;

fn repeat(count: usize, between: &str, term: impl Fn(usize) -> String) -> String {
    (0..count).map(term).collect::<Vec<_>>().join(between)
}

async fn table() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT, w TEXT, d DOUBLE PRECISION, n NUMERIC(10, 2), b BIGINT, day DATE);
         INSERT INTO t VALUES (1, 1, 'x1', 0.5, 1.25, 2, '2024-01-31'), (2, 3, 'x3', 0.1, 0.10, 3, '2024-02-29'),
           (3, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await
}

/// The rows, or the SQLSTATE of the error.
async fn answer(db: &Db, sql: &str) -> Result<Vec<String>, &'static str> {
    match db.session.query(sql).await {
        Ok(_) => Ok(db.rows(sql).await),
        Err(error) => Err(error.sqlstate()),
    }
}

#[tokio::test]
async fn a_long_chain_of_arithmetic_answers_as_its_parts_do() {
    let db = table().await;
    let rows = "FROM t ORDER BY id";
    for (term, between, first) in [
        ("v", " + ", ""),
        ("v", " - ", ""),
        ("b", " * ", ""),
        ("n", " + ", ""),
        ("d", " + ", ""),
        ("d", " * ", ""),
        ("1.1", " + ", "d + "),
        ("d", " - ", "1.1 - "),
        ("n", " + ", "d + "),
        ("b", " + ", "n + "),
        ("d", " / ", ""),
        ("1.0", " / ", "v / "),
        ("7", " % ", "b % "),
        ("w", " || ", ""),
        ("v", " || ", "w || "),
        ("v", " | ", ""),
        ("b", " & ", ""),
        ("1", " + ", "day + "),
        ("INTERVAL '1 month'", " + ", "day + "),
        ("INTERVAL '1 month'", " - ", "day::timestamp - "),
        ("INTERVAL '36 hours'", " + ", "day + "),
        ("INTERVAL '1 day'", " + ", "INTERVAL '12 hours' + "),
        ("ARRAY[v, 1]", " || ", ""),
        ("ARRAY[v, NULL]", " || ", "ARRAY[b] || "),
    ] {
        // Ten operands, and ten times ten of them, each ten a column of a query of its own.
        let ten = repeat(10, between, |_| term.to_owned());
        let chain = format!("{first}{}", repeat(40, between, |_| term.to_owned()));
        let mut steps = format!("(SELECT t.*, {first}{ten} AS r FROM t) AS s0");
        for step in 1..4 {
            steps = format!("(SELECT s{}.*, r{between}{ten} AS r2 FROM {steps}) AS s{step}", step - 1);
            steps = format!("(SELECT id, v, w, d, n, b, day, r2 AS r FROM {steps}) AS s{step}");
        }
        let long = answer(&db, &format!("SELECT {chain} {rows}")).await;
        let short = answer(&db, &format!("SELECT r FROM {steps} ORDER BY id")).await;
        assert_eq!(long, short, "{chain}");
    }
}

#[tokio::test]
async fn a_thousand_operands_are_planned_and_computed() {
    let db = table().await;
    assert_eq!(db.one(&format!("SELECT {}", repeat(1_000, " + ", |_| "1".into()))).await, "1000");
    assert_eq!(db.one(&format!("SELECT {}", repeat(2_500, " - ", |_| "1".into()))).await, "-2498");
    let sum = repeat(1_000, " + ", |i| if i % 2 == 0 { "v".into() } else { i.to_string() });
    assert_eq!(db.rows(&format!("SELECT {sum} FROM t WHERE v > 1")).await, ["251500"]);
    let grouped = repeat(40, " + ", |_| "v".into());
    let sql =
        format!("SELECT {grouped}, count(*) FROM t GROUP BY {grouped} HAVING {grouped} > 40 ORDER BY 1");
    assert_eq!(db.rows(&sql).await, ["120|1"]);
    let sums = repeat(40, " + ", |_| "sum(v)".into());
    assert_eq!(db.one(&format!("SELECT {sums} FROM t")).await, "160");
    let windows = repeat(40, " + ", |_| "sum(v) OVER ()".into());
    assert_eq!(db.rows(&format!("SELECT {windows} FROM t LIMIT 1")).await, ["160"]);
}

#[tokio::test]
async fn hundreds_of_times_lists_and_branches_are_planned_and_computed() {
    let db = table().await;
    let days =
        repeat(1_000, "", |i| if i % 2 == 0 { " + INTERVAL '2 days'" } else { " - INTERVAL '1 day'" }.into());
    let sql = format!("SELECT TIMESTAMP '2024-01-01'{days}, DATE '2024-01-01'{days} FROM t WHERE id = 1");
    assert_eq!(db.rows(&sql).await, ["2025-05-15T00:00:00|2025-05-15T00:00:00"]);
    let hours = repeat(300, " + ", |_| "INTERVAL '90 minutes'".into());
    assert_eq!(db.one(&format!("SELECT {hours}")).await, "450:00:00");
    let difference = format!(
        "SELECT TIMESTAMP '2024-01-10'{} - TIMESTAMP '2024-01-01'",
        " - INTERVAL '1 hour'".repeat(24)
    );
    assert_eq!(db.one(&difference).await, "8 days");
    let texts = format!("SELECT TIMESTAMP '2024-01-01'{}", " + '1 day'".repeat(20));
    assert_eq!(db.one(&texts).await, "2024-01-21T00:00:00");
    assert_eq!(
        db.state(&format!("SELECT TIMESTAMP '2024-01-01'{}", " + '1 day'".repeat(100))).await,
        "54000"
    );
    let lists = repeat(300, " || ", |i| format!("ARRAY[v, {i}]"));
    assert_eq!(db.one(&format!("SELECT cardinality({lists}) FROM t WHERE id = 1")).await, "600");
    let lists = repeat(20, " || ", |i| if i % 3 == 0 { i.to_string() } else { format!("ARRAY[{i}]") });
    assert_eq!(
        db.one(&format!("SELECT ARRAY[NULL]::int[] || {lists}")).await,
        "[, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]"
    );
    assert_eq!(db.state(&format!("SELECT ARRAY[1]{}", " || 1".repeat(100))).await, "54000");
}

#[tokio::test]
async fn long_cases_answer_as_short_ones_do() {
    let db = table().await;
    for count in [32, 33, 64, 65, 300] {
        let branches = repeat(count, " ", |i| format!("WHEN v = {i} OR d > 7 THEN 'x{}'", i % 5));
        for (other, third) in [("", "∅"), (" ELSE 'x9'", "x9")] {
            let case = format!("CASE {branches}{other} END");
            assert_eq!(db.rows(&format!("SELECT {case} FROM t ORDER BY id")).await, ["x1", "x3", third]);
            for (condition, ids) in [
                (format!("{case} = 'x1'"), vec!["1"]),
                (format!("{case} <> 'x1'"), if other.is_empty() { vec!["2"] } else { vec!["2", "3"] }),
                (format!("{case} IS NULL"), if other.is_empty() { vec!["3"] } else { vec![] }),
            ] {
                assert_eq!(
                    db.rows(&format!("SELECT id FROM t WHERE {condition} ORDER BY id")).await,
                    ids,
                    "{condition}"
                );
            }
        }
        // The first branch that holds decides.
        let overlapping = repeat(count, " ", |i| format!("WHEN v < {} THEN {i}", i + 2));
        assert_eq!(
            db.rows(&format!("SELECT CASE {overlapping} END FROM t ORDER BY id")).await,
            ["0", "2", "∅"]
        );
        let truths = repeat(count, " ", |i| format!("WHEN v = {i} THEN {}", i % 2 == 1 && i < 4));
        assert_eq!(
            db.rows(&format!("SELECT id FROM t WHERE CASE {truths} ELSE true END ORDER BY id")).await,
            ["1", "2", "3"]
        );
    }
}

#[tokio::test]
async fn a_long_chain_fails_as_its_operator_does() {
    let db = table().await;
    let ones = repeat(40, " + ", |_| "1".into());
    for (sql, state) in [
        (format!("SELECT 9223372036854775807 - {ones} + 40 - 2 + 40"), "22003"),
        (format!("SELECT 2147483647::int8 * 2147483647::int8 * 3 + {ones}"), "22003"),
        (format!("SELECT {ones} / 0"), "22012"),
        (format!("SELECT {ones} % (v - 3) FROM t WHERE id = 2"), "22012"),
        (format!("SELECT d + {ones} / 0.0 FROM t WHERE id = 2"), "22012"),
    ] {
        assert_eq!(db.state(&sql).await, state, "{sql}");
    }
    // A division behind a condition is not reached.
    let guarded = format!("SELECT id FROM t WHERE v <> 1 AND {ones} / (v - 1) = 20");
    assert_eq!(db.rows(&guarded).await, Vec::<String>::new());
    let (long, short) = (db.error(&format!("SELECT {ones} + true")).await, db.error("SELECT 1 + true").await);
    assert_eq!((long.sqlstate(), long.message()), (short.sqlstate(), short.message()));
}

#[tokio::test]
async fn a_long_chain_takes_parameters() {
    let db = table().await;
    let typed = repeat(40, " + ", |_| "$1::int".into());
    let batches =
        db.session.execute_with(&format!("SELECT {typed}"), vec![ScalarValue::Int32(Some(2))]).await;
    assert!(batches.is_ok());
    db.run(&format!("PREPARE p AS SELECT {} FROM t WHERE id = 2", repeat(40, " + ", |_| "v + $1".into())))
        .await;
    assert_eq!(db.rows("EXECUTE p(2)").await, ["200"]);
}

#[tokio::test]
async fn a_thousand_conditions_branches_and_columns_are_planned() {
    let db = table().await;
    let counted = |condition: String| format!("SELECT count(*) FROM t WHERE {condition}");
    for (sql, answer) in [
        (counted(repeat(2_000, " OR ", |i| format!("{} = 0", i + 1))), "0"),
        (counted(repeat(1_000, " OR ", |i| format!("v = {i}"))), "2"),
        (counted(repeat(1_000, " OR ", |i| format!("(v = {i} AND w = 'x{i}')"))), "2"),
        (counted(repeat(1_000, " OR ", |i| format!("w LIKE '%y{i}'"))), "0"),
        (counted(repeat(1_000, " AND ", |i| format!("v <> {}", i + 2))), "1"),
        (counted(repeat(1_000, " AND ", |i| format!("(v <> {i} OR w = 'x3')"))), "1"),
        (counted(format!("v = 3 AND ({})", repeat(500, " OR ", |i| format!("n * 10 = {i}")))), "1"),
        (counted(format!("NOT ({})", repeat(500, " OR ", |i| format!("v = {}", i + 2)))), "1"),
    ] {
        assert_eq!(db.one(&sql).await, answer, "{}", &sql[..60]);
    }
    let filters = repeat(1_000, ", ", |i| format!("count(*) FILTER (WHERE v = {i})"));
    let counts = db.rows(&format!("SELECT {filters} FROM t")).await;
    assert_eq!(counts, [repeat(1_000, "|", |i| u8::from(i == 1 || i == 3).to_string())]);
    let unions = repeat(1_000, " UNION ALL ", |i| format!("SELECT v FROM t WHERE v = {i}"));
    assert_eq!(db.rows(&unions).await, ["1", "3"]);
}

#[tokio::test]
async fn long_combinations_of_queries_keep_their_order_types_and_names() {
    let db = Db::new().await;
    let all = repeat(100, " UNION ALL ", |i| format!("SELECT {i} AS a"));
    assert_eq!(db.rows(&all).await, (0..100).map(|i| i.to_string()).collect::<Vec<_>>());
    let distinct = repeat(100, " UNION ", |i| format!("SELECT {} AS a", i % 7));
    assert_eq!(db.rows(&format!("{distinct} ORDER BY a")).await, ["0", "1", "2", "3", "4", "5", "6"]);
    let mixed = format!("{} UNION {}", repeat(20, " UNION ALL ", |_| "SELECT 1".into()), "SELECT 2");
    assert_eq!(db.rows(&format!("{mixed} ORDER BY 1")).await, ["1", "2"]);
    let mixed = format!("{} UNION ALL SELECT 1", repeat(20, " UNION ", |i| format!("SELECT {}", i % 2)));
    assert_eq!(db.rows(&format!("{mixed} ORDER BY 1")).await, ["0", "1", "1"]);
    let except = format!(
        "SELECT * FROM generate_series(1, 40) {}",
        repeat(38, " ", |i| format!("EXCEPT SELECT {}", i + 2))
    );
    assert_eq!(db.rows(&format!("{except} ORDER BY 1")).await, ["1", "40"]);
    let nulls = format!("SELECT NULL EXCEPT {}", repeat(20, " EXCEPT ", |_| "SELECT NULL".into()));
    assert_eq!(db.rows(&nulls).await, Vec::<String>::new());
    let intersect = repeat(40, " INTERSECT ", |i| format!("SELECT * FROM generate_series({i}, 40)"));
    assert_eq!(db.rows(&format!("{intersect} ORDER BY 1")).await, ["39", "40"]);
    let widened =
        format!("{} UNION ALL SELECT 1.5::float8", repeat(30, " UNION ALL ", |_| "SELECT 1".into()));
    assert_eq!(db.rows(&format!("SELECT a FROM ({widened}) AS x (a) WHERE a > 1")).await, ["1.5"]);
    let parted =
        format!("SELECT 1 EXCEPT (SELECT 1 EXCEPT {})", repeat(20, " EXCEPT ", |_| "SELECT 1".into()));
    assert_eq!(db.rows(&parted).await, ["1"]);
}

#[tokio::test]
async fn what_grows_beyond_bounds_is_refused_before_it_is_planned() {
    let db = table().await;
    let squares = |end: &str| {
        let levels = repeat(30, "", |i| format!(", c{} AS (SELECT v * v AS v FROM c{i})", i + 1));
        format!("WITH c0 AS (SELECT v FROM t){levels} SELECT v FROM c30 {end}")
    };
    let doubled =
        repeat(30, "", |i| format!(", c{} AS (SELECT x.v FROM c{i} AS x JOIN c{i} AS y USING (v))", i + 1));
    let cases = format!("SELECT {}v = 1{} FROM t", "CASE WHEN ".repeat(20), " THEN true END".repeat(20));
    let exists = repeat(16, "", |i| format!("EXISTS (SELECT 1 FROM t AS t{i} WHERE t{i}.id = t.id AND "));
    for sql in [
        squares("WHERE v > 1"),
        squares("ORDER BY v LIMIT 1"),
        squares("GROUP BY v HAVING v > 1"),
        format!("WITH c0 AS (SELECT v FROM t){doubled} SELECT * FROM c30"),
        cases,
        format!("SELECT count(*) FROM t WHERE {exists} true{}", ")".repeat(16)),
        format!("SELECT {}1{}", "(SELECT ".repeat(15), ")".repeat(15)),
        format!("SELECT 1 FROM t AS t0 {}", repeat(100, " ", |i| format!("JOIN t AS t{} USING (id)", i + 1))),
        format!("SELECT {} FROM t", repeat(101, ", ", |_| "(SELECT max(v) FROM t)".into())),
        format!("SELECT {}", repeat(2_000, ", ", |i| i.to_string())),
        format!("SELECT 1 FROM t GROUP BY CUBE ({})", repeat(13, ", ", |i| format!("v + {i}"))),
        format!("SELECT 1 FROM t GROUP BY ROLLUP ({})", repeat(300, ", ", |i| format!("v + {i}"))),
        format!("SELECT 1 FROM t GROUP BY {}", repeat(5, ", ", |_| "CUBE (v, b, id)".into())),
        format!("SELECT v{} FROM t", "::int".repeat(300)),
        format!(
            "WITH c0 AS (SELECT v FROM t){} SELECT v FROM c150",
            repeat(150, "", |i| format!(", c{} AS (SELECT v FROM c{i})", i + 1))
        ),
        format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(300)),
        format!("SELECT {}", repeat(2_600, " + ", |_| "1".into())),
        format!("SELECT {}", repeat(2_600, " OR ", |_| "true".into())),
    ] {
        assert_eq!(db.state(&sql).await, "54000", "{}", &sql[..80]);
    }
}

#[tokio::test]
async fn views_over_views_count_as_what_they_read() {
    let db = table().await;
    db.run("CREATE VIEW v0 AS SELECT v FROM t").await;
    for i in 0..14 {
        let view = format!("CREATE VIEW v{} AS SELECT x.v FROM v{i} AS x CROSS JOIN v{i} AS y", i + 1);
        if db.session.execute(&view).await.is_err() {
            assert!(i >= 9, "view {i}");
            assert_eq!(db.state(&view).await, "54000");
            return;
        }
    }
    assert_eq!(db.state("SELECT count(*) FROM v14").await, "54000");
}

#[tokio::test]
async fn a_view_joined_with_itself_is_refused_before_it_is_planned() {
    let db = table().await;
    let joined = |depth: usize| {
        let levels = repeat(depth, "", |i| {
            format!(", c{} AS (SELECT x.id FROM c{i} AS x JOIN c{i} AS y ON x.id = y.id)", i + 1)
        });
        format!("WITH c0 AS (SELECT id FROM t){levels} SELECT count(*) FROM c{depth}")
    };
    let error = db.error(&joined(15)).await;
    assert_eq!(error.sqlstate(), "54000");
    assert!(error.message().contains("joins more than"), "{error}");
    assert_eq!(db.one(&joined(4)).await, "3");
}

#[tokio::test]
async fn columns_of_deep_views_are_listed_on_a_stack_of_their_own() {
    let db = table().await;
    let sum = repeat(1_000, " + ", |_| "v".into());
    db.run(&format!("CREATE VIEW long AS SELECT {sum} AS total FROM t")).await;
    assert_eq!(
        db.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'long'").await,
        ["total"]
    );
    assert_eq!(db.rows("SHOW COLUMNS FROM long").await.len(), 1);
}

#[tokio::test]
async fn what_is_within_the_limits_is_answered() {
    let db = table().await;
    let levels = repeat(30, "", |i| format!(", c{} AS (SELECT v + 1 AS v FROM c{i})", i + 1));
    let chain = format!("WITH c0 AS (SELECT v FROM t){levels} SELECT v FROM c30 WHERE v > 31 ORDER BY v");
    assert_eq!(db.rows(&chain).await, ["33"]);
    let cases = format!(
        "SELECT {}v = 1{} FROM t ORDER BY id LIMIT 1",
        "CASE WHEN ".repeat(5),
        " THEN true END".repeat(5)
    );
    assert_eq!(db.rows(&cases).await, ["true"]);
    let elses = repeat(30, "", |i| format!("CASE WHEN v = {i} THEN {i} ELSE "));
    let elses = format!("SELECT {elses} 99 {} FROM t ORDER BY id", "END ".repeat(30));
    assert_eq!(db.rows(&elses).await, ["1", "3", "99"]);
    let casts = format!("SELECT v{} FROM t WHERE id = 2", "::bigint::int".repeat(60));
    assert_eq!(db.rows(&casts).await, ["3"]);
    assert_eq!(db.one("SELECT count(*) FROM (SELECT 1 FROM t GROUP BY CUBE (id, v, w, b)) AS x").await, "46");
    let joins = repeat(20, " ", |i| format!("JOIN t AS t{} ON t{}.id = t{i}.id", i + 1, i + 1));
    assert_eq!(db.one(&format!("SELECT count(*) FROM t AS t0 {joins}")).await, "3");
    let values = repeat(3_000, ", ", |i| format!("({i}, 'a')"));
    assert_eq!(db.one(&format!("SELECT count(*) FROM (VALUES {values}) AS x (a, b)")).await, "3000");
}
