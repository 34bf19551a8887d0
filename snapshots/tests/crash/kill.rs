//! Kill −9: a process that commits is killed at random, again and again, on one real directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bygone_engine::{
    Durability, Env, Root, WriteBatch,
    env::{SystemClock, TokioTasks},
    store::OsDisk,
    testing::SeededRandom,
};
use bygone_snapshots::CreateSnapshot;
use bytes::Bytes;

use crate::database::{ACCOUNTS, Contents, Database, ORDERS, Rows};

/// Tells the child where to commit.
const DIRECTORY: &str = "BYGONE_TEST_KILL_DIRECTORY";
const KILLS: u64 = 200;
const KEYS: u64 = 40;

async fn open(directory: &Path) -> Database {
    let tasks = Arc::new(TokioTasks::current().unwrap());
    let env = Env { clock: Arc::new(SystemClock::new()), tasks, seed: u64::from(std::process::id()) };
    Database::open(Root::local(OsDisk::shared(), directory), env).await.unwrap()
}

fn on_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// The rows after commit `number`: commit `n` writes key `n mod KEYS` in one keyspace and deletes or writes
/// its neighbour in the other, so that half a commit shows.
fn rows_after(number: u64) -> Rows {
    let mut contents = Contents::default();
    for n in number.saturating_sub(2 * KEYS)..=number {
        if n > 0 {
            contents.apply(&batch(n));
        }
    }
    contents.rows.insert((ACCOUNTS, Bytes::from("number")), Bytes::from(number.to_string()));
    if number == 0 { Rows::new() } else { contents.rows }
}

fn batch(n: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(ACCOUNTS, "number", n.to_string());
    batch.put(ACCOUNTS, format!("k{:03}", n % KEYS), format!("{n}/").repeat(20));
    if (n / KEYS).is_multiple_of(2) {
        batch.put(ORDERS, format!("k{:03}", n % KEYS), format!("{n}/").repeat(3));
    } else {
        batch.delete(ORDERS, format!("k{:03}", n % KEYS));
    }
    batch
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}

async fn number(database: &Database) -> u64 {
    let view = database.store.view_now();
    let number = view.get(ACCOUNTS, b"number").await.unwrap();
    number.map_or(0, |number| std::str::from_utf8(&number).unwrap().parse().unwrap())
}

/// Commits `commits` times and says what was acknowledged.
async fn commit_and_say(directory: &Path, commits: u64) {
    say("= opening");
    let database = open(directory).await;
    let first = number(&database).await + 1;
    for n in first..first + commits {
        let durability = if n % 3 == 0 { Durability::Buffered } else { Durability::Sync };
        database.write(batch(n), durability).await.unwrap();
        say(&format!("= {} {n}", if durability == Durability::Sync { "sync" } else { "buffered" }));
        if n % 7 == 0 {
            database.snapshots.create(CreateSnapshot::database(format!("s{n}"))).await.unwrap();
            say(&format!("= snapshot {n}"));
        }
        if n % 7 == 0 && n > 21 {
            let old = format!("s{}", n - 21);
            say(&format!("= dropping {}", n - 21));
            database.snapshots.drop_many(&[old], true).await.unwrap();
        }
        match n % 10 {
            2 => database.engine().flush().await.unwrap(),
            5 => database.engine().compact().await.unwrap(),
            8 => drop(database.engine().collect().await.unwrap()),
            _ => {}
        }
    }
    database.engine().close().await.unwrap();
}

/// The process that is killed. Run by itself it commits into a directory of its own and ends.
#[test]
fn a_process_commits_and_says_what_was_acknowledged() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        on_runtime(commit_and_say(&PathBuf::from(directory), 100_000));
    } else {
        let directory = tempfile::tempdir().unwrap();
        on_runtime(commit_and_say(directory.path(), 60));
        let found = on_runtime(async { open(directory.path()).await.contents().await.unwrap() });
        assert_eq!(found.rows, rows_after(60));
    }
}

/// What a process said before it was killed.
#[derive(Default)]
struct Said {
    sync: u64,
    newest: u64,
    snapshots: BTreeSet<u64>,
    dropping: BTreeSet<u64>,
}

impl Said {
    fn note(&mut self, line: &str) -> bool {
        let mut words = line.strip_prefix("= ").unwrap_or_default().split(' ');
        let (what, n) = (words.next(), words.next().and_then(|n| n.parse().ok()).unwrap_or(0));
        match what {
            Some("sync") => self.sync = n,
            Some("opening" | "buffered") => {}
            Some("snapshot") => {
                // A snapshot is a durable commit, and so is all before it.
                self.sync = self.sync.max(n);
                self.snapshots.insert(n);
            }
            Some("dropping") => _ = self.dropping.insert(n),
            _ => return false,
        }
        self.newest = self.newest.max(n);
        true
    }
}

fn live_and_die(directory: &Path, random: &mut SeededRandom) -> Said {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "kill::a_process_commits_and_says_what_was_acknowledged"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // One in four dies while it recovers, the others after some acknowledgements.
    let wanted = if random.one_in(4) { 1 } else { 2 + random.below(14) };
    let mut said = Said::default();
    let mut heard = 0;
    while heard < wanted {
        let line = lines.next().expect("the process lives until it is killed").unwrap();
        heard += u64::from(said.note(&line));
    }
    for _ in 0..random.below(200_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    lines.map_while(Result::ok).for_each(|line| _ = said.note(&line));
    child.wait().unwrap();
    said
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut random = SeededRandom::new(9);
    let mut snapshots: BTreeMap<String, Rows> = BTreeMap::new();
    let (mut last, mut acknowledged) = (0, 0);
    for kill in 0..KILLS {
        let said = live_and_die(directory.path(), &mut random);
        on_runtime(async {
            let database = open(directory.path()).await;
            let found = number(&database).await;
            assert!(found >= said.sync.max(last), "kill {kill}: {} acknowledged, {found} found", said.sync);
            assert!(found <= said.newest.max(last) + 1, "kill {kill}: nothing that was not begun");
            let contents = database.contents().await.unwrap();
            assert_eq!(contents.rows, rows_after(found), "kill {kill}: the rows after commit {found}");
            for n in &said.snapshots {
                snapshots.insert(format!("s{n}"), rows_after(*n));
            }
            for n in &said.dropping {
                snapshots.remove(&format!("s{n}"));
            }
            for (name, rows) in &snapshots {
                assert_eq!(contents.snapshots.get(name), Some(rows), "kill {kill}: snapshot {name}");
            }
            for (name, rows) in &contents.snapshots {
                let n = name[1..].parse().unwrap();
                assert_eq!(*rows, rows_after(n), "kill {kill}: snapshot {name}");
            }
            // The killed process may have made or dropped one without a word.
            snapshots = contents.snapshots;
            if kill % 8 == 0 {
                database.engine().verify().await.unwrap();
            }
            if kill % 2 == 0 {
                database.engine().close().await.unwrap();
            }
            acknowledged += found - last;
            last = found;
        });
    }
    assert!(acknowledged > KILLS, "{acknowledged} commits in {KILLS} lives");
}
