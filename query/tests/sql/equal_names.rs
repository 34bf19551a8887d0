//! Expressions that come to one name, or to one expression, and are two columns.

use crate::{database::Db, mixed_table::MIXED_TABLE};

#[tokio::test]
async fn equal_windows_and_casts_of_one_argument_are_columns_of_their_own() {
    let db = Db::with(MIXED_TABLE).await;
    db.assert_answers(&[
        ("SELECT id, lag(a,1) OVER (ORDER BY id) AS x, lag(a,1+0) OVER (ORDER BY id) AS y FROM t ORDER BY id", "1|∅|∅, 2|10|10, 3|20|20, 4|∅|∅"),
        ("SELECT id, ntile(1+1) OVER (ORDER BY id) AS x, ntile(2) OVER (ORDER BY id) AS y FROM t ORDER BY id", "1|1|1, 2|1|1, 3|2|2, 4|2|2"),
        ("SELECT id, nth_value(a, 2) OVER (ORDER BY id), nth_value(a, 1+1) OVER (ORDER BY id) FROM t ORDER BY id", "1|∅|∅, 2|20|20, 3|20|20, 4|20|20"),
        ("SELECT id, sum(a) OVER (ORDER BY id) AS x, sum(a+0) OVER (ORDER BY id) AS y FROM t ORDER BY id", "1|10|10, 2|30|30, 3|30|30, 4|70|70"),
        ("SELECT id, sum(a+(1+1)) OVER (ORDER BY id) AS x, sum(a+2) OVER (ORDER BY id) AS y FROM t ORDER BY id", "1|12|12, 2|34|34, 3|34|34, 4|76|76"),
        ("SELECT sum(a+(1+1)) AS x, sum(a+2) AS y FROM t", "76|76"),
        ("SELECT sum(b) AS x, sum(b::float8) AS y FROM t", "600|600"),
        ("SELECT sum(b), sum(b::float8) FROM t", "600|600"),
        ("SELECT sum(a) AS x, sum(a::bigint) AS y, sum(a::smallint) AS z FROM t", "70|70|70"),
        ("SELECT count(a), count(a::bigint), count(a::text), count(distinct a), count(distinct a::bigint) FROM t", "3|3|3|3|3"),
        ("SELECT sum(b) OVER (), sum(b::float8) OVER () FROM t LIMIT 1", "600|600"),
        ("SELECT id, sum(b) FILTER (WHERE k) OVER (ORDER BY id), sum(b::float8) FILTER (WHERE k) OVER (ORDER BY id) FROM t ORDER BY id", "1|100|100, 2|100|100, 3|100|100, 4|100|100"),
        ("SELECT max(b), max(b::float8), min(b), min(b::text) FROM t", "300|300|100|100"),
        ("SELECT max(id::text), last_value(1) OVER (ORDER BY max(id::text)) FROM t", "4|1"),
        ("SELECT max(id::text) AS m, sum(count(*)) OVER (ORDER BY max(id::text), k) FROM t GROUP BY k ORDER BY max(id::text)", "2|1, 3|2, 4|4"),
        ("SELECT rank() OVER (ORDER BY a::text || 'x'), a::text || 'x' FROM t GROUP BY a::text || 'x' ORDER BY 1", "1|10x, 2|20x, 3|40x, 4|∅"),
        ("SELECT sum(sum(a::float8 + 1)) OVER (PARTITION BY a::bigint + 1 ORDER BY k) FROM t GROUP BY a::bigint + 1, k ORDER BY 1", "11, 21, 41, ∅"),
        ("SELECT DISTINCT a, a::bigint FROM t ORDER BY 1", "10|10, 20|20, 40|40, ∅|∅"),
        ("SELECT id, row_number() OVER (ORDER BY a), row_number() OVER (ORDER BY a::bigint) FROM t ORDER BY id", "1|1|1, 2|2|2, 3|4|4, 4|3|3"),
        ("SELECT id, row_number() OVER (PARTITION BY a ORDER BY id), row_number() OVER (PARTITION BY a::bigint ORDER BY id) FROM t ORDER BY id", "1|1|1, 2|1|1, 3|1|1, 4|1|1"),
        ("SELECT id, sum(a) OVER (ORDER BY c) FROM (SELECT id, a, 1 AS c FROM t) x ORDER BY id", "1|70, 2|70, 3|70, 4|70"),
        ("SELECT id, row_number() OVER (ORDER BY c, id) FROM (SELECT id, a, 1 AS c FROM t) x ORDER BY id", "1|1, 2|2, 3|3, 4|4"),
        ("SELECT id, row_number() OVER (PARTITION BY c ORDER BY id) FROM (SELECT id, a, 1 AS c FROM t) x ORDER BY id", "1|1, 2|2, 3|3, 4|4"),
        ("SELECT id, row_number() OVER (ORDER BY id, c) FROM (SELECT id, a, 'k' AS c FROM t) x ORDER BY id", "1|1, 2|2, 3|3, 4|4"),
        ("SELECT id, c FROM (SELECT id, a, 1 AS c FROM t) x ORDER BY c, id", "1|1, 2|1, 3|1, 4|1"),
        ("SELECT id, c, rank() OVER (ORDER BY c) FROM (SELECT id, a, 1 AS c FROM t) x ORDER BY c, id", "1|1|1, 2|1|1, 3|1|1, 4|1|1"),
        ("SELECT id, c, rank() OVER (ORDER BY c DESC), rank() OVER (ORDER BY c, id) FROM (SELECT id, a, NULL::int AS c FROM t) x ORDER BY c, id", "1|∅|1|1, 2|∅|1|2, 3|∅|1|3, 4|∅|1|4"),
        ("SELECT id, c, rank() OVER (ORDER BY c DESC, id) FROM (SELECT id, a, 5 AS c FROM t WHERE a = 10) x ORDER BY c, id", "1|5|1"),
        ("SELECT id, a, rank() OVER (ORDER BY a) FROM t WHERE a = 10 ORDER BY a", "1|10|1"),
        ("SELECT id, a, rank() OVER (PARTITION BY a ORDER BY id), sum(b) OVER (PARTITION BY id ORDER BY a) FROM t WHERE a = 10 ORDER BY a, id", "1|10|1|100"),
        ("SELECT x.id, x.c, sum(x.id) OVER (ORDER BY x.c, t.id) FROM t JOIN (SELECT id, 1 AS c FROM t) x ON t.id = x.id ORDER BY x.c, x.id", "1|1|1, 2|1|3, 3|1|6, 4|1|10"),
        ("SELECT c, count(*) OVER (ORDER BY c) FROM (SELECT 1 AS c UNION ALL SELECT 1) u ORDER BY c", "1|2, 1|2"),
        ("SELECT c, count(*) OVER (ORDER BY c ROWS UNBOUNDED PRECEDING) FROM (SELECT 1 AS c FROM t LIMIT 2) u ORDER BY 2", "1|1, 1|2"),
        ("SELECT rank() OVER (ORDER BY id + 0), rank() OVER (ORDER BY id) FROM t ORDER BY 1", "1|1, 2|2, 3|3, 4|4"),
        ("SELECT id, count(*) OVER (PARTITION BY a > 5 AND true), count(*) OVER (PARTITION BY a > 5) FROM t ORDER BY id", "1|3|3, 2|3|3, 3|1|1, 4|3|3"),
        ("SELECT id, sum(a) FILTER (WHERE k AND true) OVER (ORDER BY id) AS x, sum(a) FILTER (WHERE k) OVER (ORDER BY id) AS y FROM t ORDER BY id", "1|10|10, 2|10|10, 3|10|10, 4|50|50"),
    ])
    .await;
}

