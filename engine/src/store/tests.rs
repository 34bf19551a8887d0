#![expect(clippy::disallowed_methods, reason = "the tests look at the real files")]

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use object_store::memory::InMemory;

use super::*;
use crate::{
    Env, Error,
    testing::{FaultStore, InlineTasks, ManualClock, SimDisk, StoreFault, env},
};

#[test]
fn both_kinds_of_root_keep_objects_alike() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("a/b"))] {
        let run = async {
            let lock = root.lock(LockMode::Exclusive).unwrap();
            root.preflight().await.unwrap();
            let body = Bytes::from_static(b"hello");
            assert_eq!(root.put_new("m/1", body.clone()).await.unwrap(), PutOutcome::Created);
            assert_eq!(root.put_new("m/1", Bytes::new()).await.unwrap(), PutOutcome::Exists);
            let mut writer = root.create("data/x").await.unwrap();
            for size in [10_usize, 300 << 10, 9 << 20, 5] {
                writer.write(vec![size as u8; size].into()).await.unwrap();
            }
            assert!(root.list("data/").await.unwrap().is_empty());
            let len = writer.finish().await.unwrap();
            let reader = root.open("data/x", len).await.unwrap();
            assert_eq!(reader.read(8..12).await.unwrap(), &[10, 10, 0, 0][..]);
            assert_eq!(reader.read(len - 6..len).await.unwrap(), &[0, 5, 5, 5, 5, 5][..]);
            assert!(matches!(reader.read(len..len + 1).await, Err(Error::Corrupt { .. })));
            drop(root.create("data/y").await.unwrap());
            let listed: Vec<_> = root.list("").await.unwrap().into_iter().map(|e| e.name).collect();
            assert_eq!(listed, ["data/x", "m/1"]);
            assert_eq!(root.get("m/1").await.unwrap(), Some(body));
            root.delete("m/1").await.unwrap();
            root.delete("m/1").await.unwrap();
            assert_eq!(root.get("m/1").await.unwrap(), None);
            drop(lock);
        };
        run.now_or_never().expect("neither root suspends");
    }
}

fn names(entries: &[ObjectEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn a_second_locker_learns_who_holds_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = || Root::local(OsDisk::shared(), dir.path().join("db"));
    let lock = root().lock(LockMode::Exclusive).unwrap();
    let Err(Error::Locked(Some(holder))) = root().lock(LockMode::Exclusive) else { panic!("two lockers") };
    assert_eq!(holder, format!("pid {}", std::process::id()));
    drop(lock);
    root().lock(LockMode::Exclusive).unwrap();
}

#[test]
fn readers_share_a_root_and_a_writer_has_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let sim = SimDisk::default();
    let os = || Root::local(OsDisk::shared(), dir.path().join("db"));
    let sim = || Root::local(Arc::new(sim.clone()), "/db");
    for root in [&os as &dyn Fn() -> Root, &sim] {
        // Leaves its name in the lock file, which must not be taken for that of the readers.
        drop(root().lock(LockMode::Exclusive).unwrap());
        let readers = [root(), root()].map(|root| root.lock(LockMode::Shared).unwrap());
        let Err(Error::Locked(Some(holder))) = root().lock(LockMode::Exclusive) else { panic!("a writer") };
        assert!(["it is open for reading", "simulated process"].contains(&holder.as_str()), "{holder}");
        drop(readers);
        let writer = root().lock(LockMode::Exclusive).unwrap();
        let Err(Error::Locked(Some(holder))) = root().lock(LockMode::Shared) else { panic!("a reader") };
        let own = format!("pid {}", std::process::id());
        assert!([own.as_str(), "simulated process"].contains(&holder.as_str()), "{holder}");
        drop(writer);
        root().lock(LockMode::Shared).unwrap();
    }
}

#[test]
fn a_reader_leaves_what_a_writer_left_in_tmp() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("tmp")).unwrap();
    std::fs::write(dir.path().join("tmp/7"), "cut short").unwrap();
    let root = Root::local(OsDisk::shared(), dir.path());
    drop(root.lock(LockMode::Shared).unwrap());
    assert!(dir.path().join("tmp/7").exists());
    drop(root.lock(LockMode::Exclusive).unwrap());
    assert!(!dir.path().join("tmp/7").exists());
}

