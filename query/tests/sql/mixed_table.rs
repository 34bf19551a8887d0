//! A table with a column of each common type and NULLs in them, and one of offsets into it.

pub(crate) const MIXED_TABLE: &str = "CREATE TABLE t (id INT, a INT, b BIGINT, f FLOAT8, s TEXT, d DATE, k BOOLEAN);
    INSERT INTO t VALUES (1,10,100,1.5,'a','2024-01-01',true),(2,20,200,2.5,'b','2024-01-02',false),(3,NULL,300,NULL,'c',NULL,NULL),(4,40,NULL,4.5,NULL,'2024-01-04',true);
    CREATE TABLE off (id INT, n INT, z TEXT);
    INSERT INTO off VALUES (1,1,'x'),(2,2,'y'),(3,0,'z'),(4,3,NULL);";
