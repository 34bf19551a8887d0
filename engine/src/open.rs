//! Opening: claim the root, load the newest manifest, replay the log, start the background tasks.

use std::{collections::HashMap, future::ready, sync::Arc};

use crate::{
    EngineOptions, Env, Error, Result, Root,
    core::{Core, Storage, Versions},
    manifest::{self, FileId, FileMeta, KeyspaceManifest, Manifest},
    memtable::Memtable,
    sst::{PageCache, Table},
    state::{Frozen, State, tree},
    store::LockMode,
    types::{LogBounds, LogPosition, Timestamp},
    wal::{self, LocalLog, Log, ReplayEnd},
};

/// Opens `root` for writing. One screen:
pub(crate) async fn open(root: Root, env: Env, options: EngineOptions) -> Result<Arc<Core>> {
    let root = root.paced(&env);
    // 1. A root that can have no log cannot be written, and a mistyped path must not be. Looked at first:
    //    what is strange now is none of a database that is being made at this moment.
    wal::require_log(&root)?;
    let foreign_entries = root.foreign_entries()?;
    if !foreign_entries.is_empty() && manifest::newest_id(&root).await?.is_none() {
        return Err(manifest::no_database(&root));
    }
    // 2. One writer on this machine.
    let lock = root.lock(LockMode::Exclusive)?;
    // 3. The newest manifest, or a new database.
    limit_open_files(&root, &options);
    let newest = manifest::load_newest(&root).await?;
    if newest.is_none() {
        root.preflight().await?;
    }
    let (parent, before) = match newest {
        Some(loaded) => (Some((loaded.manifest.id, loaded.hash)), loaded.manifest),
        None => (None, Arc::new(Manifest::new(options.retention_us))),
    };
    // 4. The tables, before anything is written: damage, and features that we do not know, show now.
    let cache = PageCache::new(options.cache_bytes as u64);
    let tables = open_tables(&root, &before, &cache).await?;
    if let Some(table) = tables.values().find(|table| table.forbids_writing()) {
        let name = table.meta().object_name();
        let what =
            format!("{name} was written by a newer version: the database can be opened for reading only");
        return Err(Error::Invalid(what));
    }
    // 5. Replay what the tables do not hold yet: also what is wrong with the log shows before anything is
    //    written.
    let bounds = before.log_bounds();
    let replayed = replay(&root, bounds).await?;
    // 6. Claim the next epoch: whoever had the root before is fenced from here on. Commits acknowledged until
    //    then count.
    let mut claimed = Manifest::clone(&before);
    claimed.epoch += 1;
    claimed.id += 1;
    claimed.parent = parent;
    claimed.nonce = manifest::nonce(env.seed, claimed.epoch, claimed.id);
    if before.id == 0 {
        claimed.log = LogPosition::first(claimed.epoch);
    }
    let hash = with_reserve(&root, bounds, || manifest::publish(&root, &claimed)).await?;
    let (memtable, end) = match replayed {
        (memtable, end) if wal::ends_there(&root, bounds, &end)? => (memtable, end),
        _ => replay(&root, bounds).await?,
    };
    // 7. A log of our own; the old one is kept until the replayed memtable is in tables.
    let log = create_log(&root, &env, bounds, &claimed, &end).await?;
    let log_after = LogPosition::first(claimed.epoch);
    // 8. From here on the log is known to be there, and before anything is written to it: were it gone, it
    //    would be missed.
    let frozen = (!memtable.is_empty()).then(|| Frozen { memtable: Arc::new(memtable), log_after });
    let mut begun = Manifest::clone(&claimed);
    begun.last_timestamp = begun.last_timestamp.max(end.last_timestamp.unwrap_or_default());
    begun.log = end.first.filter(|_| frozen.is_some()).unwrap_or(log_after);
    begun.log_begun = claimed.epoch;
    let mut hash = hash;
    // In memory there is nothing to lose.
    if !root.is_memory() {
        begun.parent = Some((claimed.id, hash));
        begun.id += 1;
        begun.nonce = manifest::nonce(env.seed, begun.epoch, begun.id);
        hash = with_reserve(&root, bounds, || manifest::publish(&root, &begun)).await?;
    }
    log.writer().note_manifest(begun.id)?;
    // Failing to remove what held nothing loses nothing: the next collection tries again.
    if let Err(error) = wal::delete_before(&root, begun.log).await {
        tracing::warn!(%error, "old log segments could not be removed");
    }
    let last = begun.last_timestamp;
    let state = state_of(begun, hash, frozen, &tables);
    let storage = Storage::new(root, cache, state.manifest.epoch, lock, false);
    Ok(Core::new(env, options, storage, Versions::new(state, last), log))
}

/// The log of the epoch that `claimed` claims, behind the end of the one that was replayed.
async fn create_log(
    root: &Root,
    env: &Env,
    bounds: LogBounds,
    claimed: &Manifest,
    replayed: &ReplayEnd,
) -> Result<Log> {
    let clock = Arc::clone(&env.clock);
    if root.is_memory() {
        return Ok(Log::memory(claimed.epoch, clock));
    }
    let create = || ready(LocalLog::create_after(root, claimed.epoch, claimed.id, replayed));
    let local = with_reserve(root, bounds, create).await?;
    Ok(Log::local(local, root.clone(), clock))
}

