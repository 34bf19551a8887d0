//! INSERT, UPDATE, DELETE, CREATE TABLE AS, COPY.

use std::fmt::Write as _;

use crate::database::Db;

async fn numbers() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT DEFAULT 7, name TEXT NOT NULL DEFAULT 'x');
         INSERT INTO t (id, v) VALUES (1, 10), (2, 20), (3, 30), (4, NULL)",
    )
    .await
}

#[tokio::test]
async fn a_delete_keeps_its_predicate_whatever_it_is() {
    let db = numbers().await;
    assert_eq!(db.tag("DELETE FROM t WHERE false").await, "DELETE 0");
    assert_eq!(db.tag("DELETE FROM t WHERE v > (SELECT max(v) FROM t)").await, "DELETE 0");
    assert_eq!(db.tag("DELETE FROM t WHERE id IN (SELECT id FROM t WHERE v < 20)").await, "DELETE 1");
    assert_eq!(
        db.tag("DELETE FROM t AS a WHERE EXISTS (SELECT 1 FROM t b WHERE b.id = a.id + 1 AND b.v = 30)")
            .await,
        "DELETE 1"
    );
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id").await, ["3", "4"]);
    let error = db.error("DELETE FROM t LIMIT 1").await;
    assert!(matches!(error.sqlstate(), "42601" | "0A000"), "{error}");
    assert_eq!(db.tag("DELETE FROM t").await, "DELETE 2");
}

#[tokio::test]
async fn explaining_a_change_changes_nothing() {
    let db = numbers().await;
    let version = db.version();
    for statement in [
        "EXPLAIN DELETE FROM t",
        "EXPLAIN UPDATE t SET v = 0",
        "EXPLAIN INSERT INTO t (id) VALUES (9)",
        "EXPLAIN CREATE TABLE u AS SELECT * FROM t",
    ] {
        assert!(
            db.text(statement).await.contains("TableScan: ") || statement.contains("VALUES"),
            "{statement}"
        );
    }
    assert_eq!(db.state("EXPLAIN ANALYZE DELETE FROM t").await, "0A000");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "4");
    assert_eq!(db.version(), version, "nothing was committed");
}

#[tokio::test]
async fn an_insert_from_its_own_table_reads_the_rows_of_before() {
    let db = numbers().await;
    assert_eq!(db.tag("INSERT INTO t (id, v) SELECT id + 10, v FROM t").await, "INSERT 0 4");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "8");
    db.run("BEGIN; INSERT INTO t (id) VALUES (100)").await;
    assert_eq!(db.tag("INSERT INTO t (id, v) SELECT id + 1000, v FROM t").await, "INSERT 0 9");
    db.run("COMMIT").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "18");
}

#[tokio::test]
async fn constraints_name_the_column_or_the_key() {
    let db = numbers().await;
    let duplicate = db.error("INSERT INTO t (id) VALUES (9), (2)").await;
    assert_eq!(duplicate.sqlstate(), "23505");
    assert!(duplicate.message().contains("(id)=(2)"), "{duplicate}");
    assert_eq!(db.state("INSERT INTO t (id) VALUES (9), (9)").await, "23505");
    assert_eq!(db.state("INSERT INTO t (id, name) VALUES (9, NULL)").await, "23502");
    assert_eq!(db.state("INSERT INTO t (id) VALUES (NULL)").await, "23502");
    assert_eq!(db.state("UPDATE t SET name = NULL WHERE id = 1").await, "23502");
    assert_eq!(db.state("UPDATE t SET id = 2 WHERE id = 1").await, "23505");
    assert_eq!(db.state("UPDATE t SET id = 9").await, "23505");
    assert_eq!(db.state("INSERT INTO t (id) VALUES (99999999999)").await, "22003");
    assert_eq!(db.state("INSERT INTO t (id) VALUES ('abc')").await, "22P02");
    assert_eq!(db.state("INSERT INTO t (nothing) VALUES (1)").await, "42703");
    assert_eq!(db.state("INSERT INTO t VALUES (1, 2, 'a', 4)").await, "42601");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "4", "a failed statement leaves nothing");
}

