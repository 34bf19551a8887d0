//! Group commit and locks, step by step: futures are polled by hand, so every interleaving is exact.

use std::{future::Future, pin::pin};

use bygone_engine::{
    testing::InlineTasks,
    types::{Durability, Timestamp, WriteBatch},
};
use bygone_mvcc::{
    CommitMeta, Error, ExclusiveCommit, Store, annotation, commits, forget_commits,
    testing::{TestStore, batch, poll, value},
};

#[tokio::test]
async fn a_dropped_leader_hands_its_group_over() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut second = pin!(store.write(batch(t, "b", "2"), Durability::Sync));
    {
        let mut first = pin!(store.write(batch(t, "a", "1"), Durability::Sync));
        assert!(poll(first.as_mut()).is_pending(), "the leader lets others join");
        assert!(poll(second.as_mut()).is_pending(), "the follower waits");
    }
    second.await.expect("the follower leads now");
    assert_eq!(value(store, t, "a").await, None);
    assert_eq!(value(store, t, "b").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_follower_that_is_dropped_after_it_was_told_to_lead_passes_it_on() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut third = pin!(store.write(batch(t, "c", "3"), Durability::Sync));
    {
        let mut first = Box::pin(store.write(batch(t, "a", "1"), Durability::Sync));
        let mut second = Box::pin(store.write(batch(t, "b", "2"), Durability::Sync));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        drop(first);
        drop(second);
    }
    third.await.expect("the last one leads");
    assert_eq!(value(store, t, "b").await, None);
    assert_eq!(value(store, t, "c").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn a_follower_that_is_dropped_before_it_was_taken_is_left_out() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut first = pin!(store.write(batch(t, "a", "1"), Durability::Sync));
    assert!(poll(first.as_mut()).is_pending());
    {
        let mut second = pin!(store.write(batch(t, "b", "2"), Durability::Sync));
        assert!(poll(second.as_mut()).is_pending());
    }
    first.await.expect("commits");
    assert_eq!(value(store, t, "a").await.as_deref(), Some("1"));
    assert_eq!(value(store, t, "b").await, None);
}

#[tokio::test]
async fn of_two_members_of_a_group_that_write_one_key_the_first_commits() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let (one, two) = (store.begin(), store.begin());
    one.put(t, "k", "1").expect("writes");
    two.put(t, "k", "2").expect("writes");
    let mut first = pin!(one.commit(Durability::Sync));
    let mut second = pin!(two.commit(Durability::Sync));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending(), "both are in one group");
    first.await.expect("the first commits");
    assert!(matches!(second.await, Err(Error::Conflict { .. })));
    assert_eq!(value(store, t, "k").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn members_of_a_group_have_timestamps_of_their_own() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    database.clock.set(100);
    let mut first = pin!(store.write(batch(t, "k", "1"), Durability::Buffered));
    let mut second = pin!(store.write(batch(t, "k", "2"), Durability::Sync));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    assert_eq!(first.await.expect("commits").timestamp, Timestamp::from_micros(100));
    assert_eq!(second.await.expect("commits").timestamp, Timestamp::from_micros(101));
    assert_eq!(value(store, t, "k").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn writers_that_wait_together_share_one_sync() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let syncs = database.disk.syncs();
    let mut writers: Vec<_> = (0..8)
        .map(|number| Box::pin(store.write(batch(t, &number.to_string(), "1"), Durability::Sync)))
        .collect();
    for writer in &mut writers {
        assert!(poll(writer.as_mut()).is_pending());
    }
    for writer in writers {
        writer.await.expect("commits");
    }
    assert_eq!(database.disk.syncs() - syncs, 1);
}

#[tokio::test]
async fn files_and_writes_of_an_exclusive_commit_become_visible_together() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut ingest = store.engine().ingest(t, bygone_engine::IngestOptions::default());
    for key in ["b", "a", "c"] {
        ingest.push(key.as_bytes(), Some(b"1")).await.expect("takes a row");
    }
    let runs = vec![ingest.finish().await.expect("finishes")];
    let lock = store.lock_exclusive(&[t], "a load", 0).await.expect("nobody holds it");
    let meta = CommitMeta {
        author: Some("ada".into()),
        annotations: [("offset".to_owned(), "42".to_owned())].into(),
        ..CommitMeta::default()
    };
    let commit = ExclusiveCommit { runs, meta, ..ExclusiveCommit::default() };
    let at = store.commit_exclusive(&lock, commit).await.expect("commits").timestamp;
    let before = store.view_at(at.previous()).await.expect("readable");
    let after = store.view_at(at).await.expect("readable");
    assert_eq!(before.get(t, b"a").await.expect("reads"), None);
    assert_eq!(annotation(&before, "offset").await.expect("reads"), None);
    assert_eq!(after.get(t, b"a").await.expect("reads").as_deref(), Some(&b"1"[..]));
    assert_eq!(annotation(&after, "offset").await.expect("reads").as_deref(), Some("42"));
    let records = commits(&after, at.previous(), at, 10).await.expect("reads");
    assert_eq!(records[0].author.as_deref(), Some("ada"));
    assert!(records[0].touches(&[t]));
}