#[test]
fn only_what_a_new_database_leaves_there_counts_as_empty() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| Root::local(OsDisk::shared(), dir.path().join(path));
    let make = |path: &str| std::fs::create_dir_all(dir.path().join(path)).unwrap();
    assert!(at("missing").foreign_entries().unwrap().is_empty());
    make("db/lost+found");
    make("db/manifest");
    let root = at("db");
    let _lock = root.lock(LockMode::Exclusive).unwrap();
    make("db/tmp");
    std::fs::write(dir.path().join("db/tmp/7"), "cut short").unwrap();
    std::fs::write(dir.path().join("db/tmp/8.link"), "cut short").unwrap();
    assert!(root.foreign_entries().unwrap().is_empty());
    std::os::unix::fs::symlink(dir.path().join("db"), dir.path().join("link")).unwrap();
    for (path, stranger) in [
        ("db/.hidden/x", ".hidden"),
        ("db/data/x", "data"),
        ("db/manifest/note", "manifest"),
        ("db/tmp/07", "tmp"),
        ("db/wal/1", "wal"),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(root.foreign_entries().unwrap().contains(&stranger.to_owned()), "{stranger}");
        assert!(
            at("link").foreign_entries().unwrap().contains(&stranger.to_owned()),
            "{stranger} behind a link"
        );
    }
}

#[test]
fn files_and_directories_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let root = Root::local(OsDisk::shared(), dir.path().join("db"));
    let _lock = root.lock(LockMode::Exclusive).unwrap();
    let _ = root.put_new("a/b", Bytes::from_static(b"x")).now_or_never().unwrap().unwrap();
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["db", "db/a", "db/tmp"].map(mode), [0o700; 3]);
    assert_eq!(["db/LOCK", "db/a/b"].map(mode), [0o600; 2]);
}

#[test]
fn symbolic_links_inside_of_a_root_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    let root = Root::local(OsDisk::shared(), dir.path().join("db"));
    let run = async {
        let _ = Root::local(OsDisk::shared(), &outside)
            .put_new("f", Bytes::from_static(b"secret"))
            .await
            .unwrap();
        let _ = root.put_new("data/x", Bytes::from_static(b"ours")).await.unwrap();
        std::os::unix::fs::symlink(outside.join("f"), dir.path().join("db/data/link")).unwrap();
        std::os::unix::fs::symlink(&outside, dir.path().join("db/wal")).unwrap();
        assert!(matches!(root.get("data/link").await, Err(Error::Corrupt { .. })));
        assert!(matches!(root.open("data/link", 6).await, Err(Error::Corrupt { .. })));
        assert!(matches!(root.get("wal/f").await, Err(Error::Corrupt { .. })));
        assert!(matches!(root.put_new("wal/g", Bytes::new()).await, Err(Error::Corrupt { .. })));
        assert!(matches!(root.put_new("wal/a/g", Bytes::new()).await, Err(Error::Corrupt { .. })));
        let fresh = Root::local(OsDisk::shared(), dir.path().join("db"));
        assert!(!names(&fresh.list("").await.unwrap()).iter().any(|name| name.contains('f')));
    };
    run.now_or_never().expect("a local root never suspends");
}

#[test]
fn bad_names_are_refused_by_every_call() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("db"))] {
        for name in ["../x", "a/../../x", "/etc/passwd", "", "a//b", "LOCK", "tmp/1", "a\0"] {
            let run = async {
                assert!(matches!(root.put_new(name, Bytes::new()).await, Err(Error::Invalid(_))), "{name:?}");
                assert!(matches!(root.get(name).await, Err(Error::Invalid(_))), "{name:?}");
                assert!(matches!(root.open(name, 1).await, Err(Error::Invalid(_))), "{name:?}");
                assert!(matches!(root.create(name).await, Err(Error::Invalid(_))), "{name:?}");
                assert!(matches!(root.delete(name).await, Err(Error::Invalid(_))), "{name:?}");
            };
            run.now_or_never().expect("neither root suspends");
        }
    }
}

