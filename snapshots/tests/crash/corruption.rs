//! Damaged files: an error that names the file, or the same answers.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use bygone_engine::{
    Engine, KeyRange, KeyspaceId, Timestamp,
    testing::{ManualClock, SimDisk, env},
};
use bygone_mvcc::{Store, StoreOptions};
use bygone_snapshots::{Error, Result, Snapshots};
use bytes::Bytes;

use crate::{
    database::{Contents, Database, KEYSPACES, Rows, block_on, engine_error, options, root_on},
    workload::{Run, SMALL},
};

type VersionRow = (KeyspaceId, Bytes, Timestamp, Option<Bytes>);

/// Everything that reading gives.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    contents: Contents,
    moments: Vec<Option<Rows>>,
    versions: Vec<VersionRow>,
}

/// A small database with every feature, and what it answers.
struct Subject {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    moments: Vec<Timestamp>,
    answers: Answers,
    /// The contents before each commit, those before the newest first.
    earlier: Vec<Contents>,
}

impl Subject {
    fn new() -> Self {
        block_on(async {
            let mut run = Run::new(SimDisk::new());
            run.all(SMALL).await;
            let (clock, moments) = (Arc::clone(&run.clock), run.oracle.moments());
            let earlier = run.oracle.earlier();
            let disk = run.disk.copy();
            drop(run);
            let answers = ask(&disk, &clock, &moments).await.unwrap();
            assert!(!answers.contents.snapshots.is_empty() && answers.moments.iter().any(Option::is_some));
            Self { disk, clock, moments, answers, earlier }
        })
    }

    fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut files = self.disk.files();
        files.retain(|(path, _)| path.starts_with("/db"));
        files
    }

    /// Asks everything of the damaged disk: right answers, or an error that names one of `damaged`.
    fn check(&self, what: &str, damaged: &[&Path]) {
        self.check_disk(&self.disk, what, damaged);
    }

    fn check_disk(&self, disk: &SimDisk, what: &str, damaged: &[&Path]) {
        match block_on(ask(disk, &self.clock, &self.moments)) {
            Ok(answers) => assert!(answers == self.answers, "{what}: other answers"),
            Err(error) => assert_names(&error, what, damaged),
        }
    }

    /// The same through opening for writing, on a copy.
    fn check_writer(&self, what: &str, damaged: &[&Path]) {
        let disk = self.disk.copy();
        match block_on(Database::on(&disk, &self.clock)) {
            Ok(database) => match block_on(read(&database, &self.moments)) {
                Ok(answers) => assert!(answers == self.answers, "{what}: other answers when opened to write"),
                Err(error) => assert_names(&error, what, damaged),
            },
            Err(error) => assert_names(&error, what, damaged),
        }
    }
}

fn assert_names(error: &Error, what: &str, damaged: &[&Path]) {
    let Some(bygone_engine::Error::Corrupt { file, .. }) = engine_error(error) else {
        panic!("{what}: {error}");
    };
    let named = damaged.iter().any(|path| path.ends_with(file));
    assert!(named, "{what}: the error names {file}: {error}");
}

async fn ask(disk: &SimDisk, clock: &Arc<ManualClock>, moments: &[Timestamp]) -> Result<Answers> {
    let engine = Engine::open_read_only(root_on(disk), env(clock, 1), options()).await?;
    let store = Store::open(engine, StoreOptions { read_only: true, ..StoreOptions::default() });
    let snapshots = Snapshots::open(store.clone()).await?;
    let database = Database { store, snapshots };
    let answers = read(&database, moments).await?;
    database.engine().verify().await?;
    Ok(answers)
}

async fn read(database: &Database, moments: &[Timestamp]) -> Result<Answers> {
    let mut answers =
        Answers { contents: database.contents().await?, moments: Vec::new(), versions: Vec::new() };
    for at in moments {
        answers.moments.push(database.rows_at(*at).await?);
    }
    for keyspace in KEYSPACES {
        let all = KeyRange::all();
        let mut scan = database.engine().versions(keyspace, all, Timestamp::ZERO, Timestamp::LAST)?;
        while let Some(version) = scan.next().await? {
            let (key, begin) = (version.key.clone(), version.begin);
            answers.versions.push((keyspace, key, begin, version.into_value()));
        }
    }
    Ok(answers)
}

/// All of a short file; of a long one the ends and every seventh.
fn sample(len: u64) -> impl Iterator<Item = u64> {
    (0..len).filter(move |at| len < 2_048 || *at < 640 || *at + 256 >= len || at % 7 == 0)
}

#[test]
fn a_flipped_byte_is_an_error_that_names_the_file_or_changes_nothing() {
    let work = std::sync::Mutex::new(Vec::new());
    {
        let subject = Subject::new();
        let mut bytes = 0;
        for (path, len) in subject.files() {
            work.lock().unwrap().extend(sample(len).map(|at| (path.clone(), at)));
            bytes += len;
        }
        assert!(bytes >= 8 << 10, "the database has {bytes} bytes");
    }
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let work = &work;
            scope.spawn(move || {
                let subject = Subject::new();
                let mine = work.lock().unwrap().iter().skip(worker).step_by(2).cloned().collect::<Vec<_>>();
                for (path, at) in mine {
                    let mask = [0x01, 0x80, 0xff][(at / 2 % 3) as usize];
                    let what = format!("{} byte {at} mask {mask:#x}", path.display());
                    subject.disk.flip(&path, at, mask);
                    subject.check(&what, &[&path]);
                    if at % 64 == 9 {
                        subject.check_writer(&what, &[&path]);
                    }
                    subject.disk.flip(&path, at, mask);
                }
            });
        }
    });
}

