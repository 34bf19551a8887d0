//! Tables that share the name of a column, which is NULL in some rows; one of them is empty.

pub(crate) const KEYED_TABLES: &str =
    "CREATE TABLE a (k INT, v INT); INSERT INTO a VALUES (1, 10), (2, NULL), (3, 30), (NULL, 5);
    CREATE TABLE b (k INT, w INT); INSERT INTO b VALUES (2, 200), (3, 300), (4, 400), (NULL, 7);
    CREATE TABLE c (k INT, x INT); INSERT INTO c VALUES (4, 4000), (5, 5000);
    CREATE TABLE e (k INT, v INT)";