#[tokio::test]
async fn updates_see_the_old_values_and_may_move_keys() {
    let db = numbers().await;
    assert_eq!(db.tag("UPDATE t SET id = id + 1, v = id").await, "UPDATE 4");
    assert_eq!(db.rows("SELECT id, v FROM t ORDER BY id").await, ["2|1", "3|2", "4|3", "5|4"]);
    assert_eq!(
        db.tag("UPDATE t AS a SET v = (SELECT max(v) FROM t), name = DEFAULT WHERE a.id = 2").await,
        "UPDATE 1"
    );
    assert_eq!(db.one("SELECT v, name FROM t WHERE id = 2").await, "4|x");
    assert_eq!(db.tag("UPDATE t SET v = 0 WHERE id > 100").await, "UPDATE 0");
}

#[tokio::test]
async fn defaults_fill_what_is_not_given() {
    let db = numbers().await;
    assert_eq!(db.tag("INSERT INTO t (id, v) VALUES (5, DEFAULT)").await, "INSERT 0 1");
    assert_eq!(db.one("SELECT v, name FROM t WHERE id = 5").await, "7|x");
    assert_eq!(db.state("INSERT INTO t DEFAULT VALUES").await, "23502");
    db.run("CREATE TABLE d (a INT DEFAULT 1, b TIMESTAMPTZ DEFAULT now()); INSERT INTO d DEFAULT VALUES")
        .await;
    assert_eq!(db.one("SELECT a, b IS NOT NULL FROM d").await, "1|true");
}

#[tokio::test]
async fn tables_without_a_key_keep_equal_rows_apart() {
    let db =
        Db::with("CREATE TABLE t (a INT, b TEXT); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, 'y')").await;
    assert_eq!(db.one("SELECT count(*) FROM t").await, "3");
    assert_eq!(db.tag("UPDATE t SET b = 'z' WHERE a = 1").await, "UPDATE 2");
    assert_eq!(db.rows("SELECT * FROM t ORDER BY a").await, ["1|z", "1|z", "2|y"]);
    assert_eq!(db.tag("DELETE FROM t WHERE b = 'z'").await, "DELETE 2");
    assert_eq!(db.one("SELECT * FROM t").await, "2|y");
}

#[tokio::test]
async fn every_type_comes_back_as_it_went_in() {
    let db = Db::with(
        "CREATE TABLE t (k INT PRIMARY KEY, a BOOLEAN, b SMALLINT, c BIGINT, d REAL, e DOUBLE PRECISION, \
         f DECIMAL(10, 2), g VARCHAR(5), h DATE, i TIMESTAMP, j TIMESTAMPTZ, l BYTEA);
         INSERT INTO t VALUES (1, true, -3, 9007199254740993, 1.5, 0.1, 12.34, 'äb', DATE '2024-02-29', \
         TIMESTAMP '2024-01-01 12:00:00.5', TIMESTAMPTZ '2024-01-01 12:00:00+02:00', X'00ff');
         INSERT INTO t (k) VALUES (2)",
    )
    .await;
    assert_eq!(
        db.rows("SELECT * FROM t ORDER BY k").await,
        [
            "1|true|-3|9007199254740993|1.5|0.1|12.34|äb|2024-02-29|2024-01-01T12:00:00.500|2024-01-01T10:00:00Z|00ff",
            "2|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅"
        ]
    );
    assert_eq!(db.state("INSERT INTO t (k, g) VALUES (3, 'toolong')").await, "22001");
    assert_eq!(db.one("SELECT f = 12.34 AND f + 0.01 = 12.35 FROM t WHERE k = 1").await, "true");
}

