//! Tables, views, schemas, databases, settings, snapshots, and what is not there.

use crate::database::Db;

#[tokio::test]
async fn names_are_found_in_their_schema_and_database() {
    let db = Db::with(
        "CREATE SCHEMA a; CREATE TABLE a.t (x INT); INSERT INTO a.t VALUES (1);
         CREATE DATABASE d; CREATE TABLE d.public.t (x INT); INSERT INTO d.public.t VALUES (2);
         CREATE TABLE t (x INT); INSERT INTO t VALUES (3)",
    )
    .await;
    assert_eq!(db.one("SELECT x FROM t").await, "3");
    assert_eq!(db.one("SELECT a.t.x + public.t.x FROM a.t, public.t").await, "4");
    assert_eq!(db.one("SELECT x FROM d.public.t").await, "2");
    db.run("USE d").await;
    assert_eq!(db.one("SELECT x FROM t").await, "2");
    db.run("USE main; SET search_path = a").await;
    assert_eq!(db.one("SELECT x FROM t").await, "1");
    assert_eq!(db.state("USE nothing").await, "3D000");
    assert_eq!(db.state("SELECT * FROM nothing.t").await, "3F000");
    db.run("RESET ALL").await;
    assert_eq!(db.state("DROP SCHEMA a").await, "2BP01");
    db.run("DROP SCHEMA a CASCADE; DROP DATABASE d CASCADE").await;
    assert_eq!(db.rows("SHOW TABLES").await, ["public|t|table"]);
}

#[tokio::test]
async fn what_is_missing_or_taken_says_so() {
    let db = Db::with("CREATE TABLE flights (id INT PRIMARY KEY, dest TEXT)").await;
    let error = db.error("SELECT * FROM fligths").await;
    assert_eq!((error.sqlstate(), error.hint()), ("42P01", Some("did you mean flights?")));
    let error = db.error("SELECT dst FROM flights").await;
    assert_eq!(error.sqlstate(), "42703");
    assert!(error.hint().unwrap_or_default().contains("dest"), "{error:?}");
    assert_eq!(db.state("CREATE TABLE flights (a INT)").await, "42P07");
    assert_eq!(db.tag("CREATE TABLE IF NOT EXISTS flights (a INT)").await, "CREATE TABLE");
    assert_eq!(db.state("DROP TABLE nothing").await, "42P01");
    assert_eq!(db.tag("DROP TABLE IF EXISTS nothing").await, "DROP TABLE");
    assert_eq!(db.state("CREATE TABLE \"../x\" (a INT)").await, "42602");
    assert_eq!(db.state("CREATE SNAPSHOT \"../x\"").await, "42602");
    assert_eq!(db.state("CREATE TABLE u (a INT, a TEXT)").await, "42701");
    assert_eq!(db.state("CREATE TABLE u (a UUID)").await, "0A000");
    assert_eq!(db.state("CREATE VIEW v AS SELECT * FROM nothing").await, "42P01");
    assert_eq!(db.state("INSERT INTO bygone.snapshots VALUES (1)").await, "42809");
    assert_eq!(db.state("SHOW nothing").await, "42704");
    assert_eq!(db.state("SELEC 1").await, "42601");
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_never_ignored() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1)").await;
    for statement in [
        "INSERT INTO t VALUES (1, 2) ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (2, 2) RETURNING id",
        "UPDATE t SET v = 2 FROM t b WHERE t.id = b.id",
        "DELETE FROM t USING t b WHERE t.id = b.id",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t TABLESAMPLE BERNOULLI (10)",
        "CREATE TABLE u (id INT PRIMARY KEY, v INT CHECK (v > 0))",
        "CREATE TABLE u (id INT REFERENCES t (id))",
        "CREATE TABLE u (id INT GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE u (id INT UNIQUE)",
        "ALTER TABLE t ADD COLUMN w INT",
        "CREATE SEQUENCE s",
        "CREATE INDEX i ON t (v)",
        "MERGE INTO t USING t b ON t.id = b.id WHEN MATCHED THEN DELETE",
        "TRUNCATE t",
        "CREATE EXTERNAL TABLE e STORED AS CSV LOCATION '/tmp/x'",
        "SELECT * FROM t FOR SYSTEM_TIME ALL",
    ] {
        let error = db.error(statement).await;
        assert!(matches!(error.sqlstate(), "0A000" | "42601"), "{statement}: {} {error}", error.sqlstate());
    }
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|1"]);
}

