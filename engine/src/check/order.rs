//! I2 and I3 between the sources of a keyspace: of every key, a newer source holds the newer versions only,
//! and what an older source knows of an end does not reach into them.
//!
//! ```text
//!   memtable   k: 40 ─▶
//!   run 0      k: 30 ─▶           a version of an older source is open, or ends at the latest
//!   run 1      k: 10 ─▶ 20 ─▶ 30  where the oldest of the newer sources begins
//! ```
//!
//! Inside one file the same is checked with the file. Versions of history lie before the values of all
//! sources (H1) and beside each other (H3). A merge by keys: one page of each run is in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Env, Result,
    check::{Findings, manifests::is_ordered},
    manifest::{FileId, Manifest, Run},
    memtable::Memtable,
    sst::{CachePolicy, Page, Table},
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Keys that are compared before other tasks get their turn.
const KEYS_PER_TURN: u64 = 1 << 12;
/// Entries read out of the memtable at a time.
const CHUNK_ROWS: usize = 256;

/// Checks every keyspace whose files are whole. `tables` are the files that are.
pub(super) async fn check(
    env: &Env,
    manifest: &Manifest,
    tables: &BTreeMap<FileId, Table>,
    memtable: &Memtable,
    findings: &mut Findings,
) -> Result<()> {
    let in_memory: BTreeSet<KeyspaceId> = memtable.keyspaces().into_iter().collect();
    for (id, keyspace) in &manifest.keyspaces {
        let mut sources = Vec::new();
        if in_memory.contains(id) {
            sources.push(CheckedSource::Memtable(MemtableCursor::new(
                memtable,
                *id,
                &manifest.log.object_name(),
            )));
        }
        let cursors = |runs: &mut dyn Iterator<Item = &Run>| -> Vec<CheckedSource<'_>> {
            let cursors =
                runs.filter(|run| !run.files.is_empty()).filter_map(|run| CheckedRun::new(run, tables));
            cursors.map(CheckedSource::Run).collect()
        };
        sources.extend(cursors(&mut keyspace.runs()));
        let history = cursors(&mut keyspace.history_runs());
        if sources.len() + history.len() > 1 {
            compare(env, sources, history, findings).await?;
        }
    }
    Ok(())
}

/// Walks the sources, newest first, key by key.
async fn compare(
    env: &Env,
    mut sources: Vec<CheckedSource<'_>>,
    mut history: Vec<CheckedSource<'_>>,
    findings: &mut Findings,
) -> Result<()> {
    let mut keys: u64 = 0;
    for source in sources.iter_mut().chain(&mut history) {
        source.start().await?;
    }
    let mut key = Vec::new();
    loop {
        key.clear();
        match sources.iter().chain(&history).filter_map(CheckedSource::key).min() {
            Some(least) => key.extend_from_slice(&least),
            None => return Ok(()),
        }
        // Of the sources that were passed: where the oldest version of the key begins.
        let mut newer = Timestamp::OPEN;
        let mut oldest_value = Timestamp::OPEN;
        for source in &mut sources {
            let mut oldest = newer;
            while source.key().is_some_and(|found| *found == *key) {
                let (begin, end) = source.lifetime();
                let ends_late = newer != Timestamp::OPEN && end != Timestamp::OPEN && end > newer;
                if begin >= newer || ends_late {
                    let shown = key.escape_ascii();
                    let detail = format!(
                        "key \"{shown}\": the version [{begin}, {end}) is not before {newer}, where one in a newer run begins"
                    );
                    findings.add(&source.name(), detail);
                }
                oldest = begin;
                if source.kind() == Kind::Put {
                    oldest_value = oldest_value.min(begin);
                }
                source.advance().await?;
            }
            newer = newer.min(oldest);
        }
        compare_history(&key, oldest_value, &mut history, findings).await?;
        keys += 1;
        if keys.is_multiple_of(KEYS_PER_TURN) {
            env.tasks.yield_now().await;
        }
    }
}

