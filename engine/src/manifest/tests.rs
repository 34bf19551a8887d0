use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::FutureExt;
use object_store::memory::InMemory;

use super::*;
use crate::{
    Error,
    store::{OsDisk, Root},
    testing::{FaultStore, SimDisk, StoreFault},
};

fn sample(id: u64, parent: Option<(u64, u128)>) -> Manifest {
    let file = |number: u64| FileMeta {
        id: FileId { epoch: 3, number },
        owner: (number == 2).then(|| "s3://other/db".to_owned()),
        len: 1000 + number,
        hash: u128::MAX - u128::from(number),
        rows: 10,
        min_key: Bytes::from_static(b"a"),
        max_key: Bytes::from_static(b"zz"),
        max_end: Timestamp::OPEN,
        begin_override: Some(Timestamp::from_micros(77)),
        schema_version: 4,
        ..FileMeta::default()
    };
    let run = |number| Run { files: vec![file(number), file(number + 1)] };
    let keyspace = KeyspaceManifest {
        horizon: Timestamp::from_micros(5),
        retention_us: Some(9),
        level0: vec![run(1), run(3)],
        levels: vec![Run::default(), run(5)],
        history: vec![HistoryGroup { newest_pin: Timestamp::OPEN, runs: vec![run(7)] }],
        ..KeyspaceManifest::default()
    };
    Manifest {
        id,
        epoch: 3,
        nonce: u128::from(id) << 70,
        parent,
        last_timestamp: Timestamp::from_micros(1 << 50),
        log: LogPosition { epoch: 3, sequence: 9 },
        next_file: 12,
        horizon: Timestamp::from_micros(1 << 40),
        retention_us: 1 << 30,
        keyspaces: [(KeyspaceId::new(1), KeyspaceManifest::default()), (KeyspaceId::FIRST_USER, keyspace)]
            .into(),
        settings: [("a".to_owned(), vec![1, 2, 3]), ("b".to_owned(), Vec::new())].into(),
        log_begun: 2,
    }
}

#[test]
fn a_manifest_reads_back_as_written() {
    let manifest = sample(42, Some((41, 7)));
    assert_eq!(decode("m", 42, &encode(&manifest).unwrap()).unwrap(), manifest);
}

#[test]
fn what_is_not_applied_yet_is_refused_at_open() {
    let run =
        |owner, begin_bound| Run { files: vec![FileMeta { owner, begin_bound, ..FileMeta::default() }] };
    let level = |run| KeyspaceManifest { levels: vec![run], ..KeyspaceManifest::default() };
    for keyspace in [
        level(run(Some("s3://other/db".to_owned()), None)),
        level(run(None, Some(Timestamp::from_micros(9)))),
    ] {
        let keyspaces = [(KeyspaceId::FIRST_USER, keyspace)].into();
        let manifest = Manifest { id: 1, epoch: 1, keyspaces, ..Manifest::default() };
        let root = Root::memory();
        let opened = async {
            publish(&root, &manifest).await.unwrap();
            let env = crate::testing::env(&crate::testing::ManualClock::at(1), 1);
            let opened = crate::Engine::open(root.clone(), env, crate::EngineOptions::default()).await;
            (opened.map(drop), newest_id(&root).await.unwrap())
        };
        let (opened, newest) = opened.now_or_never().expect("a root in memory never suspends");
        assert!(matches!(opened, Err(Error::Invalid(_))), "{opened:?}");
        assert_eq!(newest, Some(1), "nothing was written");
    }
}

/// Readers judge history by lifetimes alone: an open version or a delete there would be read wrongly.
#[test]
fn history_that_holds_more_than_values_that_ended_is_corrupt() {
    let file = FileMeta { rows: 3, puts: 3, closed: 2, ..FileMeta::default() };
    let group = HistoryGroup { newest_pin: Timestamp::OPEN, runs: vec![Run { files: vec![file] }] };
    let keyspace = KeyspaceManifest { history: vec![group], ..KeyspaceManifest::default() };
    let keyspaces = [(KeyspaceId::FIRST_USER, keyspace)].into();
    let manifest = Manifest { id: 1, epoch: 1, keyspaces, ..Manifest::default() };
    let root = Root::memory();
    let opened = async {
        publish(&root, &manifest).await.unwrap();
        let env = crate::testing::env(&crate::testing::ManualClock::at(1), 1);
        crate::Engine::open(root.clone(), env, crate::EngineOptions::default()).await.map(drop)
    };
    let opened = opened.now_or_never().expect("a root in memory never suspends");
    assert!(matches!(opened, Err(Error::Corrupt { .. })), "{opened:?}");
}

#[test]
fn the_newest_manifest_is_loaded_and_a_taken_id_fences() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), PathBuf::from(dir.path()))] {
        let run = async {
            assert!(load_newest(&root).await.unwrap().is_none());
            let first = publish(&root, &sample(1, None)).await.unwrap();
            let second = publish(&root, &sample(2, Some((1, first)))).await.unwrap();
            let newest = load_newest(&root).await.unwrap().unwrap();
            assert_eq!((newest.manifest.id, newest.hash), (2, second));
            let other = Manifest { nonce: 5, ..sample(2, None) };
            assert!(matches!(publish(&root, &other).await, Err(Error::Fenced { epoch: 3 })));
            prune(&root, 2).await.unwrap();
            assert!(matches!(publish(&root, &sample(1, None)).await, Err(Error::Fenced { epoch: 3 })));
            prune(&root, 2).await.unwrap();
            publish(&root, &sample(3, Some((2, 1)))).await.unwrap();
            assert!(matches!(load_newest(&root).await, Err(Error::Corrupt { .. })));
        };
        run.now_or_never().expect("neither root suspends");
    }
}