#[tokio::test]
async fn snapshots_are_created_altered_held_and_dropped() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE u (id INT PRIMARY KEY)").await;
    db.run(
        "CREATE SNAPSHOT a COMMENT 'first'; CREATE SNAPSHOT b FOR TABLE t, u EXPIRE AFTER INTERVAL '1 day'",
    )
    .await;
    db.run("INSERT INTO t VALUES (1); CREATE SNAPSHOT c FOR TABLE t AS OF SNAPSHOT a").await;
    let list = "SELECT name, scope, objects, comment FROM bygone.snapshots ORDER BY name";
    assert_eq!(db.rows(list).await, ["a|database|main|first", "b|tables|t, u|∅", "c|table|t|∅"]);
    assert_eq!(
        db.one("SELECT count(DISTINCT version) FROM bygone.snapshots WHERE name IN ('a', 'c')").await,
        "1"
    );
    assert_eq!(db.state("CREATE SNAPSHOT a").await, "42710");
    db.run("CREATE SNAPSHOT IF NOT EXISTS a").await;
    db.run("ALTER SNAPSHOT a RENAME TO z; ALTER SNAPSHOT z SET HOLD 'audit'").await;
    assert_eq!(db.state("DROP SNAPSHOT z, b").await, "55006");
    db.run("ALTER SNAPSHOT z RELEASE HOLD; DROP SNAPSHOT z, b, c").await;
    assert_eq!(db.rows("SHOW SNAPSHOTS").await.len(), 0);
    assert_eq!(db.state("DROP SNAPSHOT z").await, "42704");
    db.run("CREATE SNAPSHOT k ON TABLE t; DROP SNAPSHOT IF EXISTS z").await;
}

#[tokio::test]
async fn a_snapshot_of_one_database_keeps_that_one_alone() {
    let db = Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE DATABASE d;
         CREATE TABLE d.public.t (id INT PRIMARY KEY); INSERT INTO d.public.t VALUES (1);
         CREATE SNAPSHOT one FOR DATABASE d; CREATE SNAPSHOT past FOR DATABASE d AS OF SNAPSHOT one",
    )
    .await;
    let list = "SELECT name, scope, objects FROM bygone.snapshots WHERE name = 'one'";
    assert_eq!(db.rows(list).await, ["one|database|d"]);
    assert_eq!(db.rows("SHOW SNAPSHOT one").await.len(), 1);
    assert_eq!(db.state("SHOW SNAPSHOT two").await, "42704");
    db.run("DELETE FROM t; DELETE FROM d.public.t; ALTER DATABASE SET retention = '1 second'").await;
    db.run("SELECT 1; SELECT 2; CALL compact()").await;
    for name in ["one", "past"] {
        let read = |table: &str| format!("SELECT count(*) FROM {table} AS OF SNAPSHOT {name}");
        assert_eq!(db.one(&read("d.public.t")).await, "1");
        assert_eq!(db.state(&read("t")).await, "72000");
    }
    db.run("RESTORE DATABASE d TO SNAPSHOT one").await;
    assert_eq!(db.one("SELECT count(*) FROM d.public.t").await, "1");
    let made = "SELECT scope, objects FROM bygone.snapshots WHERE automatic";
    assert_eq!(db.rows(made).await, ["database|d"], "the state before is kept of what was restored");
}

#[tokio::test]
async fn the_columns_of_views_and_of_computed_tables_are_listed() {
    let db = Db::with(
        "CREATE TABLE t (a INT PRIMARY KEY, b DECIMAL(5, 1)); CREATE TABLE gone (a INT);
         CREATE VIEW w (x, y) AS SELECT a + 1, b FROM t; CREATE VIEW broken AS SELECT * FROM gone",
    )
    .await;
    db.run("DROP TABLE gone").await;
    let columns =
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'w' ORDER BY 1";
    assert_eq!(db.rows(columns).await, ["x|BIGINT", "y|DECIMAL(5, 1)"]);
    let of_broken = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'broken'";
    assert_eq!(db.one(of_broken).await, "0");
    let computed = "SELECT column_name FROM information_schema.columns WHERE table_name = 'commits' ORDER BY ordinal_position LIMIT 1";
    assert_eq!(db.one(computed).await, "version");
    assert_eq!(db.rows("SHOW COLUMNS FROM w").await, ["x|BIGINT|true|∅|∅", "y|DECIMAL(5, 1)|true|∅|∅"]);
}

