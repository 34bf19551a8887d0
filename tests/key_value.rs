//! The key-value API: what crosses keyspaces, names and snapshots.

use bygone::{
    CreateSnapshot, Database, Durability, ErrorKind, KeyRange, Moment, SafetySnapshot, ScanOptions,
    SnapshotScope,
};

async fn keys(db: &Database, keyspace: &str) -> Vec<String> {
    let keyspace = db.existing_keyspace(keyspace).await.expect("it is there");
    let rows = keyspace.scan(KeyRange::all()).await.expect("scans").collect().await.expect("reads");
    rows.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
}

#[tokio::test]
async fn restoring_all_keyspaces_brings_back_what_was_dropped_and_removes_what_is_new() {
    let db = Database::memory().await.expect("opens");
    let kept = db.keyspace("kept").await.expect("creates");
    let dropped = db.keyspace("dropped").await.expect("creates");
    kept.put("a", "1").await.expect("writes");
    dropped.put("b", "1").await.expect("writes");
    db.snapshots().create(CreateSnapshot::database("before")).await.expect("creates");

    kept.put("c", "1").await.expect("writes");
    db.drop_keyspace("dropped").await.expect("drops");
    db.keyspace("new").await.expect("creates").put("d", "1").await.expect("writes");
    assert_eq!(db.keyspaces(Moment::Now).await.expect("lists"), ["kept", "new"]);
    assert_eq!(db.keyspaces("before").await.expect("lists"), ["dropped", "kept"]);

    let report =
        db.restore_all_keyspaces().to("before").await.expect("finds all").run().await.expect("restores");
    let counts: Vec<_> =
        report.targets.iter().map(|t| (t.name.as_str(), t.deleted, t.brought_back)).collect();
    assert_eq!(
        counts,
        [("dropped", 0, 1), ("kept", 1, 0), ("new", 1, 0)],
        "what comes back and goes counts whole"
    );
    assert_eq!(db.keyspaces(Moment::Now).await.expect("lists"), ["dropped", "kept"]);
    assert_eq!(keys(&db, "kept").await, ["a"]);
    assert_eq!(keys(&db, "dropped").await, ["b"]);

    let undo = report.safety_snapshot.expect("one was taken");
    let restore = db.restore_all_keyspaces().to(undo).await.expect("finds all");
    restore.safety(SafetySnapshot::None).run().await.expect("restores");
    assert_eq!(db.keyspaces(Moment::Now).await.expect("lists"), ["kept", "new"]);
    assert_eq!(keys(&db, "kept").await, ["a", "c"]);
    assert_eq!(keys(&db, "new").await, ["d"]);
    db.close().await.expect("closes");
}

#[tokio::test]
async fn a_snapshot_of_one_keyspace_reads_that_keyspace() {
    let db = Database::memory().await.expect("opens");
    let (one, two) = (db.keyspace("one").await.expect("creates"), db.keyspace("two").await.expect("creates"));
    one.put("k", "1").await.expect("writes");
    let scope = SnapshotScope::Objects(vec![one.object()]);
    db.snapshots().create(CreateSnapshot::of("only_one", scope)).await.expect("creates");
    one.put("k", "2").await.expect("writes");
    assert_eq!(one.get_at("k", "only_one").await.expect("reads").expect("is there"), "1");
    let outside = two.get_at("k", "only_one").await.expect_err("it is outside");
    assert_eq!(outside.kind(), ErrorKind::Invalid);
    let missing = one.get_at("k", "only_won").await.expect_err("a typing mistake");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.hint().expect("a suggestion").contains("only_one"));
}

#[tokio::test]
async fn a_bulk_load_becomes_visible_at_once_and_keeps_writers_out() {
    let db = Database::builder(":memory:")
        .lock_wait(std::time::Duration::from_millis(1))
        .open()
        .await
        .expect("opens");
    let rows = db.keyspace("rows").await.expect("creates");
    let mut load = rows.load().await.expect("begins");
    for number in (0..1_000_u32).rev() {
        load.put(&number.to_be_bytes(), b"x").await.expect("takes a row");
    }
    assert_eq!(rows.put("k", "v").await.expect_err("it is being loaded").kind(), ErrorKind::Locked);
    assert!(keys(&db, "rows").await.is_empty());
    let at = load.commit().await.expect("commits");
    assert_eq!(rows.scan(KeyRange::all()).await.expect("scans").collect().await.expect("reads").len(), 1_000);
    assert!(rows.get_at(7_u32.to_be_bytes(), at.previous()).await.expect("reads").is_none());
    let options = ScanOptions { reverse: true, limit: Some(1), ..ScanOptions::default() };
    let last = rows.scan_with(KeyRange::all(), options, Moment::Now).await.expect("scans");
    assert_eq!(last.collect().await.expect("reads")[0].0, 999_u32.to_be_bytes().as_slice());
}

