//! `bygone check` and `bygone inspect`.

#![expect(clippy::disallowed_methods, reason = "the tests damage files")]

use std::path::PathBuf;

use crate::workplace::Workplace;

fn files(work: &Workplace, directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(work.path(directory)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn damage(path: &PathBuf, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 0x20;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_database_is_ok_and_nothing_in_it_changes() {
    let work = Workplace::with_flights();
    work.ok(&["flights.db", "CREATE SNAPSHOT january", "DELETE FROM flights WHERE origin = 'LGA'"]);
    work.ok(&["flights.db", "CREATE SNAPSHOT february FOR TABLE flights", "UPDATE airlines SET name = 'x'"]);
    let before: Vec<_> =
        ["data", "manifest"].map(|directory| files(&work, &format!("flights.db/{directory}"))).concat();
    let report = work.ok(&["check", "flights.db"]);
    assert!(report.ends_with("ok\n"), "{report}");
    // Flights at three moments (twice as many tables at the database's snapshot), airlines at two.
    let rows = report.lines().find(|line| line.contains(" rows of ")).unwrap();
    assert!(rows.contains("tables at 3 moments"), "{rows}");
    let after: Vec<_> =
        ["data", "manifest"].map(|directory| files(&work, &format!("flights.db/{directory}"))).concat();
    assert_eq!(before, after);
}

#[test]
fn damage_is_4_and_the_report_names_the_file() {
    let work = Workplace::with_flights();
    let table = files(&work, "flights.db/data").pop().unwrap();
    damage(&table, 10);
    let output = work.run(&["check", "flights.db"]);
    let (report, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(4), "{report}{errors}");
    let name = table.file_name().unwrap().to_str().unwrap();
    assert!(report.starts_with(&format!("corrupt: data/{name}: ")), "{report}");
    assert!(report.contains("not checked: the rows of the tables"), "{report}");
    assert!(errors.starts_with("error: flights.db is damaged: "), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_written_cannot_be_checked_and_one_that_is_read_can() {
    let work = Workplace::new();
    work.fails(3, &["check", "missing"]);
    work.ok(&["db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)"]);
    let location = work.path("db").to_str().unwrap().to_owned();
    let writer = bygone::Database::open(&location).await.unwrap();
    assert!(work.fails(3, &["check", "db"]).contains("locked"));
    writer.close().await.unwrap();
    let reader = bygone::Database::builder(&location).read_only(true).open().await.unwrap();
    assert!(work.ok(&["check", "db"]).ends_with("ok\n"));
    reader.close().await.unwrap();
}

#[test]
fn a_directory_called_check_stays_reachable() {
    let work = Workplace::new();
    work.ok(&["./check", "CREATE TABLE t (v INTEGER)"]);
    assert_eq!(work.ok(&["./check", "SELECT count(*) AS n FROM t"]), "n\n0\n");
    assert!(work.ok(&["check", "check"]).ends_with("ok\n"));
}

#[test]
fn every_file_is_inspected_and_damage_is_4() {
    let work = Workplace::with_flights();
    let table = files(&work, "flights.db/data").pop().unwrap();
    let manifest = files(&work, "flights.db/manifest").pop().unwrap();
    let epoch = files(&work, "flights.db/wal").pop();
    let log = epoch.map(|epoch| {
        files(&work, &format!("flights.db/wal/{}", epoch.file_name().unwrap().to_str().unwrap()))
    });
    let shown = work.ok(&["inspect", table.to_str().unwrap()]);
    for part in [
        "table file, ",
        "footer: file ",
        "section page index: ",
        "properties: layout ",
        "page 0: versions ",
        "  keys: ",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = work.ok(&["inspect", manifest.to_str().unwrap()]);
    assert!(shown.contains("keyspace ") && shown.contains("data/"), "{shown}");
    for segment in log.into_iter().flatten() {
        assert!(work.ok(&["inspect", segment.to_str().unwrap()]).contains("header: wal/"));
    }
    damage(&table, 5);
    let output = work.run(&["inspect", table.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stdout).unwrap().contains("DAMAGED page 0 "));
    work.write("letter.txt", "dear reader");
    assert!(work.fails(3, &["inspect", "letter.txt"]).contains("it is no file of a database"));
    work.fails(3, &["inspect", "missing"]);
}