#[tokio::test]
async fn a_large_transaction_becomes_files_and_still_conflicts() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let (large, small) = (store.begin(), store.begin());
    for number in 0..50 {
        large.put(t, format!("{number:03}"), vec![b'x'; 100]).expect("writes");
    }
    large.put(t, "000", "last").expect("writes");
    small.put(t, "007", "small").expect("writes");
    large.commit(Durability::Sync).await.expect("commits");
    assert_eq!(value(store, t, "000").await.as_deref(), Some("last"));
    assert!(matches!(small.commit(Durability::Sync).await, Err(Error::Conflict { .. })));

    let (large, small) = (store.begin(), store.begin());
    for number in 0..50 {
        large.put(t, format!("{number:03}"), vec![b'y'; 100]).expect("writes");
    }
    small.put(t, "007", "small").expect("writes");
    small.commit(Durability::Sync).await.expect("commits");
    assert!(matches!(large.commit(Durability::Sync).await, Err(Error::Conflict { .. })));
    assert_eq!(value(store, t, "007").await.as_deref(), Some("small"));
}

#[tokio::test]
async fn annotations_are_readable_as_of_any_time() {
    let database = TestStore::patient().await;
    let store = &database.store;
    let t = database.keyspace("t").await;
    let mut moments = Vec::new();
    for offset in ["7", "8"] {
        let transaction = store.begin();
        transaction.put(t, "k", offset).expect("writes");
        let annotations = [("offset".to_owned(), offset.to_owned())].into();
        transaction
            .annotate(CommitMeta { message: Some("batch".into()), annotations, ..CommitMeta::default() })
            .expect("says");
        moments.push(transaction.commit(Durability::Sync).await.expect("commits").timestamp);
    }
    let first = store.view_at(moments[0]).await.expect("readable");
    assert_eq!(annotation(&first, "offset").await.expect("reads").as_deref(), Some("7"));
    assert_eq!(annotation(&store.view_now(), "offset").await.expect("reads").as_deref(), Some("8"));
    let records = commits(&store.view_now(), Timestamp::ZERO, moments[1], 100).await.expect("reads");
    assert_eq!(records.last().expect("a record").message.as_deref(), Some("batch"));
}

#[tokio::test]
async fn writers_that_wait_together_and_are_large_together_get_records_of_their_own() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let value = "x".repeat(store.options().direct_commit_bytes / 2);
    let syncs = database.disk.syncs();
    let mut writers: Vec<_> = (0..4)
        .map(|number| Box::pin(store.write(batch(t, &number.to_string(), &value), Durability::Sync)))
        .collect();
    for writer in &mut writers {
        assert!(poll(writer.as_mut()).is_pending());
    }
    for writer in writers {
        writer.await.expect("commits");
    }
    assert_eq!(database.disk.syncs() - syncs, 4);
}

#[tokio::test]
async fn a_large_blind_write_becomes_files_and_does_not_conflict() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let large = "x".repeat(store.options().direct_commit_bytes + 1);
    let files = |store: &Store| {
        let all = store.engine().stats().keyspaces;
        all.iter().filter(|stats| stats.keyspace == t).map(|stats| stats.files).sum::<u64>()
    };
    assert_eq!(files(store), 0);
    let since = store.view_now().timestamp();
    store.write(batch(t, "k", "small"), Durability::Sync).await.expect("commits");
    let guards = vec![(t, "other".into())];
    store
        .write_guarded(batch(t, "k", &large), guards.clone(), since, Durability::Sync)
        .await
        .expect("commits");
    assert!(files(store) > 0);
    assert_eq!(value(store, t, "k").await, Some(large));
    store.write(batch(t, "other", "1"), Durability::Sync).await.expect("commits");
    let outcome = store.write_guarded(batch(t, "k", "2"), guards, since, Durability::Sync).await;
    assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
}

