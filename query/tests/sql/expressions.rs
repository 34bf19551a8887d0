//! Meaning of expressions: numbers, operators, names of columns.

use crate::database::Db;

async fn doubles() -> Db {
    Db::with(
        "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE PRECISION, n DECIMAL(12, 2));
         INSERT INTO t VALUES (1, 1e-20, 0.30), (2, 0.30000000000000004, 1.10), (3, 0.3, 2.50), (4, 1e300, NULL)",
    )
    .await
}

#[tokio::test]
async fn doubles_keep_all_their_digits_beside_decimal_literals() {
    let db = doubles().await;
    assert_eq!(db.rows("SELECT id FROM t WHERE d > 0.0 ORDER BY id").await, ["1", "2", "3", "4"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE d = 0.3").await, ["3"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE d IN (0.3, 0.5)").await, ["3"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE d BETWEEN 0.29 AND 0.3").await, ["3"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE d = n").await, Vec::<String>::new());
    assert_eq!(db.rows("SELECT id FROM t WHERE d IN (SELECT n FROM t)").await, ["3"]);
    assert_eq!(db.one("SELECT coalesce(d, 0.0) FROM t WHERE id = 1").await, "1e-20");
    assert_eq!(db.one("SELECT CASE WHEN id = 1 THEN d ELSE 0.5 END FROM t WHERE id = 1").await, "1e-20");
    assert_eq!(db.one("SELECT d * 0.5 FROM t WHERE id = 1").await, "5e-21");
    assert_eq!(db.one("SELECT nullif(d, 0.5) FROM t WHERE id = 4").await, "1e300");
    assert_eq!(db.one("SELECT greatest(d, 0.5) FROM t WHERE id = 4").await, "1e300");
    assert_eq!(
        db.rows("SELECT d FROM t WHERE id = 1 UNION ALL SELECT 0.5 ORDER BY 1").await,
        ["1e-20", "0.5"]
    );
    assert_eq!(db.rows("VALUES (1e-20), (0.5), (NULL)").await, ["1e-20", "0.5", "∅"]);
    assert_eq!(db.one("SELECT count(*) FROM t a JOIN t b ON a.d = b.n").await, "1");
    db.run("CREATE TABLE c AS SELECT id, coalesce(d, 0.0) AS d FROM t").await;
    assert_eq!(db.one("SELECT d FROM c WHERE id = 1").await, "1e-20");
    db.run("PREPARE p AS SELECT id FROM t WHERE d = $1").await;
    assert_eq!(db.rows("EXECUTE p (0.3)").await, ["3"]);
}

#[tokio::test]
async fn decimals_are_exact_among_themselves_and_exponents_are_doubles() {
    let db = doubles().await;
    assert_eq!(db.one("SELECT 0.06 + 0.01").await, "0.07");
    assert_eq!(db.one("SELECT 0.1 + 0.2 = 0.3").await, "true");
    assert_eq!(db.rows("SELECT id FROM t WHERE n = 1.10").await, ["2"]);
    assert_eq!(db.one("SELECT 1e16 > 0.5").await, "true");
    assert_eq!(db.one("SELECT 1e308").await, "1e308");
    assert_eq!(db.one("SELECT -1e-200").await, "-1e-200");
    assert_eq!(db.one("SELECT 'NaN'::DOUBLE PRECISION > 0.5").await, "true");
    assert_eq!(db.one("SELECT 'inf'::DOUBLE PRECISION > 0.5").await, "true");
}

#[tokio::test]
async fn distinct_from_ends_before_and() {
    let db = Db::new().await;
    assert_eq!(db.one("SELECT 1 IS DISTINCT FROM 1 AND false").await, "false");
    assert_eq!(db.one("SELECT false IS DISTINCT FROM false AND false").await, "false");
    assert_eq!(db.one("SELECT 1 IS NOT DISTINCT FROM 1 AND 2 IS DISTINCT FROM 3").await, "true");
    assert_eq!(db.one("SELECT NULL IS DISTINCT FROM 1 OR false").await, "true");
    assert_eq!(db.one("SELECT 1 IS DISTINCT FROM 1 + 1").await, "true");
}

#[tokio::test]
async fn a_caret_is_a_power_and_a_hash_the_exclusive_or() {
    let db = Db::new().await;
    assert_eq!(db.one("SELECT 2 ^ 10, 5 # 3").await, "1024.0|6");
    assert_eq!(db.one("SELECT 3 * 2 ^ 2").await, "12.0");
    assert_eq!(db.one("SELECT -2 ^ 2, 1 - -2 * 3, -'3'::INT").await, "4.0|7|-3");
}

#[tokio::test]
async fn casts_to_integers_round() {
    let db = Db::with("CREATE TABLE t (id INT PRIMARY KEY, v INT)").await;
    assert_eq!(db.one("SELECT 2.7::INT, 2.5::INT, (-2.5)::INT, 2.4::BIGINT").await, "3|3|-3|2");
    assert_eq!(db.one("SELECT 25e-1::INT, 35e-1::BIGINT, 2.7e0::INT").await, "2|4|3");
    db.run("INSERT INTO t VALUES (1, 2.7)").await;
    db.run("UPDATE t SET v = v + 0.5 WHERE id = 1").await;
    assert_eq!(db.one("SELECT v FROM t").await, "4");
}