#[test]
fn every_changed_byte_and_every_cut_is_corrupt() {
    let bytes = encode(&sample(42, Some((41, 7)))).unwrap();
    for len in 0..bytes.len() {
        assert!(matches!(decode("m", 42, &bytes[..len]), Err(Error::Corrupt { .. })), "cut at {len}");
    }
    let mut changed = bytes.to_vec();
    for offset in 0..bytes.len() {
        for mask in 1..=255 {
            changed[offset] ^= mask;
            assert!(
                matches!(decode("m", 42, &changed), Err(Error::Corrupt { .. })),
                "byte {offset} mask {mask}"
            );
            changed[offset] ^= mask;
        }
    }
    changed.push(0);
    assert!(decode("m", 42, &changed).is_err(), "bytes behind the end were accepted");
    assert!(
        matches!(decode("m", 43, &bytes), Err(Error::Corrupt { .. })),
        "an older manifest under a newer name"
    );
}

#[test]
fn a_manifest_of_a_newer_version_is_refused_as_such() {
    for (offset, value) in [(8, 2), (16, 3), (24, 1)] {
        let mut bytes = encode(&sample(7, None)).unwrap().to_vec();
        bytes[offset] = value;
        let checksum = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes[..64], 7);
        bytes[64..72].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(decode("m", 7, &bytes), Err(Error::Invalid(_))));
    }
}

#[test]
fn a_damaged_newest_manifest_is_an_error_and_never_an_older_state() {
    let disk = SimDisk::new();
    let root = Root::local(disk.shared(), "/db");
    let run = async {
        let first = publish(&root, &sample(1, None)).await.unwrap();
        publish(&root, &sample(2, Some((1, first)))).await.unwrap();
        let path = "/db/manifest/00000000000000000002";
        for damaged in
            [Vec::new(), b"not one of ours".to_vec(), disk.read_file("/db/manifest/00000000000000000001")]
        {
            disk.write_file(path, damaged);
            let Err(Error::Corrupt { file, .. }) = load_newest(&root).await else {
                panic!("damage was not noticed")
            };
            assert_eq!(file, "manifest/00000000000000000002");
        }
    };
    run.now_or_never().expect("a local root never suspends");
}

#[test]
fn a_crash_at_any_operation_leaves_the_last_published_manifest_or_a_newer_one() {
    for n in 1..60 {
        for seed in 0..20 {
            let disk = SimDisk::new();
            disk.crash_at(n);
            let acknowledged = publish_some(&disk, 4);
            let disk = disk.crash(seed);
            let root = Root::local(disk.shared(), "/db");
            let _lock = root.lock(crate::store::LockMode::Exclusive).unwrap();
            let found = load_newest(&root).now_or_never().unwrap().unwrap();
            let id = found.map_or(0, |loaded| loaded.manifest.id);
            assert!(
                id >= acknowledged,
                "crash at {n} seed {seed}: found {id} after {acknowledged} was acknowledged"
            );
            assert!(disk.files().iter().all(|(path, _)| !path.starts_with("/db/tmp")), "tmp was not cleared");
        }
    }
}

#[test]
fn an_error_at_any_operation_is_reported_and_the_state_stays_readable() {
    for n in 1..60 {
        for after in [false, true] {
            let disk = SimDisk::new();
            if after {
                disk.fail_after(n);
            } else {
                disk.fail_at(n);
            }
            let acknowledged = publish_some(&disk, 4);
            disk.heal();
            let root = Root::local(disk.shared(), "/db");
            let found = load_newest(&root).now_or_never().unwrap().unwrap();
            assert!(found.map_or(0, |loaded| loaded.manifest.id) >= acknowledged);
        }
    }
}

/// Publishes until something fails; returns the last id that was acknowledged.
fn publish_some(disk: &SimDisk, count: u64) -> u64 {
    let root = Root::local(disk.shared(), "/db");
    let mut parent = None;
    for id in 1..=count {
        match publish(&root, &sample(id, parent)).now_or_never().unwrap() {
            Ok(hash) => parent = Some((id, hash)),
            Err(_) => return id - 1,
        }
    }
    count
}

#[test]
fn lost_and_late_replies_of_a_store_never_fence_its_only_writer() {
    let faults = [
        StoreFault::Before,
        StoreFault::After,
        StoreFault::Late(1),
        StoreFault::Late(3),
        StoreFault::FalseConflict,
    ];
    for fault in faults {
        for n in 1..12 {
            let store = FaultStore::new(Arc::new(InMemory::new()));
            store.shuffle_lists(n);
            store.fail(n, fault);
            let root = Root::object_store(Arc::new(store.clone()), "a/b".into());
            let run = async {
                let mut parent = None;
                for id in 1..4 {
                    match publish(&root, &sample(id, parent)).await {
                        Ok(hash) => parent = Some((id, hash)),
                        Err(Error::CommitUnknown(_)) => break,
                        Err(other) => panic!("{fault:?} at request {n}: {other}"),
                    }
                }
                store.heal();
                let newest = load_newest(&root).await.unwrap().map(|loaded| loaded.manifest.id);
                assert!(newest >= parent.map(|(id, _)| id), "{fault:?} at request {n} lost a manifest");
            };
            run.now_or_never().expect("a store in memory never suspends");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_body_decodes_to_a_manifest_or_an_error(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = decode("m", 3, &codec::seal(3, &body).unwrap());
        let _ = decode("m", 3, &body);
    }
}
