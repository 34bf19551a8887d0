//! Runs the scripts in `scripts/`. A script is a list of lines `command -> answer`; `#` begins a comment.
//!
//! ```text
//!   10: put a=1 b=2 del c      commit at 10 (the clock is set to it); `u/a` is key a of keyspace u, `a` of keyspace t
//!   get a [@10|@s]             at a moment or a snapshot; without one, now
//!   scan [u] [@10|@s] [reverse] [limit=n]
//!   T1 begin|get|scan|put|del|commit|rollback|savepoint s|rollback to s|release s|guard k
//!   snapshot s [of t,u] [@10] [expires=20] [if-not-exists]      drop s,r [if-exists]   rename s r
//!   hold s reason   release s   expire   snapshots   expiry s 30
//!   restore t,u to 10|s [safety] [unchanged-since=10]           dry-run …
//!   diff t 10 20    history a    quota total=1 per-object=1
//!   clock 50   retention 20   flush   compact   collect   reopen
//! ```
//!
//! With `BLESS=1` the answers are written into the scripts instead of compared.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use bygone_engine::{
    EngineOptions, KeyRange, ReadView, RowBatch, ScanOptions, Scope,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bygone_mvcc::{Mark, Savepoint, Transaction};
use bygone_snapshots::{
    ChangeKind, CreateSnapshot, Created, Error, ObjectRef, Quotas, Result, SnapshotScope, diff, key_history,
    restore::{self, RestorePlan, RestoreReport, RestoreRequest, SafetySnapshot},
};
use bytes::Bytes;

use crate::database::Database;

macro_rules! scripts {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            run(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/scripts/", stringify!($name), ".txt")).await;
        }
    )*};
}

scripts! {
    transactions
    isolation
    statements_and_savepoints
    snapshot_rules
    snapshots_of_the_past
    restore_cases
    restore_rules
    restore_of_several
    garbage_and_pins
    diff_and_history
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own scripts")]
async fn run(path: impl AsRef<Path>) {
    let text = std::fs::read_to_string(&path).expect("reads the script");
    let mut script = Script::new().await;
    let mut out = String::new();
    let mut failed = String::new();
    for (number, line) in text.lines().enumerate() {
        let (code, comment) = line.split_once('#').map_or((line, None), |(code, rest)| (code, Some(rest)));
        let (command, expected) = code
            .split_once("->")
            .map_or((code.trim(), None), |(command, answer)| (command.trim(), Some(answer.trim())));
        if command.is_empty() {
            writeln!(out, "{line}").expect("writes to a string");
            continue;
        }
        let answer = match Box::pin(script.execute(command)).await {
            Ok(answer) => answer,
            Err(error) => describe(&error),
        };
        if answer != expected.unwrap_or_default() {
            writeln!(
                failed,
                "line {}: {command}\n  expected: {}\n  answered: {answer}",
                number + 1,
                expected.unwrap_or_default()
            )
            .expect("writes to a string");
        }
        let answer = if answer.is_empty() { String::new() } else { format!(" -> {answer}") };
        let comment = comment.map(|rest| format!("  #{rest}")).unwrap_or_default();
        writeln!(out, "{}{answer}{comment}", code.split("->").next().unwrap_or_default().trim_end())
            .expect("writes to a string");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, out).expect("writes the script");
    } else {
        assert!(failed.is_empty(), "{}\n{failed}", path.as_ref().display());
    }
}