#[tokio::test]
async fn a_table_made_from_a_query_appears_with_its_rows() {
    let db = numbers().await;
    assert_eq!(
        db.tag("CREATE TABLE u AS SELECT id, v * 2 AS w FROM t WHERE v IS NOT NULL").await,
        "SELECT 3"
    );
    assert_eq!(db.rows("SELECT id, w FROM u ORDER BY id").await, ["1|20", "2|40", "3|60"]);
    db.run("CREATE SNAPSHOT s; DELETE FROM t; CREATE TABLE back AS SELECT * FROM t AS OF SNAPSHOT s").await;
    assert_eq!(db.one("SELECT count(*) FROM back").await, "4");
    assert_eq!(db.state("CREATE TABLE u AS SELECT 1 AS a").await, "42P07");
    assert_eq!(db.tag("INSERT INTO t SELECT * FROM t AS OF SNAPSHOT s").await, "INSERT 0 4");
}

#[tokio::test]
async fn large_loads_go_through_files_and_still_check_keys() {
    let db = Db::with("CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)").await;
    let rows = 20_000;
    let load = format!(
        "INSERT INTO t SELECT value, 'row number ' || value || ' with some text' FROM generate_series(1, {rows}) AS s(value)"
    );
    assert_eq!(db.tag(&load).await, format!("INSERT 0 {rows}"));
    assert_eq!(db.one("SELECT count(*), min(id), max(id) FROM t").await, format!("{rows}|1|{rows}"));
    let error = db.error(&load).await;
    assert_eq!(error.sqlstate(), "23505");
    assert!(error.message().contains("(id)=("), "{error}");
    assert_eq!(db.one("SELECT v FROM t WHERE id = 777").await, "row number 777 with some text");
    assert_eq!(
        db.tag(&format!(
            "CREATE TABLE u AS SELECT value AS a, repeat('x', 50) AS b FROM generate_series(1, {rows}) AS s(value)"
        ))
        .await,
        format!("SELECT {rows}")
    );
    assert_eq!(db.one("SELECT count(DISTINCT a) FROM u").await, rows.to_string());
}

#[tokio::test]
async fn copy_reads_and_writes_files_or_loads_nothing() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT, name TEXT DEFAULT 'd')").await;
    let put =
        |name: &str, text: &str| db.files.contents.lock().insert(name.to_owned(), text.as_bytes().to_vec());
    put("a.csv", "id,v,name\n1,NA,one\n2,22,\"two, too\"\n");
    assert_eq!(db.tag("COPY t FROM 'a.csv' WITH (FORMAT csv, HEADER, NULL 'NA')").await, "COPY 2");
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|∅|one", "2|22|two, too"]);
    put("b.csv", "id,v\n3,33\n4,nonsense\n");
    let error = db.error("COPY t (id, v) FROM 'b.csv' WITH (FORMAT csv, HEADER)").await;
    assert_eq!(error.sqlstate(), "22P02");
    assert!(error.message().contains("b.csv") && error.message().contains('3'), "{error}");
    put("c.csv", "id,v\n3,33\n1,11\n");
    assert_eq!(db.state("COPY t (id, v) FROM 'c.csv' WITH (FORMAT csv, HEADER)").await, "23505");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "2", "a bad file loads nothing");
    put("d.csv", "id,v\n3,33\n");
    assert_eq!(db.tag("COPY t (id, v) FROM 'd.csv' WITH (FORMAT csv, HEADER)").await, "COPY 1");
    assert_eq!(db.one("SELECT name FROM t WHERE id = 3").await, "d");
    assert_eq!(
        db.tag("COPY (SELECT id, name FROM t ORDER BY id) TO 'out.csv' WITH (FORMAT csv, HEADER)").await,
        "COPY 3"
    );
    let out = db.files.contents.lock()["out.csv"].clone();
    assert_eq!(String::from_utf8(out).unwrap(), "id,name\n1,one\n2,\"two, too\"\n3,d\n");
    assert_eq!(db.tag("COPY t TO 'out.parquet' WITH (FORMAT parquet)").await, "COPY 3");
    db.run("CREATE TABLE u (id INT PRIMARY KEY, v INT, name TEXT)").await;
    assert_eq!(db.tag("COPY u FROM 'out.parquet' WITH (FORMAT parquet)").await, "COPY 3");
    assert_eq!(db.one("SELECT count(*) FROM t JOIN u USING (id, name)").await, "3");
    assert_eq!(db.state("COPY t FROM 'missing.csv' WITH (FORMAT csv)").await, "58P01");
}