#[tokio::test]
async fn a_directory_keeps_everything_and_lets_one_writer_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("db").display().to_string();
    let db = Database::open(&path).await.expect("opens");
    let rows = db.keyspace("rows").await.expect("creates");
    rows.put("k", "1").await.expect("writes");
    db.snapshots().create(CreateSnapshot::database("s")).await.expect("creates");
    let transaction = db.begin();
    transaction.put(&rows, "k", "2").expect("writes");
    transaction.commit_with(Durability::Buffered).await.expect("commits");
    assert_eq!(Database::open(&path).await.expect_err("it is open").kind(), ErrorKind::Locked);
    db.close().await.expect("closes");
    assert_eq!(rows.put("k", "3").await.expect_err("it is closed").kind(), ErrorKind::Closed);

    let again = Database::builder(format!("file://{path}")).read_only(true).open().await.expect("opens");
    let rows = again.existing_keyspace("rows").await.expect("is there");
    assert_eq!(rows.get("k").await.expect("reads").expect("is there"), "2");
    assert_eq!(rows.get_at("k", "s").await.expect("reads").expect("is there"), "1");
    assert_eq!(rows.put("k", "3").await.expect_err("only reading").kind(), ErrorKind::ReadOnly);
    assert_eq!(again.existing_keyspace("raws").await.expect_err("not there").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_dropped_keyspace_takes_no_writes_until_it_comes_back() {
    let db = Database::memory().await.expect("opens");
    let rows = db.keyspace("rows").await.expect("creates");
    let before = rows.put("k", "1").await.expect("writes");
    let (early, late_restore) = (db.begin(), db.restore(["rows"]).to(before).await.expect("finds it"));
    early.put(&rows, "k", "2").expect("writes");
    rows.put("other", "1").await.expect("writes");
    let mut load = rows.load().await.expect("begins");
    load.put(b"loaded", b"1").await.expect("takes a row");
    db.drop_keyspace("rows").await.expect("drops");

    assert_eq!(load.commit().await.expect_err("it is gone").kind(), ErrorKind::NotFound);
    assert_eq!(early.commit().await.expect_err("it is gone").kind(), ErrorKind::Conflict);
    assert_eq!(late_restore.run().await.expect_err("it is gone").kind(), ErrorKind::Conflict);
    assert_eq!(rows.put("k", "3").await.expect_err("it is gone").kind(), ErrorKind::NotFound);
    assert_eq!(rows.load().await.expect_err("it is gone").kind(), ErrorKind::NotFound);
    let late = db.begin();
    late.put(&rows, "k", "4").expect("writes");
    assert_eq!(late.commit().await.expect_err("it is gone").kind(), ErrorKind::NotFound);

    db.restore(["rows"]).to(before).await.expect("finds it").run().await.expect("restores");
    assert_eq!(rows.get("k").await.expect("reads").expect("is there"), "1");
    rows.put("k", "5").await.expect("writes");
    let again = db.begin();
    again.put(&rows, "k", "6").expect("writes");
    again.commit().await.expect("commits");
    assert_eq!(rows.get("k").await.expect("reads").expect("is there"), "6");
}

#[tokio::test]
async fn rows_are_a_stream_and_ranges_are_written_as_in_rust() {
    use futures::TryStreamExt;

    let db = Database::memory().await.expect("opens");
    let letters = db.keyspace("letters").await.expect("creates");
    for key in ["a", "b", "c", "d"] {
        letters.put(key, key.to_uppercase()).await.expect("writes");
    }
    let in_range = async |range: KeyRange| {
        let rows = letters.scan(range).await.expect("scans");
        let keys = rows.map_ok(|(key, _)| String::from_utf8_lossy(&key).into_owned());
        keys.try_collect::<Vec<_>>().await.expect("reads").concat()
    };
    assert_eq!(in_range((..).into()).await, "abcd");
    assert_eq!(in_range(("b".."d").into()).await, "bc");
    assert_eq!(in_range(("b"..="d").into()).await, "bcd");
    assert_eq!(in_range((.."b").into()).await, "a");
    assert_eq!(in_range(("c"..).into()).await, "cd");

    // One row, then what is left of its batch: nothing is lost, nothing comes twice.
    let mut rows = letters.scan(..).await.expect("scans");
    let first = rows.try_next().await.expect("reads").expect("there is a row");
    assert_eq!((&first.0[..], &first.1[..]), (&b"a"[..], &b"A"[..]));
    let rest = rows.next_batch().await.expect("reads").expect("there are more");
    assert_eq!(rest.keys.iter().collect::<Vec<_>>(), [b"b", b"c", b"d"]);
    assert_eq!(rest.values.get(2), b"D");
    assert!(rows.next_batch().await.expect("reads").is_none());
    assert!(rows.try_next().await.expect("reads").is_none());

    // A transaction's rows are the same kind of rows, with its own writes among them.
    let transaction = db.begin();
    transaction.put(&letters, "bb", "2").expect("writes");
    transaction.delete(&letters, "c").expect("writes");
    let rows = transaction.scan(&letters, "b"..).expect("scans").collect().await.expect("reads");
    assert_eq!(rows.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), [&b"b"[..], b"bb", b"d"]);
    drop(transaction);
    db.close().await.expect("closes");
}
