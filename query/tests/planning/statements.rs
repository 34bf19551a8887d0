//! Statements of any length.

fn repeat(count: usize, between: &str, term: impl Fn(usize) -> String) -> String {
    (0..count).map(term).collect::<Vec<_>>().join(between)
}

fn selected(items: &str) -> String {
    format!("SELECT {items} FROM t")
}

fn filtered(condition: &str) -> String {
    format!("SELECT count(*) FROM t WHERE {condition}")
}

fn items(count: usize, item: impl Fn(usize) -> String) -> String {
    selected(&repeat(count, ", ", item))
}

fn conditions(count: usize, between: &str, condition: impl Fn(usize) -> String) -> String {
    filtered(&repeat(count, between, condition))
}

/// `WITH` queries that read from each other.
fn with_row(count: usize, query: impl Fn(usize) -> String) -> String {
    let row = repeat(count, "", |i| format!(", c{} AS ({})", i + 1, query(i)));
    format!("WITH c0 AS (SELECT v, w FROM t){row} SELECT v FROM c{count}")
}

/// A name, the smaller of two numbers of terms, and the statement of so many.
pub(crate) type Statement = (&'static str, usize, fn(usize) -> String);

/// Statements without a limit, or with one of thousands.
pub(crate) const LINEAR: &[Statement] = &[
    ("OR of one column", 100, |n| conditions(n, " OR ", |i| format!("v = {i}"))),
    ("OR of two columns", 100, |n| conditions(n, " OR ", |i| format!("(v = {i} AND w = 'x{i}')"))),
    ("OR of constants", 100, |n| conditions(n, " OR ", |i| format!("{} = 0", i + 1))),
    ("OR of LIKE", 100, |n| conditions(n, " OR ", |i| format!("w LIKE '%y{i}'"))),
    ("OR of parameters", 100, |n| conditions(n, " OR ", |i| format!("v = ${}", i + 1))),
    ("AND of one column", 100, |n| conditions(n, " AND ", |i| format!("v <> {i}"))),
    ("AND of two columns", 100, |n| conditions(n, " AND ", |i| format!("(v <> {i} OR w = 'x3')"))),
    ("UNION ALL", 100, |n| repeat(n, " UNION ALL ", |i| format!("SELECT v FROM t WHERE v = {i}"))),
    ("UNION", 100, |n| repeat(n, " UNION ", |i| format!("SELECT v, {i} FROM t"))),
    ("EXCEPT", 100, |n| repeat(n, " EXCEPT ", |i| format!("SELECT v + {i} FROM t"))),
    ("IN of numbers", 100, |n| filtered(&format!("v IN ({})", repeat(n, ", ", |i| i.to_string())))),
    ("IN of texts", 100, |n| filtered(&format!("w IN ({})", repeat(n, ", ", |i| format!("'{i}'"))))),
    ("IN of rows", 100, |n| filtered(&format!("(v, w) IN ({})", repeat(n, ", ", |i| format!("({i}, 'x')"))))),
    ("IN of columns", 100, |n| filtered(&format!("v IN ({})", repeat(n, ", ", |i| format!("id + {i}"))))),
    ("IN of parameters", 100, |n| {
        filtered(&format!("v IN ({})", repeat(n, ", ", |i| format!("${}", i + 1))))
    }),
    ("= ANY of an array", 100, |n| {
        filtered(&format!("v = ANY (ARRAY[{}])", repeat(n, ", ", |i| i.to_string())))
    }),
    ("CASE", 100, |n| {
        selected(&format!("CASE {} END", repeat(n, " ", |i| format!("WHEN v = {i} THEN 'x{i}'"))))
    }),
    ("CASE v", 100, |n| {
        selected(&format!("CASE v {} END", repeat(n, " ", |i| format!("WHEN {i} THEN 'x{i}'"))))
    }),
    ("CASE that is compared", 100, |n| {
        filtered(&format!("CASE {} END = 'x1'", repeat(n, " ", |i| format!("WHEN v = {i} THEN 'x{i}'"))))
    }),
    ("CASE of columns", 100, |n| {
        selected(&format!("CASE {} END", repeat(n, " ", |i| format!("WHEN v = {i} THEN id + {i}"))))
    }),
    ("coalesce", 100, |n| selected(&format!("coalesce({})", repeat(n, ", ", |i| format!("v + {i}"))))),
    ("times and intervals", 100, |n| {
        selected(&format!("ts{}", repeat(n, "", |i| format!(" - INTERVAL '{i} month'"))))
    }),
    ("intervals", 100, |n| selected(&repeat(n, " + ", |i| format!("INTERVAL '{i} hours'")))),
    ("texts", 100, |n| selected(&repeat(n, " || ", |i| format!("'a{i}' || w")))),
    ("arrays", 100, |n| selected(&repeat(n, " || ", |i| format!("ARRAY[{i}, v]")))),
    ("sums", 100, |n| selected(&repeat(n, " + ", |i| format!("v + {i}")))),
    ("columns", 100, |n| items(n, |i| format!("v + {i} AS c{i}"))),
    ("columns of CASE", 100, |n| items(n, |i| format!("CASE WHEN v = {i} THEN w END AS c{i}"))),
    ("DISTINCT", 100, |n| {
        format!("SELECT DISTINCT {} FROM t", repeat(n, ", ", |i| format!("v + {i} AS c{i}")))
    }),
    ("GROUP BY", 100, |n| {
        format!("SELECT count(*) FROM t GROUP BY {}", repeat(n, ", ", |i| format!("v + {i}")))
    }),
    ("VALUES", 100, |n| {
        format!("SELECT count(*) FROM (VALUES {}) AS x", repeat(n, ", ", |i| format!("({i}, 'a')")))
    }),
    ("VALUES that are computed", 100, |n| {
        let rows = repeat(n, ", ", |i| format!("({i} + 1, upper('a'))"));
        format!("SELECT count(*) FROM (VALUES {rows}) AS x")
    }),
    ("INSERT", 100, |n| {
        let rows = repeat(n, ", ", |i| format!("({}, {i} + 1, 'a')", n * 1000 + i));
        format!("INSERT INTO t (id, v, w) VALUES {rows}")
    }),
    ("DELETE", 100, |n| format!("DELETE FROM t WHERE {}", repeat(n, " OR ", |i| format!("v = -{}", i + 1)))),
    ("WITH side by side", 25, |n| {
        let queries = repeat(n, ", ", |i| format!("c{i} AS (SELECT v FROM t WHERE v = {i})"));
        format!("WITH {queries} {}", repeat(n, " UNION ALL ", |i| format!("SELECT v FROM c{i}")))
    }),
    ("WITH in a row", 12, |n| with_row(n, |i| format!("SELECT v, w FROM c{i}"))),
    ("subqueries side by side", 20, |n| items(n, |i| format!("(SELECT max(v) FROM t AS u WHERE u.v > {i})"))),
];

/// Items for each of which DataFusion looks through all columns. A `SELECT` has at most 1,664 of these, or
/// 100 tables or windows.
pub(crate) const LIMITED: &[Statement] = &[
    ("counts", 100, |n| items(n, |i| format!("count(*) FILTER (WHERE v = {i})"))),
    ("sums of columns", 100, |n| items(n, |i| format!("sum(v + {i})"))),
    ("columns of a derived table", 100, |n| {
        let inner = items(n, |i| format!("v + {i} AS c{i}"));
        format!("SELECT * FROM ({inner}) AS x WHERE c0 > 1")
    }),
    ("groups that are shown", 100, |n| {
        let keys = repeat(n, ", ", |i| format!("v + {i}"));
        format!("SELECT {keys}, count(*) FROM t GROUP BY {keys}")
    }),
    ("ORDER BY", 100, |n| format!("SELECT v FROM t ORDER BY {}", repeat(n, ", ", |i| format!("v + {i}")))),
    ("windows alike", 100, |n| items(n, |i| format!("sum(v + {i}) OVER (PARTITION BY w ORDER BY id)"))),
    ("WITH in a row, grouped", 12, |n| {
        with_row(n, |i| format!("SELECT max(v) AS v, w FROM c{i} GROUP BY w"))
    }),
    ("left joins", 20, |n| {
        let joins = repeat(n, " ", |i| format!("LEFT JOIN t AS t{} ON t{}.id = t{i}.v", i + 1, i + 1));
        format!("SELECT count(*) FROM t AS t0 {joins}")
    }),
    ("subqueries inside each other", 3, |n| {
        let open = repeat(n, "", |i| format!("EXISTS (SELECT 1 FROM t AS t{i} WHERE t{i}.id = t.id AND "));
        filtered(&format!("{open} true{}", ")".repeat(n)))
    }),
];