/// Does what needs room; on a full disk once more with what the log has reserved: a full disk must not keep
/// out whoever wants to make room on it.
async fn with_reserve<T, F: Future<Output = Result<T>>>(
    root: &Root,
    bounds: LogBounds,
    work: impl Fn() -> F,
) -> Result<T> {
    match work().await {
        Err(error) if error.is_full() && wal::give_back(root, bounds)? => work().await,
        outcome => outcome,
    }
}

/// Opens `root` for reading only: nothing is written.
pub(crate) async fn open_read_only(root: Root, env: Env, options: EngineOptions) -> Result<Arc<Core>> {
    let root = root.paced(&env);
    // Looked for before anything is locked: a misspelt name must not create a directory.
    if manifest::newest_id(&root).await?.is_none() {
        return Err(manifest::no_database(&root));
    }
    // The lock keeps a writer of this machine from deleting what is read, and lets other readers in. Where
    // there is no lock file and none can be made there is no writer.
    let lock = match root.lock(LockMode::Shared) {
        Err(Error::Unavailable { .. }) => None,
        outcome => outcome?,
    };
    limit_open_files(&root, &options);
    let Some(manifest::LoadedManifest { manifest, hash }) = manifest::load_newest(&root).await? else {
        return Err(manifest::no_database(&root));
    };
    let (replayed, end) = replay(&root, manifest.log_bounds()).await?;
    let frozen = Some(replayed).filter(|memtable| !memtable.is_empty());
    let frozen = frozen.map(|memtable| Frozen { memtable: Arc::new(memtable), log_after: manifest.log });
    let cache = PageCache::new(options.cache_bytes as u64);
    let tables = open_tables(&root, &manifest, &cache).await?;
    let state = state_of(Manifest::clone(&manifest), hash, frozen, &tables);
    let last = end.last_timestamp.unwrap_or_default().max(state.manifest.last_timestamp);
    let log = Log::memory(0, Arc::clone(&env.clock));
    let storage = Storage::new(root, cache, state.manifest.epoch, lock, true);
    Ok(Core::new(env, options, storage, Versions::new(state, last), log))
}

/// Otherwise the root has its own limit.
fn limit_open_files(root: &Root, options: &EngineOptions) {
    if options.open_files_max > 0 {
        root.limit_open_files(options.open_files_max);
    }
}

async fn replay(root: &Root, bounds: LogBounds) -> Result<(Memtable, ReplayEnd)> {
    let memtable = Memtable::default();
    let mut last = Timestamp::ZERO;
    let end = wal::replay(root, bounds, |at, writes| {
        if at <= last {
            let detail = format!("commit {at} follows commit {last}");
            return Err(Error::corrupt(bounds.from.object_name(), 0, detail));
        }
        last = at;
        for write in &writes {
            memtable.insert(at, write);
        }
        Ok(())
    })
    .await?;
    Ok((memtable, end))
}

/// Opens every table that `manifest` names and checks that its runs are runs.
async fn open_tables(root: &Root, manifest: &Manifest, cache: &PageCache) -> Result<HashMap<FileId, Table>> {
    if let Some(what) = manifest.unknown_feature() {
        let id = manifest.id;
        return Err(Error::Invalid(format!("manifest {id} was written by a newer version: it has {what}")));
    }
    let corrupt = |detail| Err(Error::corrupt(format!("manifest/{:020}", manifest.id), 0, detail));
    let keyspaces = || manifest.keyspaces.values();
    for run in keyspaces().flat_map(|keyspace| keyspace.runs().chain(keyspace.history_runs())) {
        if !run.files.windows(2).all(|pair| pair[0].max_key < pair[1].min_key) {
            return corrupt("the files of a run overlap");
        }
    }
    let mut history = keyspaces().flat_map(KeyspaceManifest::history_runs).flat_map(|run| &run.files);
    if !history.all(FileMeta::is_history) {
        return corrupt("a file of history holds more than values that ended");
    }
    let mut tables = HashMap::new();
    for file in manifest.files() {
        tables.insert(file.id, Table::open(root, file, cache).await?);
    }
    Ok(tables)
}

fn state_of(
    manifest: Manifest,
    manifest_hash: u128,
    frozen: Option<Frozen>,
    tables: &HashMap<FileId, Table>,
) -> State {
    let trees = manifest.keyspaces.iter().filter(|(_, keyspace)| keyspace.has_files());
    let trees = trees.map(|(id, keyspace)| (*id, Arc::new(tree(keyspace, tables)))).collect();
    State {
        active: Arc::new(Memtable::default()),
        frozen: frozen.into_iter().collect(),
        trees,
        manifest: Arc::new(manifest),
        manifest_hash,
    }
}