#[tokio::test]
async fn arithmetic_out_of_range_fails() {
    let db = Db::with(
        "CREATE TABLE t (b BIGINT, i INT, n DECIMAL(38, 0));
         INSERT INTO t VALUES (9223372036854775807, 2147483647, 99999999999999999999999999999999999999)",
    )
    .await;
    for wrong in ["b + 1", "b - -1", "b * 2", "i + i::INT", "n + n", "n * 10", "9223372036854775807 + 1"] {
        assert_eq!(db.state(&format!("SELECT {wrong} FROM t")).await, "22003", "{wrong}");
    }
    assert_eq!(db.one("SELECT b - 1, i - 1 FROM t").await, "9223372036854775806|2147483646");
    assert_eq!(
        db.one("SELECT sum(b) FROM (SELECT b FROM t UNION ALL SELECT b FROM t) x").await,
        "18446744073709551614"
    );
    assert_eq!(db.one("SELECT sum(b) OVER (ORDER BY b) FROM t").await, "9223372036854775807");
}

#[tokio::test]
async fn values_of_decimals_and_doubles_are_doubles() {
    let db = Db::new().await;
    let of = |list: &str| format!("SELECT v FROM (VALUES {list}) AS t (v)");
    assert_eq!(
        db.rows(&of("(1.5), (1e300), (12345), (1e-300)")).await,
        ["1.5", "1e300", "12345.0", "1e-300"]
    );
    assert_eq!(db.rows(&of("(123456789012345678901.5), (2e0)")).await, ["1.2345678901234568e20", "2.0"]);
}

#[tokio::test]
async fn a_condition_guards_the_division_behind_it() {
    let db =
        Db::with("CREATE TABLE t (id INT PRIMARY KEY, n DOUBLE PRECISION, d DOUBLE PRECISION, i INT)").await;
    db.run("INSERT INTO t VALUES (1, 10, 0, 0), (2, 10, 1, 1), (3, NULL, 0, 0), (4, 12, NULL, NULL)").await;
    assert_eq!(db.rows("SELECT id FROM t WHERE d <> 0 AND n / d > 5").await, ["2"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE i <> 0 AND 10 / i > 5").await, ["2"]);
    assert_eq!(db.rows("SELECT id FROM t WHERE id = 2 AND i <> 0 AND 10 % i = 0").await, ["2"]);
    assert_eq!(db.one("SELECT n / d FROM t WHERE id = 3").await, "∅");
    assert_eq!(db.state("SELECT n / d FROM t WHERE id = 1").await, "22012");
    assert_eq!(db.state("SELECT id FROM t WHERE n / d > 5").await, "22012");
}

#[tokio::test]
async fn joins_using_one_column_of_three_tables_compare_with_what_it_means_so_far() {
    let db = Db::with(
        "CREATE TABLE a (k INT PRIMARY KEY, x TEXT); CREATE TABLE b (k INT PRIMARY KEY, y TEXT);
         CREATE TABLE c (k INT PRIMARY KEY, z TEXT); CREATE TABLE d (k INT PRIMARY KEY, w TEXT);
         INSERT INTO a VALUES (1, 'a1'); INSERT INTO b VALUES (2, 'b2'); INSERT INTO c VALUES (2, 'c2'), (1, 'c1');
         INSERT INTO d VALUES (2, 'd2')",
    )
    .await;
    assert_eq!(
        db.rows("SELECT * FROM a FULL JOIN b USING (k) FULL JOIN c USING (k) ORDER BY k").await,
        ["1|a1|∅|c1", "2|∅|b2|c2"]
    );
    assert_eq!(
        db.rows("SELECT k, x, y, z FROM a RIGHT JOIN b USING (k) JOIN c USING (k)").await,
        ["2|∅|b2|c2"]
    );
    assert_eq!(
        db.rows("SELECT k, y, z, w FROM b JOIN c USING (k) JOIN d USING (k) LEFT JOIN a USING (k)").await,
        ["2|b2|c2|d2"]
    );
}

#[tokio::test]
async fn arguments_become_the_types_of_their_parameters_as_casts_do() {
    let db = Db::with(
        "CREATE TABLE t (id BYTEA PRIMARY KEY); INSERT INTO t VALUES ('\\xdeadbeef');
         PREPARE bytes (BYTEA) AS SELECT octet_length($1);
         PREPARE whole (INT) AS SELECT $1;
         PREPARE truth (BOOLEAN) AS SELECT $1",
    )
    .await;
    assert_eq!(db.one("EXECUTE bytes('\\xdeadbeef')").await, "4");
    for (argument, value) in [
        ("7.6", "8"),
        ("2.5", "3"),
        ("-2.5", "-3"),
        ("2.5::double precision", "2"),
        ("' 12 '", "12"),
        ("NULL", "∅"),
    ] {
        assert_eq!(db.one(&format!("EXECUTE whole({argument})")).await, value, "{argument}");
    }
    assert_eq!(db.one("EXECUTE truth('yes')").await, "true");
    assert_eq!(db.state("EXECUTE whole('7.6')").await, "22P02");
    assert_eq!(db.state("EXECUTE whole(3000000000)").await, "22003");
    assert_eq!(db.one("SELECT count(*) FROM row_history('t', '\\xdeadbeef')").await, "1");
}
