//! Mistakes and accidents: each has its own message and exit status, and the database stays usable.

use crate::workplace::Workplace;

#[test]
fn a_run_stops_at_the_first_error_and_keeps_what_came_before() {
    let work = Workplace::new();
    work.write(
        "bad.sql",
        "CREATE TABLE t (v INTEGER);\nINSERT INTO t VALUES (1);\nSELECT w FROM t;\nINSERT INTO t VALUES (2);",
    );
    let errors = work.fails(1, &["db", "-f", "bad.sql"]);
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(errors.contains("[42703] at bad.sql:3:"), "{errors}");
    assert_eq!(work.ok(&["db", "SELECT * FROM t"]), "v\n1\n");
}

#[test]
fn wrong_usage_is_2() {
    let work = Workplace::new();
    work.fails(2, &[]);
    work.fails(2, &["db", "--format", "xml"]);
    work.fails(2, &["db", "-f", "missing.sql"]);
    work.fails(2, &["db", ".nonsense"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_is_3() {
    let work = Workplace::new();
    let directory = work.path("db");
    let database = bygone::Database::open(directory.to_str().unwrap()).await.unwrap();
    let errors = work.fails(3, &["db", "SELECT 1"]);
    assert!(errors.contains("cannot open db"), "{errors}");
    assert!(errors.contains(&std::process::id().to_string()), "the holder is named: {errors}");
    let errors = work.fails(3, &["db", "--readonly", "SELECT 1"]);
    assert!(errors.contains("hint: close the other process\n"), "readers wait for the lock too: {errors}");
    database.close().await.unwrap();
    assert_eq!(work.ok(&["db", "SELECT 1 AS n"]), "n\n1\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_open_a_directory_together_and_keep_writers_out() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let directory = work.path("db");
    let reader = bygone::Database::builder(directory.to_str().unwrap()).read_only(true).open().await.unwrap();
    assert_eq!(work.ok(&["db", "--readonly", "SELECT * FROM t"]), "v\n1\n");
    assert_eq!(work.ok(&["db", "--as-of", "latest", "SELECT * FROM t"]), "v\n1\n");
    let errors = work.fails(3, &["db", "SELECT 1"]);
    assert!(errors.contains("locked by another process: it is open for reading"), "{errors}");
    reader.close().await.unwrap();
    assert_eq!(work.ok(&["db", "SELECT 1 AS n"]), "n\n1\n");
}

#[test]
fn a_place_that_cannot_be_a_database_is_3() {
    let work = Workplace::new();
    work.write("file", "not a directory");
    assert!(work.fails(3, &["file", "SELECT 1"]).contains("cannot open file"));
}

#[test]
fn a_missing_database_opened_for_reading_is_3_and_creates_nothing() {
    let work = Workplace::new();
    for arguments in
        [&["missing", "--readonly", "SELECT 1"][..], &["missing", "--as-of", "latest", "SELECT 1"]]
    {
        let errors = work.fails(3, arguments);
        assert!(errors.contains("cannot open missing: there is no database at missing [3D000]"), "{errors}");
        assert!(!work.path("missing").exists());
    }
}

#[test]
fn a_directory_with_other_files_is_3_and_stays_as_it_is() {
    let work = Workplace::new();
    work.write("documents/letter.txt", "dear reader");
    work.write("documents/tmp/7a", "somebody's own");
    for arguments in [&["documents", "SELECT 1"][..], &["documents", "--readonly", "SELECT 1"]] {
        let errors = work.fails(3, arguments);
        let message = "there is no database at documents, but other files: letter.txt, tmp [3D000]";
        assert!(errors.contains(message), "{errors}");
        assert!(
            errors.contains("hint: correct the path; a new database needs a new or an empty directory"),
            "{errors}"
        );
    }
    assert!(work.path("documents/letter.txt").exists() && work.path("documents/tmp/7a").exists());
    assert!(!work.path("documents/LOCK").exists() && !work.path("documents/manifest").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test damages a file")]
fn damaged_bytes_are_4_and_name_the_file() {
    let work = Workplace::new();
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let newest = std::fs::read_dir(work.path("db/manifest"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max()
        .unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(&newest, bytes).unwrap();
    let errors = work.fails(4, &["db", "SELECT * FROM t"]);
    assert!(errors.contains(newest.file_name().unwrap().to_str().unwrap()), "{errors}");
}

#[test]
fn bad_input_has_its_own_code_and_the_database_goes_on() {
    let work = Workplace::with_flights();
    work.ok(&["flights.db", "CREATE SNAPSHOT january"]);
    let refused = |sql: &str, code: &str, text: &str| {
        let errors = work.fails(1, &["flights.db", sql]);
        assert!(errors.contains(&format!("[{code}]")) && errors.contains(text), "{sql}: {errors}");
    };
    refused("SELECT * FROM flights AS OF SNAPSHOT januray", "42704", "january");
    refused("SELECT * FROM flights AS OF TIMESTAMP '2999-01-01'", "22023", "future");
    refused("SELECT * FROM flights AS OF TIMESTAMP '2001-01-01'", "72000", "hint: ");
    refused("SELECT * FROM flights AS OF TIMESTAMP 'soon'", "22023", "soon");
    refused("INSERT INTO airlines VALUES ('UA', 'again')", "23505", "UA");
    refused("SELECT * FROM flihgts", "42P01", "flights");
    refused("ALTER TABLE flights ADD COLUMN x INTEGER", "0A000", "not supported");
    refused("COPY airlines FROM 'missing.csv' WITH (FORMAT csv)", "58P01", "missing.csv");
    work.write("bad.csv", "carrier,name\nZZ,Zeppelin\nYY\n");
    refused("COPY airlines FROM 'bad.csv' WITH (FORMAT csv, HEADER)", "22P04", "bad.csv");
    assert_eq!(work.rows("SELECT count(*) FROM airlines"), "16\n");
    assert_eq!(work.rows("SELECT count(*) FROM flights"), "1785\n");
}

#[test]
fn a_name_is_never_a_path() {
    let work = Workplace::new();
    for sql in ["CREATE TABLE \"../escape\" (v INTEGER)", "CREATE SNAPSHOT \"../escape\""] {
        let output = work.run(&["db", sql]);
        assert!(output.status.code().is_some_and(|code| code <= 1), "{sql}");
        assert!(!work.path("escape").exists());
    }
}
