//! Carrying a restore out.

use bygone_engine::{
    DiffScan, Ingest, IngestOptions, IngestedRun,
    types::{Durability, KeyspaceId, Timestamp, Write, WriteBatch},
};
use bygone_mvcc::{CommitInfo, CommitMeta, ExclusiveCommit, ExclusiveLock, Store};
use futures::channel::oneshot;

use super::{
    RestoreReport, RestoreRequest, SafetySnapshot,
    plan::{Comparison, count, tell},
};
use crate::{Result, Snapshots, safety::Prepared};

/// Restores. When nothing differs and there is nothing extra to write, nothing is committed.
///
/// # Errors
/// `Future` and `TooOld` for the moment; `Changed` when a target changed after `if_unchanged_since`; `Locked` when another
/// restore or bulk load does not finish in time; `Conflict` when a key of `extra` changed; those of reading and of a
/// commit. Nothing is changed then, and there is no safety snapshot.
///
/// # Cancel safety
/// When the future is dropped the restore happens as a whole or not at all.
///
/// # Cost
/// Follows what changed since the moment. Memory is bounded, whatever the number of changes.
pub async fn run(snapshots: &Snapshots, request: RestoreRequest) -> Result<RestoreReport> {
    // On the heap: callers need not carry all of its state in their own.
    Box::pin(restore(snapshots, request)).await
}

async fn restore(snapshots: &Snapshots, request: RestoreRequest) -> Result<RestoreReport> {
    let store = snapshots.store();
    // 1. Nobody else commits into the scope from here on.
    let lock = store.lock_exclusive(&request.keyspaces(), &what(&request), request.wait_us).await?;
    // 2. Compare then with now.
    let comparison = Comparison::begin(store, &request).await?;
    comparison.check_unchanged(store, &request).await?;
    let mut report = comparison.report(&request).await?;
    // 3. Write what differs, to files where it is much.
    let written = write_differences(store, &request, &comparison, &mut report).await?;
    if written.is_empty()
        && request.extra.is_empty()
        && request.remove.is_empty()
        && request.revive.is_empty()
    {
        return Ok(report);
    }
    // 4. Commit all of it at one timestamp, with the record of the safety snapshot.
    let safety = prepare_safety(snapshots, &request, &comparison).await?;
    if let Some(progress) = &request.progress {
        progress.committing();
    }
    report.safety_snapshot = safety.as_ref().map(|safety| safety.snapshot.name.clone());
    report.commit = Some(commit_to_the_end(store, lock, request, written, safety).await?);
    Ok(report)
}

/// As [`commit`], in a task of its own where there are such: who gives up now must not leave keyspaces revived that the
/// commit, which may happen or not, was to bring back.
async fn commit_to_the_end(
    store: &Store,
    lock: ExclusiveLock,
    request: RestoreRequest,
    written: Written,
    safety: Option<Prepared>,
) -> Result<CommitInfo> {
    let tasks = &store.engine().env().tasks;
    if request.revive.is_empty() || !tasks.is_background() {
        return Box::pin(commit(store, &lock, request, written, safety)).await;
    }
    let (answer, outcome) = oneshot::channel();
    let store = store.clone();
    let work = async move {
        // Nobody may be waiting any more.
        drop(answer.send(commit(&store, &lock, request, written, safety).await));
    };
    tasks.spawn("restore", Box::pin(work));
    // The task ended without an answer, by a panic or with its runtime: before the commit or after.
    outcome.await.unwrap_or_else(|_| {
        let unknown = bygone_engine::Error::CommitUnknown("the restore ended without an answer".into());
        Err(bygone_mvcc::Error::Engine(unknown).into())
    })
}

fn what(request: &RestoreRequest) -> String {
    let names: Vec<_> = request.targets.iter().map(|target| target.name.as_str()).collect();
    format!("a restore of {}", if names.is_empty() { "the catalog".into() } else { names.join(", ") })
}

/// What a restore writes into its targets.
#[derive(Debug, Default)]
struct Written {
    batch: WriteBatch,
    runs: Vec<IngestedRun>,
}

impl Written {
    fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.runs.is_empty()
    }
}

