//! `NOT IN` and its relatives for each outer row, with the answers of Postgres.

use crate::correlated::assert_answers;

/// Queries with NULLs on both sides, and their rows.
const MEMBERSHIP: &[(&str, &str)] = &[
    ("SELECT id FROM o WHERE 3 NOT IN (SELECT x FROM n WHERE n.g=o.g) ORDER BY id", "1, ∅, ∅"),
    ("SELECT id FROM o WHERE id NOT IN (SELECT x FROM n WHERE n.g=o.g) ORDER BY id", "∅"),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.id = t1.id) ORDER BY id", "2, 4, ∅"),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z > t1.z) ORDER BY id", ""),
    ("SELECT id FROM t1 WHERE NOT (id IN (SELECT t2.id FROM t2 WHERE t2.z > t1.z)) ORDER BY id", ""),
    (
        "SELECT id FROM t1 WHERE NOT (NOT (id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z))) ORDER \
         BY id",
        "2, 4",
    ),
    ("SELECT id FROM t1 WHERE id <> ALL (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY id", "2, 4"),
    ("SELECT id FROM t1 WHERE NOT id = ANY (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY id", "2, 4"),
    ("SELECT id FROM t1 WHERE id = ANY (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY id", "1"),
    (
        "SELECT id FROM t1 WHERE z > 25 OR id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER \
         BY id",
        "2, 4, ∅",
    ),
    (
        "SELECT id, id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) AS x FROM t1 ORDER BY z",
        "1|false, 2|true, ∅|∅, 4|true",
    ),
    (
        "SELECT id, id IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) AS x FROM t1 ORDER BY z",
        "1|true, 2|false, ∅|∅, 4|false",
    ),
    (
        "SELECT id, CASE WHEN id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) THEN 'a' ELSE 'b' \
         END AS x FROM t1 ORDER BY z",
        "1|b, 2|a, ∅|b, 4|a",
    ),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT max(t2.id) FROM t2 WHERE t2.z < t1.z) ORDER BY id", "2, 4"),
    ("SELECT id FROM t1 WHERE 1 NOT IN (SELECT count(*) FROM t2 WHERE t2.z < t1.z) ORDER BY z", "2, ∅, 4"),
    ("SELECT id FROM t1 WHERE 1 IN (SELECT count(*) FROM t2 WHERE t2.z < t1.z) ORDER BY z", "1"),
    ("SELECT id FROM t1 WHERE 0 IN (SELECT count(*) FROM t2 WHERE t2.id = t1.id) ORDER BY z", "2, ∅, 4"),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z ORDER BY t2.z \
         LIMIT 1) ORDER BY z",
        "2, 4",
    ),
    (
        "SELECT id FROM t1 WHERE id IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z ORDER BY t2.z LIMIT 1) \
         ORDER BY z",
        "1",
    ),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z OFFSET 1) ORDER BY \
         z",
        "1, 2, 4",
    ),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z GROUP BY t2.id) \
         ORDER BY z",
        "2, 4",
    ),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z GROUP BY t2.id \
         HAVING count(*) > 1) ORDER BY z",
        "1, 2, ∅, 4",
    ),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT DISTINCT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY \
         z",
        "2, 4",
    ),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z UNION ALL SELECT \
         4) ORDER BY z",
        "2",
    ),
    ("SELECT id FROM t1 WHERE id + 1 NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY z", "1, 2"),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2) ORDER BY z", ""),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.id IS NOT NULL) ORDER BY z", "2, 4"),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE false) ORDER BY z", "1, 2, ∅, 4"),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t1.z > 15) ORDER BY z", "1"),
    ("SELECT id FROM t1 WHERE NULL NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY z", ""),
    (
        "SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z AND t2.id IN \
         (SELECT n.x FROM n WHERE n.g = t1.id)) ORDER BY z",
        "2, ∅, 4",
    ),
    ("SELECT id FROM t1 WHERE id NOT IN (SELECT t2.id + t1.z FROM t2) ORDER BY z", ""),
    ("SELECT id FROM t1 WHERE id IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z) IS NULL ORDER BY z", "∅"),
    (
        "SELECT id FROM t1 WHERE (id NOT IN (SELECT t2.id FROM t2 WHERE t2.z < t1.z)) IS NOT TRUE \
         ORDER BY z",
        "1, ∅",
    ),
    ("SELECT count(*) FROM t1 JOIN t2 ON t1.id NOT IN (SELECT n.x FROM n WHERE n.g = t2.id)", "10"),
    (
        "SELECT a.id FROM t1 a LEFT JOIN t2 b ON a.id = b.id AND a.id NOT IN (SELECT x FROM n WHERE \
         n.g = b.z) ORDER BY a.z",
        "1, 2, ∅, 4",
    ),
    ("SELECT 3 NOT IN (SELECT x FROM n WHERE n.g=o.g) FROM o ORDER BY g, id", "true, true, ∅, false, true"),
    ("SELECT id FROM t1 WHERE id > ALL (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY z", ""),
    ("SELECT id FROM t1 WHERE id >= ANY (SELECT t2.id FROM t2 WHERE t2.z < t1.z) ORDER BY z", "1, 2, 4"),
    (
        "SELECT id FROM t1 WHERE EXISTS (SELECT 1 FROM t2 WHERE t2.z < t1.z AND t1.id NOT IN (SELECT \
         x FROM n WHERE n.g = t2.id)) ORDER BY z",
        "2, ∅, 4",
    ),
];

#[tokio::test]
async fn membership_knows_null_for_each_outer_row() {
    assert_answers(MEMBERSHIP).await;
}