#[test]
fn a_file_of_another_length_or_none_is_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::local(OsDisk::shared(), dir.path());
    let _ = root.put_new("data/x", Bytes::from_static(b"12345")).now_or_never().unwrap().unwrap();
    for (name, len) in [("data/x", 4), ("data/x", 6), ("data/y", 5), ("data", 5)] {
        let Err(Error::Corrupt { file, .. }) = root.open(name, len).now_or_never().unwrap() else {
            panic!("{name} of {len} bytes was opened")
        };
        assert_eq!(file, name);
    }
}

#[test]
fn a_full_disk_is_told_apart_from_other_failures() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(1000));
    let root = Root::local(disk.shared(), "/db");
    let run = async {
        assert!(root.put_new("a", vec![1; 2000].into()).await.unwrap_err().is_full());
        let mut writer = root.create("b").await.unwrap();
        writer.write(vec![1; 2000].into()).await.unwrap();
        assert!(writer.finish().await.unwrap_err().is_full());
        assert_eq!(disk.used(), 0, "what could not be written was not removed");
        assert_eq!(root.put_new("a", vec![1; 900].into()).await.unwrap(), PutOutcome::Created);
        disk.fail_at(disk.operations() + 1);
        assert!(!root.put_new("c", vec![1; 9].into()).await.unwrap_err().is_full());
    };
    run.now_or_never().expect("a local root never suspends");
}

#[test]
fn an_object_is_whole_or_absent_after_a_crash_and_durable_once_acknowledged() {
    for n in 1..12 {
        for seed in 0..40 {
            let disk = SimDisk::new();
            disk.crash_at(n);
            let body = Bytes::from(vec![7; 3000]);
            let put = Root::local(disk.shared(), "/db").put_new("m/1", body.clone()).now_or_never().unwrap();
            let disk = disk.crash(seed);
            let found = Root::local(disk.shared(), "/db").get("m/1").now_or_never().unwrap().unwrap();
            match found {
                None => assert!(put.is_err(), "crash at {n} seed {seed}: an acknowledged object is lost"),
                Some(found) => assert_eq!(found, body, "crash at {n} seed {seed}"),
            }
        }
    }
}

#[test]
fn a_store_that_does_not_create_exclusively_is_refused() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let root = Root::object_store(Arc::new(store.clone()), "p".into());
    let run = async {
        root.preflight().await.unwrap();
        // Two deletes, two creates, then the two that race.
        let racing = store.requests() + 5;
        store.fail(racing, StoreFault::FalseConflict);
        store.fail(racing + 1, StoreFault::FalseConflict);
        assert!(matches!(root.preflight().await, Err(Error::Invalid(_))));
        assert!(root.list("").await.unwrap().is_empty());
    };
    run.now_or_never().expect("a store in memory never suspends");
}

#[test]
fn short_reads_of_a_store_are_repeated_and_then_reported() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let root = Root::object_store(Arc::new(store.clone()), "p".into());
    let run = async {
        let _ = root.put_new("x", Bytes::from_static(b"0123456789")).await.unwrap();
        let reader = root.open("x", 10).await.unwrap();
        store.fail(store.requests() + 1, StoreFault::Short);
        assert_eq!(reader.read(2..6).await.unwrap(), &b"2345"[..]);
        let longer = root.open("x", 20).await.unwrap();
        assert!(matches!(longer.read(5..15).await, Err(Error::Corrupt { offset: 10, .. })));
        let cut = longer.read(12..15).await;
        assert!(matches!(cut, Err(Error::Corrupt { offset: 10, .. })), "behind the end: {cut:?}");
        assert!(matches!(root.open("y", 20).await.unwrap().read(0..1).await, Err(Error::Corrupt { .. })));
    };
    run.now_or_never().expect("a store in memory never suspends");
}

#[test]
fn listings_begin_behind_a_name_that_need_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("db"))] {
        let run = async {
            for number in [3, 1, 2, 10] {
                let name = format!("m/{number:02}");
                let _ = root.put_new(&name, Bytes::from(name.clone())).await.unwrap();
            }
            let _ = root.put_new("n/1", Bytes::from_static(b"elsewhere")).await.unwrap();
            let after = async |name| root.list_after("m/", name).await.unwrap();
            assert_eq!(names(&after("m/02").await), ["m/03", "m/10"]);
            assert_eq!(names(&after("m/02x").await), ["m/03", "m/10"]);
            assert_eq!(names(&after("m/00").await).len(), 4);
            assert!(after("m/10").await.is_empty());
        };
        run.now_or_never().expect("neither root suspends");
    }
}

