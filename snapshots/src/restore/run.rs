//! Carrying a restore out.

use bygone_engine::{
    DiffScan, Ingest, IngestOptions, IngestedRun,
    types::{Durability, Timestamp, Write, WriteBatch},
};
use bygone_mvcc::{CommitInfo, CommitMeta, ExclusiveCommit, ExclusiveLock, Store};
use futures::channel::oneshot;

use super::{
    RestoreReport, RestoreRequest, SafetySnapshot,
    compare::{Comparison, count, tell},
};
use crate::{Result, Snapshots, safety::Prepared};

/// Restores. When nothing differs and there is nothing extra to write, nothing is committed.
///
/// # Errors
/// `Future` and `TooOld` for the moment; `Changed` when a target changed after `if_unchanged_since`; `Locked`
/// when another restore or bulk load does not finish in time; `Conflict` when a guard or a key of the writes
/// changed; those of reading and of a commit. Nothing is changed then, and there is no safety snapshot.
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

/// Says what [`run`] would do now, and changes nothing.
///
/// # Errors
/// As [`run`], but for locks.
///
/// # Cost
/// Follows what changed since the moment.
pub async fn dry_run(snapshots: &Snapshots, request: &RestoreRequest) -> Result<RestoreReport> {
    Box::pin(compare(snapshots.store(), request, Output::Nothing)).await.map(|compared| compared.report)
}

/// Result of a comparison, and the writes that it made.
struct Compared {
    comparison: Comparison,
    report: RestoreReport,
    written: Written,
}

/// Compares then with now, and writes what differs to where `output` says.
async fn compare(store: &Store, request: &RestoreRequest, output: Output) -> Result<Compared> {
    let comparison = Comparison::begin(store, request).await?;
    comparison.check_unchanged(store, request).await?;
    let mut report = comparison.report(request).await?;
    let written = write_differences(store, request, &comparison, &mut report, output).await?;
    Ok(Compared { comparison, report, written })
}

async fn restore(snapshots: &Snapshots, request: RestoreRequest) -> Result<RestoreReport> {
    let store = snapshots.store();
    // 1. Nobody else commits into the scope from here on.
    let keyspaces = request.plan.keyspaces();
    let lock = store.lock_exclusive(&keyspaces, &what(&request), request.wait_us).await?;
    // 2. Compare then with now, and write what differs, to files where it is much.
    let compared = compare(store, &request, Output::Batch(WriteBatch::new())).await?;
    let Compared { comparison, mut report, written } = compared;
    if written.is_empty() && !request.plan.changes_objects() {
        return Ok(report);
    }
    // 3. Commit all of it at one timestamp, with the record of the safety snapshot.
    let safety = prepare_safety(snapshots, &request, &comparison).await?;
    if let Some(progress) = &request.progress {
        progress.committing();
    }
    report.safety_snapshot = safety.as_ref().map(|safety| safety.snapshot.name.clone());
    report.commit = Some(commit_to_the_end(store, lock, request, written, safety).await?);
    Ok(report)
}

/// As [`commit`], in a task of its own where there are such: who gives up now must not leave keyspaces
/// revived that the commit, which may happen or not, was to bring back.
async fn commit_to_the_end(
    store: &Store,
    lock: ExclusiveLock,
    request: RestoreRequest,
    written: Written,
    safety: Option<Prepared>,
) -> Result<CommitInfo> {
    let tasks = &store.engine().env().tasks;
    if request.plan.revived().next().is_none() || !tasks.is_background() {
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
    let names: Vec<_> = request.plan.names().collect();
    format!("a restore of {}", if names.is_empty() { "the catalog".into() } else { names.join(", ") })
}

/// Writes of a restore into its targets.
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
    mut output: Output,
) -> Result<Written> {
    let mut written = Written::default();
    for (target, report) in request.plan.targets().iter().zip(&mut report.targets) {
        for (position, keyspace) in target.object.keyspaces.iter().enumerate() {
            let mut differences = comparison.differences(store, *keyspace)?;
            let room = request.log_bytes_max.saturating_sub(written.batch.bytes());
            while let Some(difference) = differences.next().await? {
                if target.is_kept() {
                    count(report, &difference, position == 0);
                    tell(request, report);
                }
                let write = Write { keyspace: *keyspace, key: difference.key, value: difference.before };
                output = output.push(store, write, room).await?;
            }
            drop::<DiffScan>(differences);
            output = match output {
                Output::Nothing => Output::Nothing,
                Output::Batch(batch) => {
                    batch.writes().iter().for_each(|w| written.batch.push(w.clone()));
                    Output::Batch(WriteBatch::new())
                }
                Output::Files(ingest) => {
                    written.runs.push(ingest.finish().await?);
                    Output::Batch(WriteBatch::new())
                }
            };
        }
        if let Some(progress) = &request.progress {
            progress.compared(&report.name, report.rows());
        }
    }
    Ok(written)
}

/// Destination of the changes of one keyspace: memory while they are few, then files.
#[derive(Debug)]
enum Output {
    /// Of a dry run.
    Nothing,
    Batch(WriteBatch),
    Files(Box<Ingest>),
}

impl Output {
    async fn push(self, store: &Store, write: Write, room: usize) -> Result<Self> {
        match self {
            Self::Nothing => Ok(Self::Nothing),
            Self::Batch(mut batch) => {
                let keyspace = write.keyspace;
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
    let at = comparison.present();
    let expires = match request.safety {
        SafetySnapshot::None => return Ok(None),
        SafetySnapshot::Forever => None,
        SafetySnapshot::For(us) => Some(Timestamp::from_micros(at.as_micros().saturating_add(us))),
    };
    let comment = format!("the state before {} to {}", what(request), request.plan.to());
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
    let RestoreRequest { plan, meta, .. } = request;
    let meta = CommitMeta {
        statement: meta.statement.or_else(|| Some("RESTORE".into())),
        tables: if meta.tables.is_empty() { plan.names().map(str::to_owned).collect() } else { meta.tables },
        ..meta
    };
    let revived: Vec<_> = plan.revived().collect();
    let removed: Vec<_> = plan.removed_keyspaces().collect();
    let (writes, guards, guarded_since) = plan.into_writes();
    writes.writes().iter().for_each(|write| batch.push(write.clone()));
    if let Some(safety) = &mut safety {
        safety.add_to(&mut batch);
    }
    // Before the commit: a keyspace that is live but still marked would lose its files. Work that a crash
    // cuts short here is put right when the database is opened (`KeyspaceNames::reconcile`).
    for (keyspace, _) in &revived {
        store.engine().revive_keyspace(*keyspace).await?;
    }
    let durability = Durability::Sync;
    let commit = ExclusiveCommit { runs, batch, guards, guarded_since, meta, durability };
    match store.commit_exclusive(lock, commit).await {
        Ok(info) => {
            store.mark_dropped(removed, info.timestamp).await;
            Ok(info)
        }
        Err(error) => {
            if let Some(safety) = safety {
                safety.failed();
            }
            for (keyspace, dropped_at) in revived {
                store.mark_dropped([keyspace], dropped_at).await;
            }
            Err(error.into())
        }
    }
}