#[tokio::test]
async fn the_catalog_is_shown_in_the_standard_s_words() {
    let db = Db::with("CREATE TABLE t (b TEXT DEFAULT 'x', a INT, c DECIMAL(5, 1) NOT NULL, PRIMARY KEY (a)); CREATE VIEW w AS SELECT a FROM t").await;
    assert_eq!(
        db.rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1").await,
        ["t|BASE TABLE", "w|VIEW"]
    );
    assert_eq!(
        db.rows("SELECT column_name, is_nullable, data_type FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position").await,
        ["b|YES|TEXT", "a|NO|INTEGER", "c|NO|DECIMAL(5, 1)"]
    );
    assert_eq!(db.rows("SELECT column_name FROM information_schema.key_column_usage").await, ["a"]);
    assert_eq!(
        db.one("SHOW CREATE TABLE t").await,
        "t|CREATE TABLE t (\n  b TEXT DEFAULT 'x',\n  a INTEGER,\n  c DECIMAL(5, 1) NOT NULL,\n  PRIMARY KEY (a)\n)"
    );
    assert_eq!(db.rows("DESCRIBE t").await[1], "a|INTEGER|false|∅|1");
}

#[tokio::test]
async fn columns_of_the_history_cannot_be_columns_of_a_table() {
    let db = Db::new().await;
    for name in ["_row_start", "_ROW_x", "__bygone_key", "_change_type", "_op"] {
        assert_eq!(db.state(&format!("CREATE TABLE t (a INT, {name} INT)")).await, "42939", "{name}");
    }
    db.run("CREATE TABLE t (_rows INT, version INT)").await;
}

#[tokio::test]
async fn the_history_of_a_table_begins_with_its_creation_and_carries_annotations() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE other (id INT)").await;
    db.run(r#"SET commit_annotations = '{"offset": "4711"}'; INSERT INTO t VALUES (1); RESET commit_annotations"#)
        .await;
    let statements = |rows: Vec<String>| -> Vec<String> {
        rows.iter().map(|row| row.split('|').nth(4).unwrap().to_owned()).collect()
    };
    assert_eq!(statements(db.rows("SHOW HISTORY FOR t").await), ["INSERT 0 1", "CREATE TABLE"]);
    let annotated = "SELECT annotations FROM bygone.commits WHERE annotations IS NOT NULL";
    assert_eq!(db.rows(annotated).await, [r#"{"offset":"4711"}"#]);
    db.run("CREATE SNAPSHOT s; DROP TABLE t; RESTORE TABLE t TO SNAPSHOT s").await;
    let all = statements(db.rows("SHOW HISTORY FOR t").await);
    assert_eq!(all, ["RESTORE", "DROP TABLE", "INSERT 0 1", "CREATE TABLE"]);
    db.run("DROP TABLE t; CREATE TABLE t (a INT)").await;
    assert_eq!(
        statements(db.rows("SHOW HISTORY FOR t").await),
        ["CREATE TABLE"],
        "another table of that name"
    );
    assert_eq!(db.state("SET commit_annotations = 'no'").await, "22023");
}

#[tokio::test]
async fn a_name_in_an_argument_is_read_as_a_name_in_a_statement() {
    let db =
        Db::with("CREATE TABLE Orders (id INT PRIMARY KEY); CREATE TABLE \"a.b\" (id INT PRIMARY KEY)").await;
    db.run("CREATE SNAPSHOT before").await;
    db.run("INSERT INTO orders VALUES (1); INSERT INTO \"a.b\" VALUES (1), (2)").await;
    let changes =
        |name: &str| format!("SELECT count(*) FROM table_diff('{name}', 'snapshot:before', 'latest')");
    for name in ["orders", "Orders", "public.ORDERS", "\"orders\"", " main . public . orders "] {
        assert_eq!(db.one(&changes(name)).await, "1", "{name}");
    }
    assert_eq!(db.one(&changes("\"a.b\"")).await, "2");
    assert_eq!(db.one("SELECT count(*) FROM row_history('Orders', 1)").await, "1");
    for (name, state) in
        [("\"Orders\"", "42P01"), ("a.b", "3F000"), ("a b", "42601"), ("", "42601"), ("a.b.c.d", "42601")]
    {
        assert_eq!(db.error(&changes(name)).await.sqlstate(), state, "{name}");
    }
}

#[tokio::test]
async fn a_view_in_a_database_whose_name_holds_an_at_sign_is_read_at_its_point() {
    let db =
        Db::with("CREATE DATABASE \"a@b\"; USE \"a@b\"; CREATE TABLE t (v INT); INSERT INTO t VALUES (1)")
            .await;
    db.run("CREATE VIEW total AS SELECT sum(v) AS total FROM \"a@b\".public.t").await;
    db.run("CREATE SNAPSHOT before; INSERT INTO t VALUES (10)").await;
    let both = "SELECT (SELECT total FROM total) - (SELECT total FROM total AS OF SNAPSHOT before)";
    assert_eq!(db.one(both).await, "10");
    let error = db.error("SELECT missing FROM t AS OF SNAPSHOT before").await;
    assert!(!error.to_string().contains('\u{2}'), "{error}");
}