#[test]
fn many_objects_are_removed_at_once_and_absent_ones_are_fine() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("db"))] {
        let run = async {
            let all: Vec<_> = (0..2_500).map(|number| format!("data/{number}")).collect();
            for name in all.iter().step_by(2) {
                let _ = root.put_new(name, Bytes::from(name.clone())).await.unwrap();
            }
            let before = root.requests();
            root.delete_many(&all).await.unwrap();
            assert!(root.list("").await.unwrap().is_empty());
            if root.is_memory() {
                assert_eq!(root.requests().since(&before).deletes, 3);
            }
        };
        run.now_or_never().expect("neither root suspends");
    }
}

#[test]
fn requests_are_counted_by_their_kind_on_every_root() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("db"))] {
        let run = async {
            let same = root.clone();
            let _ = root.put_new("m/1", Bytes::from_static(b"hello")).await.unwrap();
            assert_eq!(same.get("m/1").await.unwrap().map(|body| body.len()), Some(5));
            assert_eq!(root.open("m/1", 5).await.unwrap().read(1..3).await.unwrap().len(), 2);
            root.list("m/").await.unwrap();
            root.delete("m/1").await.unwrap();
            let counts = root.requests();
            assert_eq!((counts.puts, counts.gets, counts.lists, counts.deletes), (1, 2, 1, 1));
            assert_eq!((counts.written_bytes, counts.read_bytes, counts.total()), (5, 7, 5));
        };
        run.now_or_never().expect("neither root suspends");
    }
}

#[tokio::test]
async fn reads_and_removals_are_tried_again_and_creations_read_back() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let clock = ManualClock::at(1);
    let root = Root::object_store(Arc::new(store.clone()), "p".into()).paced(&env(&clock, 1));
    let fail = |faults: &[StoreFault]| {
        for (number, fault) in faults.iter().enumerate() {
            store.fail(store.requests() + 1 + number as u64, *fault);
        }
    };
    fail(&[StoreFault::After, StoreFault::Before]);
    assert_eq!(root.put_new("a", Bytes::from_static(b"1")).await.unwrap(), PutOutcome::Created);
    fail(&[StoreFault::Before, StoreFault::FalseNotFound, StoreFault::Before]);
    assert_eq!(root.put_new("b", Bytes::from_static(b"2")).await.unwrap(), PutOutcome::Created);
    fail(&[StoreFault::Before; 3]);
    assert_eq!(root.get("a").await.unwrap().unwrap(), "1");
    fail(&[StoreFault::Before; 2]);
    assert_eq!(names(&root.list("").await.unwrap()), ["a", "b"]);
    fail(&[StoreFault::After]);
    root.delete_many(&["a".into(), "b".into()]).await.unwrap();
    assert!(root.list("").await.unwrap().is_empty());
    assert!(root.requests().retries >= 7, "{:?}", root.requests());
}

#[tokio::test]
async fn a_put_that_only_failed_is_not_reported_as_unknown_when_it_was_refused() {
    let store = FaultStore::new(Arc::new(InMemory::new()));
    let root = Root::object_store(Arc::new(store.clone()), "p".into());
    for number in 1..=200 {
        store.fail(number, StoreFault::FalseConflict);
    }
    let refused = root.put_new("a", Bytes::from_static(b"1")).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    store.heal();
    let first = store.requests() + 1;
    for number in first..=first + 200 {
        store.fail(number, StoreFault::Before);
    }
    let lost = root.put_new("b", Bytes::from_static(b"2")).await;
    assert!(matches!(lost, Err(Error::CommitUnknown(_))), "{lost:?}");
}