/// An error in a word or two.
fn describe(error: &Error) -> String {
    use bygone_engine::Error as Engine;
    use bygone_mvcc::Error as Mvcc;
    match error {
        Error::NotFound { candidates, .. } if candidates.is_empty() => "not found".into(),
        Error::NotFound { candidates, .. } => format!("not found; did you mean {}", candidates.join(", ")),
        Error::Exists(_) => "exists".into(),
        Error::Held { reason, .. } => format!("held: {reason}"),
        Error::Quota { of, max } => format!("quota of {of}: {max}"),
        Error::Changed { target, newest, .. } => format!("changed: {target} at {newest}"),
        Error::Store(Mvcc::Conflict { key: Some(key), .. }) => {
            format!("conflict on {}", String::from_utf8_lossy(key))
        }
        Error::Store(Mvcc::Conflict { .. }) => "conflict".into(),
        Error::Store(Mvcc::Locked { by, .. }) => format!("locked by {by}"),
        Error::Store(Mvcc::Future { now, .. }) => format!("future: now is {now}"),
        Error::Store(Mvcc::ReadOnly(_)) => "read-only".into(),
        Error::Store(Mvcc::Finished) => "finished".into(),
        Error::Store(Mvcc::Engine(Engine::TooOld { horizon, .. })) => {
            format!("too old: horizon is {horizon}")
        }
        other => format!("error: {other}"),
    }
}

struct Script {
    database: Database,
    transactions: BTreeMap<String, Transaction>,
    savepoints: BTreeMap<(String, String), Savepoint>,
    marks: BTreeMap<(String, String), Mark>,
}

/// The words of a command: plain ones, `@moment`, and `option=value`.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn moment(&self) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix('@'))
    }

    fn option(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn flag(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    fn plain(&self, index: usize) -> Option<&'a str> {
        self.0.iter().filter(|word| !word.starts_with('@') && !word.contains('=')).nth(index).copied()
    }
}

fn number(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse().unwrap_or_else(|_| panic!("{text} is not a number")))
}

impl Script {
    async fn new() -> Self {
        let database =
            Database::new(EngineOptions { retention_us: 1_000_000, ..EngineOptions::tiny() }).await;
        // Fixed ids from the start, so that timestamps in scripts do not depend on the order of first use.
        for name in ["t", "u"] {
            database.keyspace(name).await;
        }
        Self { database, transactions: BTreeMap::new(), savepoints: BTreeMap::new(), marks: BTreeMap::new() }
    }