async fn write_differences(
    store: &Store,
    request: &RestoreRequest,
    comparison: &Comparison,
    report: &mut RestoreReport,
) -> Result<Written> {
    let mut written = Written::default();
    for (target, report) in request.targets.iter().zip(&mut report.targets) {
        for (position, keyspace) in target.keyspaces.iter().enumerate() {
            let mut differences = comparison.differences(store, *keyspace)?;
            let mut output = Output::Batch(WriteBatch::new());
            let room = request.log_bytes_max.saturating_sub(written.batch.bytes());
            while let Some(difference) = differences.next().await? {
                count(report, &difference, position == 0);
                tell(request, report);
                let write = Write { keyspace: *keyspace, key: difference.key, value: difference.before };
                output = output.push(store, write, room).await?;
            }
            drop::<DiffScan>(differences);
            match output {
                Output::Batch(batch) => batch.writes().iter().for_each(|w| written.batch.push(w.clone())),
                Output::Files(ingest) => written.runs.push(ingest.finish().await?),
            }
        }
        if let Some(progress) = &request.progress {
            progress.compared(&report.name, report.rows());
        }
    }
    Ok(written)
}

/// Where the changes of one keyspace go: into memory while they are few, then into files.
#[derive(Debug)]
enum Output {
    Batch(WriteBatch),
    Files(Box<Ingest>),
}

impl Output {
    async fn push(self, store: &Store, write: Write, room: usize) -> Result<Self> {
        match self {
            Self::Batch(mut batch) => {
                let keyspace: KeyspaceId = write.keyspace;
                batch.push(write);
                if batch.bytes() <= room {
                    return Ok(Self::Batch(batch));
                }
                let mut ingest = store.engine().ingest(keyspace, IngestOptions::default());
                for write in batch.writes() {
                    ingest.push(&write.key, write.value.as_deref()).await?;
                }
                Ok(Self::Files(Box::new(ingest)))
            }
            Self::Files(mut ingest) => {
                ingest.push(&write.key, write.value.as_deref()).await?;
                Ok(Self::Files(ingest))
            }
        }
    }
}

async fn prepare_safety(
    snapshots: &Snapshots,
    request: &RestoreRequest,
    comparison: &Comparison,
) -> Result<Option<Prepared>> {
    let at = comparison.now.timestamp();
    let expires = match request.safety {
        SafetySnapshot::None => return Ok(None),
        SafetySnapshot::Forever => None,
        SafetySnapshot::For(us) => Some(Timestamp::from_micros(at.as_micros().saturating_add(us))),
    };
    let comment = format!("the state before {} to {}", what(request), request.to);
    snapshots.prepare_automatic(request.scope(), at, expires, comment).await.map(Some)
}

async fn commit(
    store: &Store,
    lock: &ExclusiveLock,
    request: RestoreRequest,
    written: Written,
    mut safety: Option<Prepared>,
) -> Result<CommitInfo> {
    let Written { mut batch, runs } = written;
    let mut guards = request.guards;
    guards.extend(request.extra.writes().iter().map(|write| (write.keyspace, write.key.clone())));
    request.extra.writes().iter().for_each(|write| batch.push(write.clone()));
    if let Some(safety) = &mut safety {
        safety.add_to(&mut batch);
    }
    // Before the commit: a keyspace that is live but still marked would lose its files. What a crash cuts short here is put
    // right when the database is opened (`KeyspaceNames::reconcile`).
    for (keyspace, _) in &request.revive {
        store.engine().revive_keyspace(*keyspace).await?;
    }
    let meta = CommitMeta {
        statement: request.meta.statement.clone().or_else(|| Some("RESTORE".into())),
        tables: if request.meta.tables.is_empty() {
            request.targets.iter().map(|target| target.name.clone()).collect()
        } else {
            request.meta.tables.clone()
        },
        ..request.meta
    };
    let commit = ExclusiveCommit {
        runs,
        batch,
        guards: if request.extra_unchanged_since.is_some() { guards } else { Vec::new() },
        guarded_since: request.extra_unchanged_since.unwrap_or_default(),
        meta,
        durability: Durability::Sync,
    };
    match store.commit_exclusive(lock, commit).await {
        Ok(info) => {
            store.mark_dropped(request.remove, info.timestamp).await;
            Ok(info)
        }
        Err(error) => {
            if let Some(safety) = safety {
                safety.failed();
            }
            for (keyspace, dropped_at) in request.revive {
                store.mark_dropped([keyspace], dropped_at).await;
            }
            Err(error.into())
        }
    }
}