#[tokio::test]
async fn tests_of_truth_are_never_null() {
    let db = Db::with(MIXED_TABLE).await;
    db.assert_answers(&[
        ("SELECT k IS TRUE AS x, count(*) FROM t GROUP BY k IS TRUE ORDER BY 1", "false|2, true|2"),
        ("SELECT id, k IS TRUE, k IS NOT TRUE, k IS UNKNOWN, k IS FALSE FROM t ORDER BY id", "1|true|false|false|false, 2|false|true|false|true, 3|false|true|true|false, 4|true|false|false|false"),
        ("SELECT id, sum(CASE WHEN (k IS TRUE) THEN 1 ELSE 0 END) OVER (ORDER BY id) FROM t ORDER BY id", "1|1, 2|1, 3|1, 4|2"),
        ("SELECT bool_and(k IS TRUE), bool_or(k IS NOT FALSE) FROM t", "false|true"),
        ("SELECT x, count(*) FROM (SELECT (k IS NOT FALSE) AS x FROM t) q GROUP BY x HAVING count(*) > 0 ORDER BY x", "false|1, true|3"),
        ("SELECT (true IS TRUE) AS x, count(*) FROM t GROUP BY 1", "true|4"),
        ("SELECT max(x) FROM (SELECT (NULL::boolean IS TRUE)::text AS x FROM t) q", "false"),
        ("SELECT bool_or(NULL IS TRUE) FROM t", "false"),
        ("SELECT bool_or((k AND NULL) IS TRUE), bool_and((k OR NULL) IS NOT UNKNOWN) FROM t", "false|false"),
    ])
    .await;
}