#[tokio::test]
async fn a_copied_row_gets_the_defaults_of_an_inserted_one() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, body BYTEA DEFAULT '\\x00ff', n INT DEFAULT 7.6, at TIMESTAMPTZ DEFAULT now(), \
         day DATE DEFAULT '2024-02-29', nothing TEXT, r DOUBLE PRECISION DEFAULT random());
         CREATE TABLE bad (id INT PRIMARY KEY, n INT DEFAULT 1 / 0)",
    )
    .await;
    db.run("INSERT INTO t (id) VALUES (1)").await;
    db.files.contents.lock().insert("ids.csv".to_owned(), b"2\n3\n".to_vec());
    assert_eq!(db.tag("COPY t (id) FROM 'ids.csv' WITH (FORMAT csv)").await, "COPY 2");
    assert_eq!(db.rows("SELECT body::text, n, day, nothing FROM t").await, ["\\x00ff|8|2024-02-29|∅"; 3]);
    assert_eq!(db.one("SELECT count(DISTINCT at), count(DISTINCT r) FROM t").await, "2|3");
    assert_eq!(db.state("COPY bad (id) FROM 'ids.csv' WITH (FORMAT csv)").await, "22012");
}

#[tokio::test]
async fn a_file_is_read_ahead_of_its_load_and_loads_nothing_when_its_end_is_bad() {
    let db = Db::in_background().await;
    db.run("CREATE TABLE t (id INT PRIMARY KEY, v TEXT)").await;
    let mut text = String::from("id,v\n");
    for id in 0..30_000 {
        writeln!(text, "{id},value number {id}").expect("text grows");
    }
    db.files.contents.lock().insert("good.csv".to_owned(), text.clone().into_bytes());
    assert_eq!(db.tag("COPY t FROM 'good.csv' WITH (FORMAT csv, HEADER)").await, "COPY 30000");
    assert_eq!(db.one("SELECT count(*), count(DISTINCT v) FROM t").await, "30000|30000");
    db.run("DELETE FROM t").await;
    text.push_str("oops,bad\n");
    db.files.contents.lock().insert("bad.csv".to_owned(), text.into_bytes());
    let error = db.error("COPY t FROM 'bad.csv' WITH (FORMAT csv, HEADER)").await;
    assert_eq!(error.sqlstate(), "22P02");
    assert!(error.message().contains("30002"), "the line is named: {error}");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "0");
}

#[tokio::test]
async fn a_copy_to_a_file_takes_a_column_list() {
    let db = Db::with("CREATE TABLE c (a INT, b INT, d TEXT); INSERT INTO c VALUES (1, 2, 'x')").await;
    db.run("COPY public.c (d, a) TO 'columns.csv'").await;
    assert_eq!(db.files.contents.lock()["columns.csv"], b"x,1\n");
    assert_eq!(db.state("COPY c (d, d) TO 'columns.csv'").await, "42701");
}

#[tokio::test]
async fn the_hint_about_updates_from_other_tables_names_a_form_that_works() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT); INSERT INTO t VALUES (1, 0), (2, 0);
         CREATE TABLE u (id INT PRIMARY KEY, a INT); INSERT INTO u VALUES (2, 7)",
    )
    .await;
    let hint = db.error("UPDATE t SET a = u.a FROM u WHERE t.id = u.id").await.hint().unwrap().to_owned();
    db.run(hint.split_once(": ").unwrap().1).await;
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|0", "2|7"]);
}

