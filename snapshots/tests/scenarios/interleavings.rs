//! Snapshots and restores beside other commits, step by step: futures are polled by hand, so every
//! interleaving is exact.

use std::{pin::pin, task::Poll};

use bygone_engine::types::{Durability, Timestamp};
use bygone_mvcc::{
    CommitMeta, commits, forget_commits,
    testing::{batch, poll, value},
};
use bygone_snapshots::{
    CreateSnapshot, ObjectRef,
    restore::{self, RestorePlan, RestoreRequest, SafetySnapshot},
};

use crate::database::Database;

#[tokio::test]
async fn a_restore_that_is_dropped_before_its_commit_leaves_nothing() {
    let database = Database::patient().await;
    let (store, snapshots) = (&database.store, &database.snapshots);
    let t = database.keyspace("t").await;
    let before = store.write(batch(t, "k", "1"), Durability::Sync).await.expect("commits").timestamp;
    store.write(batch(t, "k", "2"), Durability::Sync).await.expect("commits");
    for log_bytes_max in [0, 1 << 20] {
        let plan = RestorePlan::of_kept([database.object("t").await], before);
        let request = RestoreRequest { log_bytes_max, ..RestoreRequest::new(plan) };
        {
            let mut restore = Box::pin(restore::run(snapshots, request));
            assert!(poll(restore.as_mut()).is_pending(), "it waits for others to join its commit");
        }
        assert_eq!(value(store, t, "k").await.as_deref(), Some("2"));
        assert_eq!(snapshots.list().await.expect("lists"), []);
        assert_eq!(snapshots.expire(store.clock().now()).await.expect("sweeps"), []);
        store.write(batch(t, "other", "1"), Durability::Sync).await.expect("nothing is locked");
    }
}

#[tokio::test]
async fn readers_are_not_blocked_by_a_restore_and_see_all_of_it_or_nothing() {
    let database = Database::patient().await;
    let (store, snapshots) = (&database.store, &database.snapshots);
    let (t, u) = (database.keyspace("t").await, database.keyspace("u").await);
    let mut both = batch(t, "k", "1");
    both.put(u, "k", "1");
    let before = store.write(both, Durability::Sync).await.expect("commits").timestamp;
    store.write(batch(t, "k", "2"), Durability::Sync).await.expect("commits");
    store.write(batch(u, "k", "2"), Durability::Sync).await.expect("commits");
    let old_reader = store.begin_read_only();
    let targets = vec![database.object("t").await, database.object("u").await];
    let mut restore =
        Box::pin(restore::run(snapshots, RestoreRequest::new(RestorePlan::of_kept(targets, before))));
    loop {
        let outcome = poll(restore.as_mut());
        let view = store.view_now();
        let seen = (view.get(t, b"k").await.expect("reads"), view.get(u, b"k").await.expect("reads"));
        assert_eq!(seen.0, seen.1, "both keyspaces change at one timestamp");
        if let Poll::Ready(report) = outcome {
            assert!(report.expect("restores").commit.is_some());
            assert_eq!(seen.0.as_deref(), Some(&b"1"[..]));
            break;
        }
    }
    assert_eq!(old_reader.get(t, b"k").await.expect("reads").as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn a_snapshot_whose_call_is_dropped_while_another_leads_keeps_its_pin_through_expiry() {
    let database = Database::patient().await;
    let (store, snapshots) = (&database.store, &database.snapshots);
    let t = database.keyspace("t").await;
    store.write(batch(t, "k", "1"), Durability::Sync).await.expect("commits");
    let mut writer = pin!(store.write(batch(t, "k", "2"), Durability::Sync));
    assert!(poll(writer.as_mut()).is_pending());
    {
        let mut create = Box::pin(snapshots.create(bygone_snapshots::CreateSnapshot::database("s")));
        assert!(poll(create.as_mut()).is_pending(), "its record is queued");
    }
    let mut expire = pin!(snapshots.expire(Timestamp::ZERO));
    assert!(poll(expire.as_mut()).is_pending(), "the pipeline is not idle");
    assert!(store.engine().oldest_pin().is_some());
    writer.await.expect("commits");
    expire.await.expect("sweeps");
    assert_eq!(snapshots.list().await.expect("lists"), [], "it was not taken by the leader");
}

#[tokio::test]
async fn a_restore_that_is_given_up_after_it_began_to_commit_happens_whole() {
    let database = Database::busy().await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let at = store.write(batch(t, "k", "1"), Durability::Sync).await.expect("commits").timestamp;
    let names = store.names();
    let keyspace = names.get("t").await.expect("is there");
    names.drop_keyspace("t").await.expect("drops");
    let (_, dropped_at) = store.engine().dropped_keyspaces()[0];
    let mut plan = RestorePlan::new(at);
    let object = ObjectRef { name: "t".into(), id: t.get(), keyspaces: vec![t] };
    plan.bring_back(object, dropped_at);
    names.add_revival(&keyspace, plan.writes());
    let request = RestoreRequest { safety: SafetySnapshot::None, ..RestoreRequest::new(plan) };
    {
        let mut restore = pin!(restore::run(&database.snapshots, request));
        while store.engine().dropped_keyspaces() == [(t, dropped_at)] {
            let state = poll(restore.as_mut());
            assert!(state.is_pending(), "{state:?}");
            tokio::task::yield_now().await;
        }
    }
    store.drain().await;
    assert_eq!(store.engine().dropped_keyspaces(), []);
    assert_eq!(names.get("t").await.expect("is back"), keyspace);
    assert_eq!(value(store, t, "k").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn records_of_commits_go_when_nothing_can_be_read_as_of_them() {
    let options = bygone_engine::EngineOptions { retention_us: 0, ..bygone_engine::EngineOptions::tiny() };
    let database = Database::new(options).await;
    let (store, t) = (&database.store, database.keyspace("t").await);
    let mut moments = Vec::new();
    for at in [100, 200, 300] {
        database.clock.set(at);
        let transaction = store.begin();
        transaction.put(t, "k", at.to_string()).expect("writes");
        transaction
            .annotate(CommitMeta { author: Some("ada".into()), ..CommitMeta::default() })
            .expect("open");
        moments.push(transaction.commit(Durability::Sync).await.expect("commits").timestamp);
        if at == 200 {
            database.snapshots.create(CreateSnapshot::database("s")).await.expect("creates");
        }
    }
    let known = async || -> Vec<Timestamp> {
        let all = commits(&store.view_now(), Timestamp::ZERO, Timestamp::LAST, 100).await.expect("reads");
        let of_ada = all.into_iter().filter(|commit| commit.author.is_some());
        of_ada.map(|commit| commit.timestamp).collect()
    };
    store.engine().raise_horizons().await.expect("raises");
    assert!(forget_commits(store).await.expect("forgets") > 0);
    assert_eq!(known().await, moments[1..], "a restore to the snapshot names what it undoes");
    assert_eq!(forget_commits(store).await.expect("forgets"), 0);
    database.clock.set(1_000);
    database.snapshots.drop_many(&["s".to_owned()], false).await.expect("drops");
    store.engine().raise_horizons().await.expect("raises");
    forget_commits(store).await.expect("forgets");
    assert_eq!(known().await, []);
}