#[tokio::test]
async fn draining_waits_for_the_commits_under_way_and_leaves_no_commit() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut first = Box::pin(store.write(batch(t, "a", "1"), Durability::Sync));
    let mut second = pin!(store.write(batch(t, "b", "2"), Durability::Sync));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    let mut drain = pin!(store.drain());
    assert!(poll(drain.as_mut()).is_pending(), "two commits are before it");
    drop(first);
    second.await.expect("commits");
    let newest = store.engine().last_timestamp();
    drain.await;
    store.drain().await;
    assert_eq!(store.engine().last_timestamp(), newest);
    assert_eq!(value(store, t, "b").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_keyspace_that_was_dropped_or_came_back_fails_its_guard() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let names = store.names();
    let info = names.get("t").await.expect("is there");
    let since = names.check_exists(&info).await.expect("is there");
    let write =
        |since| store.write_guarded(batch(t, "k", "1"), vec![names.guard_of(t)], since, Durability::Sync);
    write(since).await.expect("commits");
    names.drop_keyspace("t").await.expect("drops");
    assert!(matches!(write(since).await, Err(Error::Conflict { .. })));
    assert!(matches!(names.check_exists(&info).await, Err(Error::NoKeyspace(_))));
}

#[tokio::test]
async fn an_annotation_that_cannot_be_stored_is_refused_and_the_database_opens_again() {
    let mut database = TestStore::patient().await;
    let t = database.keyspace("t").await;
    let about = |name: usize, value: usize| CommitMeta {
        annotations: [("n".repeat(name), "v".repeat(value))].into(),
        ..CommitMeta::default()
    };
    for meta in [about(33_000, 1), about(1, 33 << 20)] {
        let transaction = database.store.begin();
        assert!(matches!(transaction.annotate(meta.clone()), Err(Error::Invalid(_))));
        transaction.put(t, "k", "1").expect("goes on");
        transaction.commit(Durability::Sync).await.expect("commits");
        let batch = batch(t, "k", "2");
        let lock = database.store.lock_exclusive(&[t], "a test", 0).await.expect("locks");
        let commit = ExclusiveCommit { batch, meta, ..ExclusiveCommit::default() };
        let refused = database.store.commit_exclusive(&lock, commit).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    database.reopen().await;
    assert_eq!(value(&database.store, t, "k").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn the_engine_refuses_a_key_that_it_could_not_read_back() {
    let mut database = TestStore::patient().await;
    let t = database.keyspace("t").await;
    let writes = batch(t, &"k".repeat(33_000), "1");
    let engine = database.store.engine();
    let at = Timestamp::from_micros(engine.last_timestamp().as_micros() + 1);
    let group = [bygone_engine::StampedBatch { at, batch: &writes }];
    let refused = engine.append(&group, Durability::Sync).await;
    assert!(matches!(refused, Err(bygone_engine::Error::Invalid(_))), "{refused:?}");
    database.reopen().await;
    database.store.write(batch(t, "k", "1"), Durability::Sync).await.expect("writes on");
}

#[tokio::test]
async fn records_that_were_forgotten_are_not_looked_for_again() {
    let options = bygone_engine::EngineOptions { retention_us: 0, ..bygone_engine::EngineOptions::tiny() };
    let database = TestStore::new(options).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    database.clock.set(100);
    store.write(batch(t, "k", "1"), Durability::Sync).await.expect("writes");
    store.engine().raise_horizons().await.expect("raises");
    forget_commits(store).await.expect("forgets");
    // No commit leaves a record of a moment that is over: whoever finds this one has looked again.
    let mut past = WriteBatch::new();
    past.put(bygone_mvcc::system::COMMITS, 1_u64.to_be_bytes().to_vec(), "{}");
    store.write(past, Durability::Sync).await.expect("writes");
    database.clock.set(200);
    store.write(batch(t, "k", "2"), Durability::Sync).await.expect("writes");
    store.engine().raise_horizons().await.expect("raises");
    assert_eq!(forget_commits(store).await.expect("forgets"), 0);
}

#[tokio::test]
async fn a_writer_waits_for_an_exclusive_lock() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let u = database.keyspace("u").await;
    let lock = store.lock_exclusive(&[t], "a restore", 0).await.expect("nobody holds it");
    let mut writer = pin!(store.write(batch(t, "k", "1"), Durability::Sync));
    assert!(poll(writer.as_mut()).is_pending());
    store.write(batch(u, "k", "1"), Durability::Sync).await.expect("another keyspace is free");
    assert!(poll(writer.as_mut()).is_pending());
    let error = store.lock_exclusive(&[u, t], "another", 0).await.expect_err("it is held");
    assert!(error.is_retryable(), "{error}");
    drop(lock);
    writer.await.expect("commits after the release");
}

#[tokio::test]
async fn a_writer_that_cannot_wait_is_told_who_holds_the_lock() {
    let database = TestStore::new(bygone_engine::EngineOptions::tiny()).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let lock = store.lock_exclusive(&[t], "a restore of t", 0).await.expect("nobody holds it");
    let error = store.write(batch(t, "k", "1"), Durability::Sync).await.expect_err("it is locked");
    assert!(matches!(&error, Error::Locked { by, .. } if by == "a restore of t"), "{error}");
    drop(lock);
}

#[tokio::test]
async fn a_writer_that_queued_before_the_lock_was_taken_waits_too() {
    let database = TestStore::patient().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut writer = pin!(store.write(batch(t, "k", "1"), Durability::Sync));
    assert!(poll(writer.as_mut()).is_pending(), "it leads, and has not looked at the locks again");
    let lock = store.lock_exclusive(&[t], "a restore", 0).await.expect("nothing is under way yet");
    for _ in 0..10 {
        assert!(poll(writer.as_mut()).is_pending());
    }
    assert_eq!(value(store, t, "k").await, None);
    drop(lock);
    writer.await.expect("commits after the release");
}

#[tokio::test]
async fn keyspaces_that_no_catalog_names_are_dropped_at_open_and_named_ones_are_not() {
    let mut database = TestStore::patient().await;
    let (named, unnamed) = (database.keyspace("t").await, database.store.new_keyspace_id());
    let other = database.store.new_keyspace_id();
    for keyspace in [named, unnamed, other] {
        database.store.write(batch(keyspace, "k", "1"), Durability::Sync).await.expect("commits");
    }
    let marked = |database: &TestStore| {
        let all = database.store.engine().dropped_keyspaces();
        all.into_iter().map(|(keyspace, _)| keyspace).collect::<Vec<_>>()
    };
    // As a restore leaves it that was cut short after it committed what a drop had marked.
    let now = database.store.engine().last_timestamp();
    database.store.engine().drop_keyspace(named, now).await.expect("marks");
    database.reopen().await;
    assert_eq!(marked(&database), [named]);
    database.store.names().reconcile(&[other].into()).await.expect("reconciles");
    assert_eq!(marked(&database), [unnamed]);
    database.reopen().await;
    assert_eq!(marked(&database), [unnamed]);
}

/// Polls a commit until its group is staged, while the log holds it up.
fn poll_until_staged<F: Future>(store: &Store, mut commit: std::pin::Pin<&mut F>) {
    let before = store.engine().newest_staged();
    while store.engine().newest_staged() == before {
        assert!(poll(commit.as_mut()).is_pending(), "the log holds it up");
    }
}

#[tokio::test]
async fn groups_that_wait_for_the_log_are_finished_without_their_callers() {
    let tasks = InlineTasks::new();
    let database = TestStore::with_inline_tasks(&tasks).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    store.engine().log_gate().close();
    let mut first = Box::pin(store.write(batch(t, "a", "1"), Durability::Sync));
    poll_until_staged(store, first.as_mut());
    drop(first);
    let mut second = pin!(store.write(batch(t, "b", "2"), Durability::Sync));
    poll_until_staged(store, second.as_mut());
    assert_eq!(tasks.run(), 2, "both wait for the log");
    assert_eq!(value(store, t, "a").await, None, "what is staged is not visible");
    store.engine().log_gate().open();
    assert_eq!(tasks.run(), 0);
    assert_eq!(value(store, t, "a").await.as_deref(), Some("1"));
    assert_eq!(value(store, t, "b").await.as_deref(), Some("2"));
    second.await.expect("it is answered by the task");
}

#[tokio::test]
async fn what_is_staged_conflicts_before_it_is_visible() {
    let tasks = InlineTasks::new();
    let database = TestStore::with_inline_tasks(&tasks).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let (winner, loser) = (store.begin(), store.begin());
    winner.put(t, "a", "1").unwrap();
    loser.put(t, "a", "2").unwrap();
    store.engine().log_gate().close();
    let mut committed = pin!(winner.commit(Durability::Sync));
    poll_until_staged(store, committed.as_mut());
    let outcome = loser.commit(Durability::Sync).await;
    assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
    store.engine().log_gate().open();
    tasks.run();
    committed.await.expect("it was first");
}

#[tokio::test]
async fn readers_at_a_moment_and_locks_wait_for_what_is_staged() {
    let tasks = InlineTasks::new();
    let database = TestStore::with_inline_tasks(&tasks).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    store.engine().log_gate().close();
    let mut commits: Vec<_> =
        ["1", "2"].map(|v| Box::pin(store.write(batch(t, "a", v), Durability::Sync))).into();
    for commit in &mut commits {
        poll_until_staged(store, commit.as_mut());
    }
    let mut reader = pin!(store.view_at(store.clock().now()));
    let mut lock = pin!(store.lock_exclusive(std::slice::from_ref(&t), "a load", 0));
    let mut drained = pin!(store.drain());
    assert!(poll(reader.as_mut()).is_pending() && poll(lock.as_mut()).is_pending());
    assert!(poll(drained.as_mut()).is_pending());
    store.engine().log_gate().open();
    tasks.run();
    let view = reader.await.expect("the moment is readable");
    assert_eq!(view.get(t, b"a").await.unwrap().unwrap(), "2");
    lock.await.expect("nobody has it");
    drained.await;
}