    async fn execute(&mut self, command: &str) -> Result<String> {
        if let Some((at, rest)) = command.split_once(':')
            && let Ok(at) = at.parse::<u64>()
        {
            self.database.clock.set(at);
            return self.commit_at(at, rest).await;
        }
        let words = Words(command.split_whitespace().collect());
        let first = words.0[0];
        if first.starts_with('T') {
            return self.in_transaction(first, &Words(words.0[1..].to_vec())).await;
        }
        let rest = Words(words.0[1..].to_vec());
        let store = self.database.store.clone();
        let snapshots = self.database.snapshots.clone();
        match first {
            "get" => {
                let (keyspace, key) = self.key(rest.plain(0).expect("a key")).await;
                let view = self.view(rest.moment(), keyspace).await?;
                Ok(show_value(view.get(keyspace, &key).await?))
            }
            "scan" => {
                let keyspace = self.scanned(&rest).await;
                let view = self.view(rest.moment(), keyspace).await?;
                let mut scan = view.scan(keyspace, KeyRange::all(), scan_options(&rest))?;
                let mut rows = Vec::new();
                while let Some(batch) = scan.next().await? {
                    show_rows(&batch, &mut rows);
                }
                Ok(rows.join(" "))
            }
            "clock" => {
                self.database.clock.set(number(rest.0[0]).as_micros());
                Ok(String::new())
            }
            "retention" => {
                store.engine().set_retention(None, Some(number(rest.0[0]).as_micros())).await?;
                Ok(String::new())
            }
            "flush" => store.engine().flush().await.map(|()| String::new()).map_err(Error::from),
            "compact" => store.engine().compact().await.map(|()| String::new()).map_err(Error::from),
            "collect" => store.engine().collect().await.map(|_| String::new()).map_err(Error::from),
            "horizon" => Ok(store.engine().database_horizon().to_string()),
            "reopen" => {
                self.transactions.clear();
                self.database.reopen().await;
                Ok(String::new())
            }
            "snapshot" => self.create_snapshot(&rest).await,
            "drop" => {
                let names: Vec<_> = rest.0[0].split(',').collect();
                let dropped = snapshots.drop_many(&names, rest.flag("if-exists")).await?;
                Ok(dropped.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "))
            }
            "rename" => snapshots.rename(rest.0[0], rest.0[1]).await.map(|_| String::new()),
            "hold" => snapshots.hold(rest.0[0], &rest.0[1..].join(" ")).await.map(|_| String::new()),
            "release" => snapshots.release(rest.0[0]).await.map(|_| String::new()),
            "comment" => {
                let comment = rest.0[1..].join(" ");
                snapshots.set_comment(rest.0[0], Some(comment)).await.map(|_| String::new())
            }
            "expiry" => {
                let expires = rest.0.get(1).map(|at| number(at));
                snapshots.set_expiry(rest.0[0], expires).await.map(|_| String::new())
            }
            "expire" => {
                let expired = snapshots.expire(store.clock().now()).await?;
                Ok(expired.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "))
            }
            "quota" => {
                let of = |name| rest.option(name).and_then(|max| max.parse().ok());
                snapshots.set_quotas(Quotas { per_object: of("per-object"), total: of("total") }).await?;
                Ok(String::new())
            }
            "snapshots" => self.list_snapshots().await,
            "restore" => self.restore(&rest, false).await,
            "dry-run" => self.restore(&rest, true).await,
            "diff" => {
                let keyspace = self.database.keyspace(rest.0[0]).await;
                let (from, to) = (self.moment(rest.0[1]).await?, self.moment(rest.0[2]).await?);
                let mut scan = diff(&store, keyspace, &KeyRange::all(), from, to).await?;
                let mut rows = Vec::new();
                while let Some(d) = scan.next().await? {
                    let key = String::from_utf8_lossy(&d.key).into_owned();
                    let kind = ChangeKind::of(&d);
                    rows.push(match kind {
                        ChangeKind::Insert => format!("+{key}={}", show_value(d.after)),
                        ChangeKind::Delete => format!("-{key}={}", show_value(d.before)),
                        ChangeKind::Update => {
                            format!("{key}={}/{}", show_value(d.before), show_value(d.after))
                        }
                    });
                }
                Ok(rows.join(" "))
            }
            "history" => {
                let (keyspace, key) = self.key(rest.0[0]).await;
                let now = store.clock().now();
                let entries = key_history(&store, keyspace, &key, Timestamp::ZERO, now).await?;
                let rows: Vec<_> = entries
                    .into_iter()
                    .map(|e| {
                        let by = e
                            .commit
                            .and_then(|c| c.statement)
                            .map(|s| format!(" by {s}"))
                            .unwrap_or_default();
                        format!("[{},{})={}{by}", e.begin, e.end, show_value(e.value))
                    })
                    .collect();
                Ok(rows.join(" "))
            }
            other => panic!("{other} is not a command"),
        }
    }

    async fn commit_at(&mut self, at: u64, rest: &str) -> Result<String> {
        let mut batch = WriteBatch::new();
        let mut delete = false;
        for word in rest.split_whitespace() {
            match word {
                "put" => delete = false,
                "del" => delete = true,
                _ if delete => {
                    let (keyspace, key) = self.key(word).await;
                    batch.delete(keyspace, key);
                }
                _ => {
                    let (key, value) = word.split_once('=').expect("key=value");
                    let (keyspace, key) = self.key(key).await;
                    batch.put(keyspace, key, value.to_owned());
                }
            }
        }
        let commit = self.database.store.write(batch, Durability::Sync).await?;
        let stamped = commit.timestamp.as_micros();
        Ok(if stamped == at { String::new() } else { format!("at {stamped}") })
    }

    async fn in_transaction(&mut self, name: &str, words: &Words<'_>) -> Result<String> {
        if words.0[0] == "begin" {
            let transaction = match words.moment() {
                Some(moment) => {
                    let at = self.moment(moment).await?;
                    self.database.store.begin_at(self.database.store.view_at(at).await?)
                }
                None => self.database.store.begin(),
            };
            self.transactions.insert(name.into(), transaction);
            return Ok(String::new());
        }
        let target = match words.plain(1) {
            Some(word)
                if !matches!(
                    words.0[0],
                    "savepoint" | "rollback" | "release" | "mark" | "scan" | "spill"
                ) =>
            {
                self.key(word).await
            }
            _ => (self.scanned(&Words(words.0[1..].to_vec())).await, Bytes::new()),
        };
        let transaction = self.transactions.get(name).unwrap_or_else(|| panic!("{name} has not begun"));
        let (keyspace, key) = target;
        let mark = |option: Option<&str>| {
            option.map_or(Mark::END, |mark| self.marks[&(name.to_owned(), mark.to_owned())].clone())
        };
        match words.0[0] {
            "get" => {
                let value = transaction.get_before(keyspace, &key, mark(words.option("before"))).await?;
                return Ok(show_value(value));
            }
            "put" => {
                let (key, value) = words.0[1].split_once('=').expect("key=value");
                let (keyspace, key) = self.key(key).await;
                self.transactions[name].put(keyspace, key, value.to_owned())?;
            }
            "del" => transaction.delete(keyspace, key)?,
            "guard" => transaction.guard(keyspace, key)?,
            "spill" => transaction.spill(|_| true).await?,
            "mark" => {
                let mark = transaction.mark();
                self.marks.insert((name.into(), words.0[1].into()), mark);
            }
            "scan" => {
                let mark = mark(words.option("before"));
                let mut scan =
                    transaction.scan_before(keyspace, KeyRange::all(), scan_options(words), mark)?;
                let mut rows = Vec::new();
                while let Some(batch) = scan.next().await? {
                    show_rows(&batch, &mut rows);
                }
                return Ok(rows.join(" "));
            }
            "savepoint" => {
                let savepoint = transaction.savepoint()?;
                self.savepoints.insert((name.into(), words.0[1].into()), savepoint);
            }
            "rollback" if words.0.len() == 3 => {
                transaction.rollback_to(self.savepoints[&(name.to_owned(), words.0[2].to_owned())])?;
            }
            "release" => transaction.release(self.savepoints[&(name.to_owned(), words.0[1].to_owned())])?,
            "rollback" => transaction.rollback()?,
            "commit" => {
                let commit = transaction.commit(Durability::Sync).await?;
                return Ok(format!("at {}", commit.timestamp));
            }
            other => panic!("{other} is not a command of transactions"),
        }
        Ok(String::new())
    }

    async fn create_snapshot(&mut self, words: &Words<'_>) -> Result<String> {
        let scope = match words.0.iter().position(|word| *word == "of") {
            Some(position) => SnapshotScope::Objects(self.objects(words.0[position + 1]).await),
            None => SnapshotScope::Database(None),
        };
        let at = match words.moment() {
            Some(moment) => Some(self.moment(moment).await?),
            None => None,
        };
        let request = CreateSnapshot {
            at,
            expires: words.option("expires").map(number),
            if_not_exists: words.flag("if-not-exists"),
            ..CreateSnapshot::of(words.0[0].replace("\\n", "\n"), scope)
        };
        match self.database.snapshots.create(request).await? {
            Created::New(snapshot) => Ok(format!("at {}", snapshot.at)),
            Created::Existing(snapshot) => Ok(format!("was there at {}", snapshot.at)),
        }
    }

    async fn list_snapshots(&self) -> Result<String> {
        let now = self.database.store.clock().now();
        let mut rows = Vec::new();
        for snapshot in self.database.snapshots.list().await? {
            let mut row = format!("{}@{}", snapshot.name, snapshot.at);
            if let SnapshotScope::Objects(objects) = &snapshot.scope {
                let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
                write!(row, "({})", names.join(",")).expect("writes to a string");
            }
            if snapshot.is_expired(now) {
                row += "!";
            }
            if let Some(comment) = &snapshot.comment
                && !snapshot.automatic
            {
                write!(row, "\"{comment}\"").expect("writes to a string");
            }
            rows.push(row);
        }
        Ok(rows.join(" "))
    }

    async fn restore(&mut self, words: &Words<'_>, dry: bool) -> Result<String> {
        let targets = self.objects(words.0[0]).await;
        let to = self.moment(words.0[2]).await?;
        let safety = if words.flag("safety") { SafetySnapshot::default() } else { SafetySnapshot::None };
        let request = RestoreRequest {
            safety,
            if_unchanged_since: words.option("unchanged-since").map(number),
            wait_us: 0,
            log_bytes_max: words.option("log").map_or(1 << 20, |bytes| bytes.parse().expect("a number")),
            ..RestoreRequest::new(RestorePlan::of_kept(targets, to))
        };
        let report = if dry {
            restore::dry_run(&self.database.snapshots, &request).await?
        } else {
            restore::run(&self.database.snapshots, request).await?
        };
        Ok(show_report(&report))
    }

    async fn objects(&self, names: &str) -> Vec<ObjectRef> {
        let mut objects = Vec::new();
        for name in names.split(',') {
            objects.push(self.database.object(name).await);
        }
        objects
    }

    /// `10`, or the name of a snapshot.
    async fn moment(&self, text: &str) -> Result<Timestamp> {
        match text.parse() {
            Ok(at) => Ok(Timestamp::from_micros(at)),
            Err(_) => Ok(self.database.snapshots.get(text).await?.at),
        }
    }

    async fn view(&self, moment: Option<&str>, keyspace: KeyspaceId) -> Result<ReadView> {
        let store = &self.database.store;
        let Some(moment) = moment else { return Ok(store.view_now()) };
        match moment.parse() {
            Ok(at) => Ok(store.view_at_in(Timestamp::from_micros(at), Scope::keyspaces([keyspace])).await?),
            Err(_) => self.database.snapshots.view(moment).await,
        }
    }

    /// `a` is key a of keyspace t, `u/a` of keyspace u.
    async fn key(&self, text: &str) -> (KeyspaceId, Bytes) {
        let text = text.split_once('=').map_or(text, |(key, _)| key);
        let (keyspace, key) = text.split_once('/').unwrap_or(("t", text));
        (self.database.keyspace(keyspace).await, Bytes::copy_from_slice(key.as_bytes()))
    }

    async fn scanned(&self, words: &Words<'_>) -> KeyspaceId {
        let name = words.plain(0).filter(|word| !matches!(*word, "reverse" | "scan"));
        self.database.keyspace(name.filter(|name| name.len() == 1).unwrap_or("t")).await
    }
}

fn scan_options(words: &Words<'_>) -> ScanOptions {
    ScanOptions {
        reverse: words.flag("reverse"),
        limit: words.option("limit").map(|limit| limit.parse().expect("a number")),
        batch_rows: 2,
    }
}

fn show_value(value: Option<Bytes>) -> String {
    value.map_or("none".into(), |value| String::from_utf8_lossy(&value).into_owned())
}

fn show_rows(batch: &RowBatch, rows: &mut Vec<String>) {
    for row in 0..batch.len() {
        let key = String::from_utf8_lossy(batch.keys.get(row));
        rows.push(format!("{key}={}", String::from_utf8_lossy(batch.values.get(row))));
    }
}

fn show_report(report: &RestoreReport) -> String {
    let mut text: Vec<_> = report
        .targets
        .iter()
        .map(|t| format!("{}: {} deleted {} reverted {} back", t.name, t.deleted, t.reverted, t.brought_back))
        .collect();
    if !report.undone.is_empty() {
        let undone: Vec<_> = report.undone.iter().map(|c| c.statement.clone().unwrap_or_default()).collect();
        text.push(format!("undoes {}", undone.join(" ")));
    }
    if let Some(name) = &report.safety_snapshot {
        text.push(format!("safety {name}"));
    }
    if let Some(commit) = &report.commit {
        text.push(format!("at {}", commit.timestamp));
    }
    text.join("; ")
}