#[tokio::test]
async fn literals_mean_the_same_with_and_without_a_plan() {
    let db = Db::new().await;
    let columns = "(id INT PRIMARY KEY, b BOOLEAN, s SMALLINT, i BIGINT, r REAL, d DOUBLE PRECISION, n DECIMAL(10, 2), \
                   t TEXT DEFAULT 'none', day DATE, at TIMESTAMP, atz TIMESTAMPTZ, bytes BYTEA)";
    db.run(&format!("CREATE TABLE plain {columns}; CREATE TABLE planned {columns}")).await;
    for row in [
        "1, true, -32768, 9223372036854775807, 0.1, 0.1, 12345678.905, 'it''s', '2024-02-29', '2024-02-29 12:00:00.5', '2024-02-29T12:00:00Z', 'raw'",
        "2, false, 7, -9223372036854775808, 1, -2, -0.005, '', '1969-12-31', '1969-12-31 23:59:59', '1970-01-01T00:00:00+02:00', ''",
        "3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        "6, true, -0, -0, -0, -0, -0, '', 'epoch', '2024-12-31 24:00', '9999-12-31 23:00+05', ''",
        "7, true, 0, 0, -0.0, -0.0, -0.0, '', '20240131', 'epoch', 'epoch', ''",
        "4, 'yes', '12', ' 13 ', '1.5', '1e300', '7', 'x', '2000-01-01', '2000-01-01', '2000-01-01', 'abc'",
    ] {
        db.run(&format!("INSERT INTO plain VALUES ({row})")).await;
        // An expression that is no literal sends the whole statement through the planner.
        db.run(&format!("INSERT INTO planned VALUES ({row}), (100 + 1, {})", ["NULL"; 11].join(", "))).await;
        db.run("DELETE FROM planned WHERE id = 101").await;
    }
    db.run("INSERT INTO plain (d, id) VALUES (DEFAULT, 5)").await;
    db.run("INSERT INTO planned (d, id) VALUES (DEFAULT, 2 + 3)").await;
    assert_eq!(db.one("SELECT count(*) FROM plain").await, "7");
    assert_eq!(db.one("SELECT t, d FROM plain WHERE id = 5").await, "none|∅");
    let zeros = "SELECT r::text, d::text FROM plain WHERE id IN (6, 7) ORDER BY id";
    assert_eq!(db.rows(zeros).await, db.rows(&zeros.replace("plain", "planned")).await);
    let differences = "SELECT count(*) FROM ((SELECT * FROM plain EXCEPT SELECT * FROM planned) UNION ALL \
                       (SELECT * FROM planned EXCEPT SELECT * FROM plain)) AS both";
    assert_eq!(db.one(differences).await, "0");
}

#[tokio::test]
async fn a_literal_that_does_not_fit_its_column_is_refused() {
    let db =
        Db::with("CREATE TABLE t (id INT PRIMARY KEY, s SMALLINT, n DECIMAL(4, 2), b BOOLEAN, d DATE)").await;
    for (row, state) in [
        ("1, 32768, 0, true, NULL", "22003"),
        ("1, 0, 100, true, NULL", "22003"),
        ("1, 'one', 0, true, NULL", "22P02"),
        ("1, 0, 0, 'maybe', NULL", "22P02"),
        ("NULL, 0, 0, true, NULL", "23502"),
        ("1, 0, 0, true, '2024-02-30'", "22008"),
        ("1, 0, 0, true, '9999-12-31 24:00'", "22008"),
        ("1, 0, 0, true, 'infinity'", "0A000"),
        ("1, 0, 0, true, 'soon'", "22007"),
        ("1, 0, 0, true", "0"),
        ("1, 0, 0, true, NULL, 5", "42601"),
    ] {
        let sql = format!("INSERT INTO t VALUES ({row})");
        if state == "0" {
            db.run(&sql).await;
        } else {
            assert_eq!(db.state(&sql).await, state, "{sql}");
        }
    }
    assert_eq!(db.state("INSERT INTO t VALUES (2, 0, 0, true), (1, 0, 0, true)").await, "23505");
    assert_eq!(db.one("SELECT count(*) FROM t").await, "1");
}