/// Walks what history has of a key, newest first: each version ends before the one behind it begins.
async fn compare_history(
    key: &[u8],
    mut newer: Timestamp,
    history: &mut [CheckedSource<'_>],
    findings: &mut Findings,
) -> Result<()> {
    loop {
        let of_key = history.iter_mut().filter(|source| source.key().is_some_and(|found| *found == *key));
        let Some(source) = of_key.max_by_key(|source| source.lifetime().0) else { return Ok(()) };
        let (begin, end) = source.lifetime();
        if end > newer {
            let shown = key.escape_ascii();
            let detail = format!(
                "key \"{shown}\": the version [{begin}, {end}) of history is not before {newer}, where another begins"
            );
            findings.add(&source.name(), detail);
        }
        newer = newer.min(begin);
        source.advance().await?;
    }
}

enum CheckedSource<'m> {
    Memtable(MemtableCursor<'m>),
    Run(CheckedRun),
}

impl CheckedSource<'_> {
    async fn start(&mut self) -> Result<()> {
        match self {
            Self::Memtable(cursor) => cursor.fill(),
            Self::Run(cursor) => cursor.load().await?,
        }
        Ok(())
    }

    /// Key of the current version; none at the end.
    fn key(&self) -> Option<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::Memtable(cursor) => cursor.rows.get(cursor.row).map(|version| version.key.as_ref().into()),
            Self::Run(cursor) => cursor.page.is_some().then(|| cursor.key.as_slice().into()),
        }
    }

    fn lifetime(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Memtable(cursor) => (cursor.rows[cursor.row].begin, cursor.rows[cursor.row].end),
            Self::Run(cursor) => cursor.lifetime(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Memtable(cursor) => cursor.rows[cursor.row].kind,
            Self::Run(cursor) => cursor.page.as_ref().expect("the cursor is on a row").kind(cursor.row),
        }
    }

    async fn advance(&mut self) -> Result<()> {
        match self {
            Self::Memtable(cursor) => {
                cursor.row += 1;
                if cursor.row == cursor.rows.len() {
                    cursor.fill();
                }
                Ok(())
            }
            Self::Run(cursor) => cursor.advance().await,
        }
    }

    /// The file of the current version.
    fn name(&self) -> String {
        match self {
            Self::Memtable(cursor) => cursor.name.clone(),
            Self::Run(cursor) => cursor.tables[cursor.table].meta().object_name(),
        }
    }
}

struct MemtableCursor<'m> {
    memtable: &'m Memtable,
    keyspace: KeyspaceId,
    /// The first segment of the log that it was read from.
    name: String,
    rows: Vec<Version>,
    row: usize,
}

impl<'m> MemtableCursor<'m> {
    fn new(memtable: &'m Memtable, keyspace: KeyspaceId, name: &str) -> Self {
        Self { memtable, keyspace, name: name.to_owned(), rows: Vec::new(), row: 0 }
    }

    fn fill(&mut self) {
        let last = self.rows.last();
        self.rows = self.memtable.forward(self.keyspace, &KeyRange::all(), last, CHUNK_ROWS);
        self.row = 0;
    }
}

/// Walks the versions of a run, without their values.
struct CheckedRun {
    tables: Vec<Table>,
    table: usize,
    page_index: usize,
    /// None: at the end.
    page: Option<Arc<Page>>,
    row: usize,
    key: Vec<u8>,
}

impl CheckedRun {
    /// None when a file of the run is damaged, or the run is none.
    fn new(run: &Run, tables: &BTreeMap<FileId, Table>) -> Option<Self> {
        let tables: Option<Vec<Table>> = run.files.iter().map(|file| tables.get(&file.id).cloned()).collect();
        let tables = tables.filter(|_| is_ordered(run))?;
        Some(Self { tables, table: 0, page_index: 0, page: None, row: 0, key: Vec::new() })
    }

    /// Loads the page that the cursor stands on, or that of the next file.
    async fn load(&mut self) -> Result<()> {
        self.page = None;
        while let Some(table) = self.tables.get(self.table) {
            if self.page_index < table.index().len() {
                self.page = Some(table.page_without_values(self.page_index, CachePolicy::PassBy).await?);
                self.row = 0;
                self.load_key();
                return Ok(());
            }
            (self.table, self.page_index) = (self.table + 1, 0);
        }
        Ok(())
    }

    fn load_key(&mut self) {
        self.key.clear();
        if let Some(page) = &self.page {
            page.append_key(self.row, &mut self.key);
        }
    }

    fn lifetime(&self) -> (Timestamp, Timestamp) {
        let page = self.page.as_ref().expect("the cursor is on a row");
        (page.begin(self.row), page.end(self.row))
    }

    async fn advance(&mut self) -> Result<()> {
        self.row += 1;
        if self.page.as_ref().is_some_and(|page| self.row < page.rows()) {
            self.load_key();
            return Ok(());
        }
        self.page_index += 1;
        self.load().await
    }
}