#[test]
fn a_cut_file_is_an_error_that_names_the_file_or_changes_nothing() {
    let subject = Subject::new();
    for (path, len) in subject.files() {
        let whole = subject.disk.read_file(&path);
        for len in (0..len).filter(|at| at % 11 == 0 || *at < 80 || *at + 80 > len) {
            subject.disk.cut(&path, len);
            subject.check(&format!("{} cut to {len}", path.display()), &[&path]);
            subject.disk.write_file(&path, whole.clone());
        }
    }
}

/// Bytes of the shortest record of the log: a header of one slot, and one slot with the payload.
const RECORD_BYTES_MIN: usize = 2 * 64;

/// How many commits can have had their records from `start` to the end of what the log has written.
fn commits_behind(log: &[u8], start: usize) -> usize {
    let end = log.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    end.next_multiple_of(64).saturating_sub(start).div_ceil(RECORD_BYTES_MIN)
}

/// Zeroes are what a disk gives for sectors that were never written: where the last records of the log were
/// they cannot be told from commits that were never acknowledged, and leave a prefix. A record tells how far
/// the log was synced when it was written, so what is lost is what begins in the zeroes, and what follows it
/// unsynced: no more commits than there are records from the first zeroed byte on.
#[test]
fn a_zeroed_block_is_an_error_that_names_the_file_or_changes_nothing() {
    let subject = Subject::new();
    for (path, len) in subject.files() {
        let whole = subject.disk.read_file(&path);
        let is_log = path.starts_with("/db/wal");
        for size in [64, 512, 4_096, len.max(1)] {
            for start in (0..len).step_by(size as usize) {
                let block: Range<usize> = start as usize..len.min(start + size) as usize;
                let mut damaged = whole.clone();
                damaged[block].fill(0);
                if damaged == whole {
                    continue;
                }
                subject.disk.write_file(&path, damaged);
                let what = format!("{} zeroed {size} bytes at {start}", path.display());
                match block_on(ask(&subject.disk, &subject.clock, &subject.moments)) {
                    Ok(answers) => {
                        let lost = if is_log { commits_behind(&whole, start as usize) } else { 0 };
                        let mut prefixes = subject.earlier.iter().take(lost);
                        let is_prefix = prefixes.any(|contents| *contents == answers.contents);
                        assert!(answers == subject.answers || is_prefix, "{what}: other answers");
                    }
                    Err(error) => assert_names(&error, &what, &[&path]),
                }
                subject.disk.write_file(&path, whole.clone());
            }
        }
    }
}

#[test]
fn a_file_under_the_name_of_another_is_an_error_that_names_one_of_them() {
    let subject = Subject::new();
    let files = subject.files();
    for (one, _) in &files {
        for (other, _) in files.iter().filter(|(other, _)| other != one) {
            // An older or newer file in its place; both exchanged.
            let (bytes, others) = (subject.disk.read_file(one), subject.disk.read_file(other));
            subject.disk.write_file(one, others.clone());
            let what = format!("{} under the name {}", other.display(), one.display());
            subject.check(&what, &[one]);
            subject.disk.write_file(other, bytes.clone());
            subject.check(&format!("exchanged: {what}"), &[one, other]);
            subject.disk.write_file(one, bytes);
            subject.disk.write_file(other, others);
        }
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it_or_changes_nothing() {
    let subject = Subject::new();
    for (path, _) in subject.files() {
        let disk = subject.disk.copy();
        disk.delete_file(&path);
        subject.check_disk(&disk, &format!("{} is missing", path.display()), &[&path]);
        // What bears the name of a file and is none is no better.
        disk.shared().create_dir_all(&path).unwrap();
        subject.check_disk(&disk, &format!("{} is a directory", path.display()), &[&path]);
    }
}

/// At every moment as if the process was killed there: what is on the disk then is whole.
#[test]
fn the_loss_of_the_newest_manifest_or_segment_is_noticed_at_any_moment() {
    let mut run = Run::new(SimDisk::new());
    block_on(run.all(SMALL));
    let mut noticed = 0;
    for moment in (1..=run.disk.operations()).step_by(2) {
        let mut run = Run::new(SimDisk::new());
        run.disk.crash_at(moment);
        block_on(run.all(SMALL));
        let (disk, clock) = (run.disk.copy(), Arc::clone(&run.clock));
        let newest = |directory: &str| {
            let files = disk.files().into_iter().map(|(path, _)| path);
            files.filter(|path| path.starts_with(directory)).collect::<Vec<_>>()
        };
        let (mut segments, mut manifests) = (newest("/db/wal"), newest("/db/manifest"));
        if manifests.len() < 2 {
            // Without any there is no database.
            manifests.clear();
        }
        for lost in segments.pop().into_iter().chain(manifests.pop()) {
            let damaged = disk.copy();
            damaged.delete_file(&lost);
            let what = format!("moment {moment} without {}", lost.display());
            match block_on(Database::on(&damaged, &clock)) {
                // Nothing that was acknowledged was lost with it.
                Ok(database) => block_on(run.oracle.clone().check(&database)).expect(&what),
                Err(error) => {
                    assert_names(&error, &what, &[&lost]);
                    noticed += 1;
                }
            }
        }
    }
    assert!(noticed > 100, "{noticed} losses were noticed");
}