#[tokio::test]
async fn a_large_object_that_is_given_up_leaves_no_upload() {
    let (clock, tasks) = (ManualClock::at(1), InlineTasks::new());
    let env = Env { clock, tasks: Arc::clone(&tasks) as Arc<dyn crate::env::TaskSet>, seed: 1 };
    let root = Root::memory().paced(&env);
    let mut writer = root.create("data/x").await.unwrap();
    for _ in 0..6 {
        writer.write(vec![1; 9 << 20].into()).await.unwrap();
    }
    drop(writer);
    assert_eq!(tasks.run(), 0, "the abort is over");
    assert!(root.list("").await.unwrap().is_empty());
    let mut writer = root.create("data/x").await.unwrap();
    for part in 0..6 {
        writer.write(vec![part; 9 << 20].into()).await.unwrap();
    }
    let len = writer.finish().await.unwrap();
    let reader = root.open("data/x", len).await.unwrap();
    for part in 0..6_u8 {
        let at = u64::from(part) * (9 << 20);
        assert_eq!(reader.read(at..at + 2).await.unwrap().as_ref(), [part; 2]);
    }
}

#[tokio::test]
async fn files_are_read_with_fewer_handles_than_there_are_readers() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::local(OsDisk::shared(), dir.path());
    let name = |number: u64| format!("data/{number}");
    let mut readers = Vec::new();
    root.limit_open_files(3);
    for number in 0..20u64 {
        let body = Bytes::from(number.to_string().repeat(40).into_bytes());
        let _ = root.put_new(&name(number), body.clone()).await.unwrap();
        readers.push((root.open(&name(number), body.len() as u64).await.unwrap(), body));
        assert!(root.open_files() <= 3);
    }
    for round in 0..4 {
        for (reader, body) in readers.iter().skip(round % 2).step_by(round + 1) {
            assert_eq!(reader.read(0..body.len() as u64).await.unwrap(), body);
            assert!(root.open_files() <= 3, "{} files are open", root.open_files());
        }
    }
    // Holders of a reader can come back to the file, and what was dropped counts no more.
    assert!(root.has_readers(&name(0)));
    let copy = readers[0].0.clone();
    readers.clear();
    assert!(root.has_readers(&name(0)));
    assert!(!root.has_readers(&name(1)));
    assert_eq!(copy.read(0..2).await.unwrap().as_ref(), b"00");
    drop(copy);
    assert!(!root.has_readers(&name(0)));
    assert_eq!(root.open_files(), 0);
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_closed_is_an_error() {
    let disk = SimDisk::new();
    let root = Root::local(disk.shared(), "/db");
    root.limit_open_files(1);
    let mut readers = Vec::new();
    for name in ["data/a", "data/b", "data/c"] {
        let _ = root.put_new(name, Bytes::from_static(b"0123456789")).await.unwrap();
        readers.push(root.open(name, 10).await.unwrap());
    }
    disk.cut("/db/data/a", 5);
    disk.delete_file("/db/data/b");
    for (reader, what) in readers.iter().zip(["5 bytes long", "missing"]) {
        let Err(Error::Corrupt { file, detail, .. }) = reader.read(0..3).await else { panic!("{what}") };
        assert_eq!(file, reader.name());
        assert!(detail.contains(what), "{detail}");
    }
    assert_eq!(readers[2].read(0..3).await.unwrap().as_ref(), b"012");
}

#[test]
fn many_threads_read_many_files_with_few_handles() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::local(OsDisk::shared(), dir.path());
    root.limit_open_files(4);
    let open = |number: u8| {
        let name = format!("data/{number}");
        let _ = root.put_new(&name, Bytes::from(vec![number; 100])).now_or_never().unwrap().unwrap();
        root.open(&name, 100).now_or_never().unwrap().unwrap()
    };
    let readers: Vec<_> = (0..32).map(open).collect();
    std::thread::scope(|scope| {
        for thread in 0..8usize {
            let (readers, root) = (&readers, &root);
            scope.spawn(move || {
                for turn in 0..400 {
                    let number = (turn * 7 + thread * 5) % readers.len();
                    let bytes = readers[number].read(10..20).now_or_never().unwrap().unwrap();
                    assert_eq!(bytes, vec![number as u8; 10]);
                    // Each thread may have opened one while all others were being read.
                    assert!(root.open_files() <= 4 + 8);
                }
            });
        }
    });
    drop(readers);
    assert_eq!(root.open_files(), 0);
}
