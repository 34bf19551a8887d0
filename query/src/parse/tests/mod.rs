mod script;
mod seam;
mod soup;

use sqlparser::ast::{TableFactor, Visit, Visitor};

use super::*;
use crate::error::{ErrorKind, Position};

fn ok(sql: &str) -> Parsed {
    parse(sql).unwrap_or_else(|error| panic!("{sql}: {error} ({:?})", error.hint()))
}

fn err(sql: &str) -> Error {
    match parse(sql) {
        Ok(parsed) => panic!("{sql} gave {:?}", parsed.statement),
        Err(error) => error,
    }
}

/// Every table read, with the text of its point.
fn tables(parsed: &Parsed) -> Vec<String> {
    struct Tables<'a>(&'a Parsed, Vec<String>);
    impl Visitor for Tables<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, table: &TableFactor) -> std::ops::ControlFlow<()> {
            if let TableFactor::Table { name, alias, version, .. } = table {
                let point = version
                    .as_ref()
                    .map(|version| format!(" @ {}", self.0.points[PointId::of(version).unwrap().0].text));
                let alias = alias.as_ref().map(|alias| format!(" as {}", alias.name));
                self.1.push(format!("{name}{}{}", point.unwrap_or_default(), alias.unwrap_or_default()));
            }
            std::ops::ControlFlow::Continue(())
        }
    }
    let mut found = Tables(parsed, Vec::new());
    let query = match &parsed.statement {
        Statement::Read(ReadStatement::Query(query)) => query,
        Statement::Change(ChangeStatement::CreateTableAs(create)) => &create.query,
        Statement::Define(DefineStatement::CreateView(view)) => &view.query,
        Statement::Read(ReadStatement::CopyTo(copy)) => &copy.query,
        Statement::Change(ChangeStatement::Insert(insert)) => match &insert.source {
            InsertSource::Query(query) => query,
            other => panic!("{other:?}"),
        },
        Statement::Explain(explain) => match &explain.statement {
            Explained::Read(ReadStatement::Query(query)) => query,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let _ = query.visit(&mut found);
    found.1
}

#[test]
fn every_spelling_of_a_point_lands_on_its_table_before_the_alias() {
    for (clause, kind) in [
        ("AS OF SNAPSHOT jan", "snapshot"),
        ("as of snapshot \"Jan\"", "snapshot"),
        ("AS OF SNAPSHOT 'jan'", "snapshot"),
        ("AS OF SNAPSHOT $1", "parameter"),
        ("AS OF TIMESTAMP '2024-01-31'", "timestamp"),
        ("AS OF TIMESTAMP now() - interval '1 hour'", "timestamp"),
        ("AS OF TIMESTAMP $1", "timestamp"),
        ("AS OF TIMESTAMP TIMESTAMP '2024-01-31'", "timestamp"),
        ("AS OF TIMESTAMP current_timestamp", "timestamp"),
        ("AS OF VERSION 12", "version"),
        ("AS OF VERSION $2", "version"),
        ("FOR SYSTEM_TIME AS OF '2024-01-31'", "timestamp"),
        ("FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-31'", "timestamp"),
        ("FOR SYSTEM_TIME AS OF SNAPSHOT jan", "snapshot"),
        ("FOR SYSTEM_TIME AS OF VERSION 7", "version"),
        ("TIMESTAMP AS OF '2024-01-31'", "timestamp"),
        ("VERSION AS OF 12", "version"),
        ("FOR VERSION AS OF 12", "version"),
        ("FOR TIMESTAMP AS OF '2024-01-31'", "timestamp"),
        ("AT (SNAPSHOT => jan)", "snapshot"),
        ("AT (SNAPSHOT => 'jan')", "snapshot"),
        ("AT (TIMESTAMP => '2024-01-31')", "timestamp"),
        ("AT(VERSION => 12)", "version"),
    ] {
        for alias in ["", " f", " AS f"] {
            let parsed = ok(&format!("SELECT count(*) FROM flights {clause}{alias} WHERE day = 1"));
            let shown = if alias.is_empty() { "" } else { " as f" };
            assert_eq!(tables(&parsed), [format!("flights @ {clause}{shown}")]);
            let found = match &parsed.points[0].syntax {
                PointSyntax::Snapshot(name) => {
                    assert!(name == "jan" || name == "Jan", "{name}");
                    "snapshot"
                }
                PointSyntax::SnapshotParameter(_) => "parameter",
                PointSyntax::Timestamp(_) => "timestamp",
                PointSyntax::Version(_) => "version",
            };
            assert_eq!(found, kind, "{clause}");
        }
    }
}

#[test]
fn points_stand_in_every_place_that_reads_a_table() {
    let jan = "flights @ AS OF SNAPSHOT jan";
    for (sql, expected) in [
        (
            "SELECT * FROM flights AS OF SNAPSHOT jan a JOIN flights b ON a.id = b.id",
            vec!["flights @ AS OF SNAPSHOT jan as a", "flights as b"],
        ),
        (
            "SELECT (SELECT count(*) FROM flights) - (SELECT count(*) FROM flights AS OF SNAPSHOT jan)",
            vec!["flights", jan],
        ),
        ("WITH o AS (SELECT * FROM flights AS OF SNAPSHOT jan) SELECT * FROM o", vec![jan, "o"]),
        (
            "WITH flights AS (SELECT * FROM flights AS OF SNAPSHOT jan) SELECT * FROM flights",
            vec![jan, "flights"],
        ),
        ("SELECT * FROM (SELECT * FROM flights AS OF SNAPSHOT jan) x", vec![jan]),
        ("SELECT * FROM a WHERE id IN (SELECT id FROM flights AS OF SNAPSHOT jan)", vec!["a", jan]),
        ("SELECT * FROM a, flights AS OF SNAPSHOT jan, b", vec!["a", jan, "b"]),
        ("SELECT * FROM a EXCEPT SELECT * FROM flights AS OF SNAPSHOT jan", vec!["a", jan]),
        ("INSERT INTO flights SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("CREATE TABLE x AS SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("CREATE TABLE x (PRIMARY KEY (id)) AS SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("CREATE VIEW v AS SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("COPY (SELECT * FROM flights AS OF SNAPSHOT jan) TO 'x.csv'", vec![jan]),
        ("COPY flights AS OF SNAPSHOT jan TO 'x.csv' (HEADER)", vec![jan]),
        ("EXPLAIN SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("EXPLAIN ANALYZE VERBOSE SELECT * FROM flights AS OF SNAPSHOT jan", vec![jan]),
        ("TABLE flights AS OF SNAPSHOT jan", vec![jan]),
    ] {
        assert_eq!(tables(&ok(sql)), expected, "{sql}");
    }
    let update = ok("UPDATE t SET a = (SELECT max(a) FROM u AS OF SNAPSHOT jan) WHERE id = 1");
    assert_eq!(update.points.len(), 1);
}

#[test]
fn as_of_system_time_is_the_point_of_the_whole_statement() {
    for sql in [
        "SELECT * FROM a JOIN b ON a.id = b.id AS OF SYSTEM TIME '-10m'",
        "SELECT * FROM a JOIN b ON a.id = b.id AS OF SYSTEM TIME '-10m' WHERE x = 1",
        "COPY (SELECT * FROM a JOIN b ON a.id = b.id AS OF SYSTEM TIME '-10m') TO 'f'",
        "CREATE TABLE c AS SELECT * FROM a JOIN b USING (id) AS OF SYSTEM TIME '-10m'",
    ] {
        let parsed = ok(sql);
        assert_eq!(parsed.default_point, Some(PointId(0)), "{sql}");
        assert_eq!(tables(&parsed), ["a", "b"]);
    }
    for sql in [
        "SELECT * FROM a AS OF SYSTEM TIME '-10m', b",
        "SELECT * FROM a AS OF SYSTEM TIME '-10m' JOIN b USING (id)",
        "SELECT 1 AS OF SYSTEM TIME '-10m' FROM a",
        "SELECT * FROM (SELECT * FROM a AS OF SYSTEM TIME '-10m') x",
        "SELECT * FROM a AS OF SYSTEM TIME '-10m' AS OF SYSTEM TIME '-5m'",
        "DELETE FROM a AS OF SYSTEM TIME '-10m'",
        "UPDATE a SET x = (SELECT max(x) FROM b) AS OF SYSTEM TIME '-10m'",
    ] {
        assert!(matches!(err(sql).sqlstate(), "0A000" | "42601"), "{sql}");
    }
}

#[test]
fn a_point_that_cannot_be_honoured_is_an_error_at_its_place() {
    for (sql, code, column) in [
        ("INSERT INTO t AS OF SNAPSHOT jan VALUES (1)", "42601", 15),
        ("UPDATE t AS OF SNAPSHOT jan SET a = 1", "0A000", 10),
        ("DELETE FROM t AS OF SNAPSHOT jan", "0A000", 15),
        ("WITH c AS (SELECT 1) SELECT * FROM c AS OF SNAPSHOT jan", "0A000", 38),
        ("SELECT * FROM generate_series(1, 3) AS OF SNAPSHOT jan", "42601", 37),
        ("SELECT * FROM (SELECT 1) AS OF SNAPSHOT jan", "42601", 26),
        ("SELECT * FROM t f AS OF SNAPSHOT jan", "42601", 19),
        ("SELECT a AS OF SNAPSHOT jan FROM t", "42601", 10),
        ("SELECT * FROM t AS OF SNAPSHOT jan AS OF SNAPSHOT feb", "42601", 36),
        ("SELECT * FROM t FOR SYSTEM_TIME ALL", "0A000", 17),
        ("SELECT * FROM t FOR SYSTEM_TIME BETWEEN 1 AND 2", "0A000", 17),
        ("SELECT * FROM t FOR SYSTEM_TIME FROM 1 TO 2", "0A000", 17),
        ("SELECT * FROM t AT (OFFSET => -60)", "0A000", 17),
        ("SELECT * FROM t BEFORE (TIMESTAMP => '2024-01-01')", "0A000", 17),
        ("SELECT * FROM t ACROSS SNAPSHOTS (a, b)", "0A000", 17),
        ("SELECT * FROM t AS OF TIMESTAMP ts", "22023", 33),
        ("SELECT * FROM t AS OF VERSION (SELECT 1)", "0A000", 31),
        ("CREATE TABLE t AS OF SNAPSHOT jan (a INT)", "42601", 19),
        ("COPY t AS OF SNAPSHOT jan FROM 'f'", "42601", 8),
        ("DROP TABLE t AS OF SNAPSHOT jan", "42601", 14),
    ] {
        let error = err(sql);
        assert_eq!(error.sqlstate(), code, "{sql}: {error}");
        assert_eq!(error.position(), Some(Position { line: 1, column }), "{sql}: {error}");
    }
}

#[test]
fn words_of_points_stay_names_of_columns_and_aliases() {
    for sql in [
        "SELECT snapshot, at, version, timestamp, before, changes FROM t",
        "SELECT a AS of FROM t",
        "SELECT a AS of, b FROM t",
        "SELECT version AS of FROM t",
        "SELECT version AS of, timestamp AS of FROM t",
        "SELECT * FROM t as_of",
        "SELECT * FROM t AS as_of WHERE as_of.id = 1",
        "SELECT * FROM t at",
        "SELECT at.id FROM t at JOIN u before ON at.id = before.id",
        "SELECT * FROM t AS at",
        "SELECT * FROM version",
        "SELECT * FROM snapshot s",
        "SELECT system_time FROM t",
        "SELECT ts AT TIME ZONE 'UTC' FROM t",
        "SELECT * FROM t version",
        "SELECT 'AS OF SNAPSHOT jan', \"AS OF SNAPSHOT jan\" FROM t -- AS OF SNAPSHOT jan",
        "SELECT restore, history, hold, retention FROM t",
    ] {
        assert!(ok(sql).points.is_empty(), "{sql}");
    }
    assert_eq!(tables(&ok("SELECT * FROM version AS OF SNAPSHOT jan")), ["version @ AS OF SNAPSHOT jan"]);
}

#[test]
fn what_the_planner_would_ignore_is_refused() {
    for sql in [
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR SHARE",
        "SELECT * FROM (SELECT * FROM t FOR UPDATE) x",
        "SELECT * FROM t TABLESAMPLE BERNOULLI (10)",
        "SELECT * FROM t WITH (NOLOCK)",
        "SELECT * INTO u FROM t",
        "SELECT * FROM t FETCH FIRST 3 ROWS WITH TIES",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (1) RETURNING id",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "UPDATE t SET a = 1 FROM u",
        "UPDATE t SET a = 1 RETURNING a",
        "UPDATE t SET (a, b) = (1, 2)",
        "UPDATE t SET a = 1 LIMIT 1",
        "DELETE FROM t USING u WHERE t.id = u.id",
        "DELETE FROM t RETURNING id",
        "DELETE FROM t LIMIT 1",
        "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE",
        "CREATE TABLE t (a INT UNIQUE)",
        "CREATE TABLE t (a INT, UNIQUE (a))",
        "CREATE TABLE t (a INT CHECK (a > 0))",
        "CREATE TABLE t (a INT REFERENCES u (a))",
        "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a))",
        "CREATE TABLE t (a INT GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (a SERIAL)",
        "CREATE TABLE t (a UUID)",
        "CREATE TABLE t (a INT) PARTITION BY RANGE (a)",
        "CREATE TABLE t (a INT) WITH (fillfactor = 70)",
        "CREATE TABLE c CLONE s",
        "CREATE TEMP TABLE t (a INT)",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x'",
        "CREATE INDEX i ON t (a)",
        "CREATE SEQUENCE s",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE MATERIALIZED VIEW v AS SELECT 1",
        "ALTER TABLE t ADD COLUMN a INT",
        "ALTER TABLE t RENAME TO u",
        "DROP INDEX i",
        "TRUNCATE TABLE t",
        "COMMENT ON TABLE t IS 'x'",
        "UNDROP TABLE t",
        "SEAL SNAPSHOT jan",
        "VERIFY SNAPSHOT jan",
        "EXPLAIN ANALYZE DROP SNAPSHOT jan",
        "EXPLAIN ANALYZE DELETE FROM t",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "COMMIT AND CHAIN",
        "VACUUM",
        "SHOW DROPPED",
        "COPY t FROM STDIN",
        "COPY t FROM 'x' (FORMAT xml)",
        "COPY t FROM 'x' (FORCE_NULL 'a')",
        "RESTORE TABLE t TO SNAPSHOT jan AS t2",
        "RESTORE TABLE t TO SNAPSHOT jan WHERE id = 1",
        "RESTORE TABLE t TO SNAPSHOT jan WITH SCHEMA",
        "RESTORE DATABASE TO SNAPSHOT jan WITH SEQUENCES",
    ] {
        let error = err(sql);
        assert_eq!((error.sqlstate(), error.kind()), ("0A000", ErrorKind::Unsupported), "{sql}: {error}");
        assert!(error.message().ends_with("is not supported"), "{sql}: {error}");
    }
}

#[test]
fn syntax_errors_name_line_and_column() {
    for (sql, line, column) in [
        ("SELEC 1", 1, 1),
        ("SELECT *\nFROM t\nWHER x = 1", 3, 6),
        ("SELECT 1,\n  FROM", 2, 7),
        ("CREATE SNAPSHOT jan FOR\n  TABEL t", 2, 3),
        ("RESTORE TABLE t\nTO jan", 2, 4),
        ("SELECT 'abc", 1, 8),
        ("SELECT 1; SELECT 2", 1, 11),
        ("DROP SNAPSHOT jan feb", 1, 19),
        ("COMMIT now", 1, 8),
        ("SELECT * FROM t AS OF SNAPSHOT jan WHERE", 1, 41),
    ] {
        let error = err(sql);
        assert_eq!(error.sqlstate(), "42601", "{sql}: {error}");
        assert_eq!(error.position(), Some(Position { line, column }), "{sql}: {error}");
    }
    assert_eq!(err("SELEC 1").hint(), Some("did you mean select?"));
    assert_eq!(err("").sqlstate(), "42601");
    assert_eq!(err(&format!("SELECT {}1", "(".repeat(5000))).sqlstate(), "54000");
    let script = parse_script("SELECT 1;\nSELECT 2;\n  FROB").unwrap_err();
    assert_eq!(script.position(), Some(Position { line: 3, column: 3 }));
}

#[test]
fn snapshots_are_created_in_both_grammars() {
    let Statement::Past(PastStatement::CreateSnapshot(create)) =
        ok("CREATE SNAPSHOT IF NOT EXISTS Dec31 FOR TABLE flights, public.planes AS OF VERSION 7 \
         EXPIRE AFTER '90 days' COMMENT 'year''s end'")
        .statement
    else {
        panic!()
    };
    assert!(create.if_not_exists);
    assert_eq!(create.name, "dec31");
    let Some(Scope::Tables(tables)) = &create.scope else { panic!() };
    assert_eq!(tables.iter().map(ToString::to_string).collect::<Vec<_>>(), ["flights", "public.planes"]);
    assert!(create.point.is_some());
    assert!(matches!(create.expiry, Some(Expiry::After(7_776_000_000_000))));
    assert_eq!(create.comment.as_deref(), Some("year's end"));

    let parsed = ok("CREATE SNAPSHOT s ON DATABASE db AS OF SYSTEM TIME '-1h' WITH description = 'x'");
    let Statement::Past(PastStatement::CreateSnapshot(create)) = parsed.statement else { panic!() };
    assert!(matches!(&create.scope, Some(Scope::Database(Some(name))) if name.last() == "db"));
    assert!(matches!(parsed.points[0].syntax, PointSyntax::Timestamp(_)));
    assert_eq!(create.comment.as_deref(), Some("x"));

    let Statement::Past(PastStatement::CreateSnapshot(create)) = ok("CREATE SNAPSHOT jan").statement else {
        panic!()
    };
    assert_eq!(create.scope, None);
    for sql in [
        "CREATE SNAPSHOT",
        "CREATE SNAPSHOT jan FOR",
        "CREATE SNAPSHOT jan COMMENT 'a' COMMENT 'b'",
        "CREATE SNAPSHOT jan EXPIRE",
        "CREATE SNAPSHOT jan WITH x = 'a'",
    ] {
        assert_eq!(err(sql).sqlstate(), "42601", "{sql}");
    }
    assert_eq!(err("CREATE SNAPSHOT jan EXPIRE AFTER '1 month'").sqlstate(), "22023");
    assert_eq!(err("CREATE SNAPSHOT jan FOR TABLE a, a").sqlstate(), "22023");
}

#[test]
fn restores_say_what_and_to_when() {
    let parsed = ok("RESTORE TABLE a, b TO SNAPSHOT jan IF UNCHANGED SINCE VERSION 12 DRY RUN");
    let Statement::Past(PastStatement::Restore(restore)) = &parsed.statement else { panic!() };
    assert!(restore.dry_run && restore.if_unchanged_since.is_some());
    assert_eq!(parsed.points[restore.point.0].syntax, PointSyntax::Snapshot("jan".to_owned()));

    let parsed = ok("RESTORE DATABASE TO TIMESTAMP '-5m'");
    let Statement::Past(PastStatement::Restore(restore)) = &parsed.statement else { panic!() };
    assert_eq!(restore.scope, Scope::Database(None));

    let parsed = ok("REVERT SNAPSHOT jan FROM TABLE flights");
    let Statement::Past(PastStatement::Restore(restore)) = &parsed.statement else { panic!() };
    assert!(matches!(&restore.scope, Scope::Tables(tables) if tables[0].last() == "flights"));
    assert_eq!(parsed.points[restore.point.0].syntax, PointSyntax::Snapshot("jan".to_owned()));
}

#[test]
fn snapshots_are_altered_and_dropped() {
    let change = |sql: &str| match ok(sql).statement {
        Statement::Past(PastStatement::AlterSnapshot(alter)) => alter.change,
        other => panic!("{other:?}"),
    };
    assert!(matches!(change("ALTER SNAPSHOT a RENAME TO b"), SnapshotChange::Rename(b) if b == "b"));
    assert!(matches!(
        change("ALTER SNAPSHOT a SET EXPIRE AFTER 7 days"),
        SnapshotChange::Expire(Expiry::After(_))
    ));
    assert!(matches!(
        change("ALTER SNAPSHOT a SET EXPIRE AT '2030-01-01'"),
        SnapshotChange::Expire(Expiry::At(_))
    ));
    assert!(matches!(change("ALTER SNAPSHOT a SET EXPIRE NEVER"), SnapshotChange::Expire(Expiry::Never)));
    assert!(
        matches!(change("ALTER SNAPSHOT a SET HOLD 'audit'"), SnapshotChange::Hold(reason) if reason == "audit")
    );
    assert!(matches!(change("ALTER SNAPSHOT a RELEASE HOLD"), SnapshotChange::ReleaseHold));
    assert!(matches!(change("ALTER SNAPSHOT a SET COMMENT NULL"), SnapshotChange::Comment(None)));
    let Statement::Past(PastStatement::DropSnapshot(drop)) = ok("DROP SNAPSHOT IF EXISTS a, 'B'").statement
    else {
        panic!()
    };
    assert_eq!((drop.names, drop.if_exists), (vec!["a".to_owned(), "B".to_owned()], true));
}

#[test]
fn tables_are_defined_with_types_keys_and_defaults() {
    let sql = "CREATE TABLE IF NOT EXISTS main.Flights (year INT, \"Day\" SMALLINT NOT NULL DEFAULT 1 + 1, \
               carrier VARCHAR(2), time TIMESTAMPTZ DEFAULT now(), PRIMARY KEY (year, \"Day\"))";
    let Statement::Define(DefineStatement::CreateTable(create)) = ok(sql).statement else { panic!() };
    assert_eq!(create.name.to_string(), "main.flights");
    assert_eq!(create.primary_key, ["year", "Day"]);
    let shown: Vec<String> = create
        .columns
        .iter()
        .map(|c| {
            format!(
                "{} {} {} {:?}",
                c.name,
                c.column_type,
                c.not_null,
                c.default.as_ref().map(|d| d.1.as_str())
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "year INTEGER true None",
            "Day SMALLINT true Some(\"1 + 1\")",
            "carrier VARCHAR(2) false None",
            "time TIMESTAMPTZ false Some(\"now()\")",
        ]
    );
    for (sql, code) in [
        ("CREATE TABLE t (a INT, a TEXT)", "42701"),
        ("CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY)", "42P16"),
        ("CREATE TABLE t (a INT, PRIMARY KEY (b))", "42703"),
        ("CREATE TABLE t (a INT, PRIMARY KEY (a, a))", "42701"),
        ("CREATE TABLE t ()", "42P16"),
        ("CREATE TABLE t (a INT NULL NOT NULL)", "42601"),
        ("CREATE TABLE t (a INT DEFAULT b)", "22023"),
        ("CREATE TABLE t", "42601"),
    ] {
        assert_eq!(err(sql).sqlstate(), code, "{sql}");
    }
}

#[test]
fn a_view_keeps_its_text_with_the_points() {
    let sql = "CREATE OR REPLACE VIEW v (a, b) AS\n SELECT x, y FROM t AS OF SNAPSHOT jan -- note\n";
    let Statement::Define(DefineStatement::CreateView(view)) = ok(sql).statement else { panic!() };
    assert!(view.or_replace);
    assert_eq!(view.columns, ["a", "b"]);
    assert_eq!(view.query_text, "SELECT x, y FROM t AS OF SNAPSHOT jan");
    assert_eq!(ok(&view.query_text).points.len(), 1);
    assert_eq!(err("CREATE VIEW v AS SELECT $1").sqlstate(), "0A000");
}

#[test]
fn data_changes_are_taken_apart() {
    let Statement::Change(ChangeStatement::Insert(insert)) =
        ok("INSERT INTO t (a, B) VALUES (1, DEFAULT), ($1, 'x')").statement
    else {
        panic!()
    };
    assert_eq!(
        (insert.table.to_string(), insert.columns),
        ("t".to_owned(), vec!["a".to_owned(), "b".to_owned()])
    );
    let InsertSource::Values(rows) = &insert.source else { panic!() };
    assert!(is_default(&rows[0][1]) && !is_default(&rows[1][1]));
    assert!(matches!(ok("INSERT INTO t DEFAULT VALUES").statement,
        Statement::Change(ChangeStatement::Insert(insert)) if matches!(insert.source, InsertSource::Defaults)));
    let Statement::Change(ChangeStatement::Update(update)) =
        ok("UPDATE flights f SET day = day + 1 WHERE f.id = 3").statement
    else {
        panic!()
    };
    assert_eq!((update.alias.as_deref(), update.assignments[0].0.as_str()), (Some("f"), "day"));
    assert!(
        matches!(ok("DELETE FROM t").statement, Statement::Change(ChangeStatement::Delete(delete)) if delete.selection.is_none())
    );
    assert_eq!(err("INSERT INTO t (a, a) VALUES (1, 2)").sqlstate(), "42701");
    assert_eq!(err("UPDATE t SET a = 1, a = 2").sqlstate(), "42601");
    assert_eq!(err("INSERT INTO t VALUES (1), (1, 2)").sqlstate(), "42601");
}

#[test]
fn transactions_sessions_and_procedures() {
    let Statement::Session(SessionStatement::Begin(begin)) =
        ok("BEGIN TRANSACTION READ ONLY AS OF SNAPSHOT jan").statement
    else {
        panic!()
    };
    assert!(begin.read_only && begin.point.is_some());
    let Statement::Session(SessionStatement::Begin(begin)) =
        ok("START TRANSACTION ISOLATION LEVEL SNAPSHOT, READ WRITE").statement
    else {
        panic!()
    };
    assert!(!begin.read_only);
    assert!(
        matches!(ok("BEGIN AS OF VERSION 3").statement, Statement::Session(SessionStatement::Begin(begin)) if begin.read_only)
    );
    assert_eq!(err("BEGIN READ WRITE AS OF VERSION 3").sqlstate(), "25006");
    assert!(matches!(ok("END").statement, Statement::Session(SessionStatement::Commit)));
    assert!(
        matches!(ok("ROLLBACK TO SAVEPOINT a").statement, Statement::Session(SessionStatement::RollbackTo(a)) if a == "a")
    );
    assert!(matches!(ok("SET as_of = 'snapshot:jan'").statement,
        Statement::Session(SessionStatement::Set(set)) if set.name == "as_of" && set.value.as_deref() == Some("snapshot:jan")));
    assert!(
        matches!(ok("SET TIME ZONE 'Europe/Berlin'").statement, Statement::Session(SessionStatement::Set(set)) if set.name == "timezone")
    );
    assert!(matches!(ok("SET LOCAL a.b TO -3").statement,
        Statement::Session(SessionStatement::Set(set)) if set.local && set.name == "a.b" && set.value.as_deref() == Some("-3")));
    assert!(
        matches!(ok("RESET as_of").statement, Statement::Session(SessionStatement::Reset(Some(name))) if name == "as_of")
    );
    assert!(matches!(ok("RESET ALL").statement, Statement::Session(SessionStatement::Reset(None))));
    assert!(matches!(
        ok("SHOW HISTORY FOR flights").statement,
        Statement::Past(PastStatement::ShowHistory(Some(_)))
    ));
    assert!(matches!(
        ok("SHOW as_of").statement,
        Statement::Session(SessionStatement::Show(ShowStatement::Setting(Some(_))))
    ));
    assert!(matches!(
        ok("CALL compact()").statement,
        Statement::Past(PastStatement::Call(Procedure::Compact))
    ));
    assert_eq!(err("CALL compat()").hint(), Some("did you mean compact?"));
    assert!(matches!(ok("ALTER TABLE t SET retention = '7 days'").statement,
        Statement::Past(PastStatement::AlterRetention(alter)) if alter.retention_us == Some(604_800_000_000)));
    assert!(matches!(ok("ALTER DATABASE SET retention = '36h'").statement,
        Statement::Past(PastStatement::AlterRetention(alter)) if alter.table.is_none() && alter.database.is_none()));
}

#[test]
fn a_prepared_statement_keeps_its_own_points() {
    let parsed = ok("PREPARE q (INT, TEXT) AS SELECT * FROM t AS OF SNAPSHOT $2 WHERE id = $1");
    let Statement::Session(SessionStatement::Prepare(prepare)) = parsed.statement else { panic!() };
    assert_eq!((prepare.name.as_str(), prepare.types.len(), prepare.body.points.len()), ("q", 2, 1));
    assert_eq!(&*prepare.body.text, "SELECT * FROM t AS OF SNAPSHOT $2 WHERE id = $1");
    let Statement::Session(SessionStatement::Execute(execute)) = ok("EXECUTE q (1, 'jan')").statement else {
        panic!()
    };
    assert_eq!(execute.arguments.len(), 2);
}

#[test]
fn copy_reads_its_options_in_every_common_form() {
    let Statement::Change(ChangeStatement::CopyFrom(copy)) = ok(
        "COPY flights (year, day) FROM 'a/flights.csv' WITH (FORMAT csv, HEADER, NULL 'NA', DELIMITER ';', QUOTE '''')",
    )
    .statement
    else {
        panic!()
    };
    assert_eq!((copy.path.as_str(), copy.columns.len()), ("a/flights.csv", 2));
    assert_eq!(
        copy.options,
        CopyOptions {
            format: FileFormat::Csv,
            header: Header::Present,
            delimiter: b';',
            quote: b'\'',
            escape: b'\'',
            null: "NA".to_owned()
        }
    );
    let Statement::Read(ReadStatement::CopyTo(copy)) = ok("COPY t TO 'x.parquet'").statement else {
        panic!()
    };
    assert_eq!(copy.options.format, FileFormat::Parquet);
    let Statement::Read(ReadStatement::CopyTo(copy)) =
        ok("COPY (SELECT 1) TO 'x' (FORMAT 'csv', HEADER true)").statement
    else {
        panic!()
    };
    assert_eq!(copy.options.header, Header::Present);
    for (sql, code) in [
        ("COPY t FROM 'x' WITH (HEADER, HEADER)", "42601"),
        ("COPY t FROM 'x' CSV HEADER", "42601"),
        ("COPY t FROM 'x' (DELIMITER 'ab')", "22023"),
        ("COPY t FROM 'x' (HEADER maybe)", "22023"),
        ("COPY t FROM 'x.parquet' (HEADER)", "22023"),
        ("COPY t FROM ''", "22023"),
        ("COPY t", "42601"),
        ("COPY (SELECT 1) FROM 'x'", "42601"),
    ] {
        assert_eq!(err(sql).sqlstate(), code, "{sql}");
    }
}

#[test]
fn names_fold_to_lower_case_unless_quoted() {
    let Statement::Define(DefineStatement::DropTable(drop)) =
        ok("DROP TABLE IF EXISTS Ledger.Public.\"Big\" CASCADE").statement
    else {
        panic!()
    };
    assert_eq!(drop.names[0].parts, ["ledger", "public", "Big"]);
    assert!(drop.cascade && drop.if_exists);
    assert_eq!(err("DROP TABLE a.b.c.d").sqlstate(), "42601");
}
