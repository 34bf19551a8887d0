//! Pages, and chunks of memtables, in groups that share no key with each other.

use std::{borrow::Cow, cmp::Reverse, sync::Arc};

use super::tally::{Amount, Tally};
use crate::{
    Env, Result,
    memtable::Memtable,
    sst::{CachePolicy, Page, Table},
    state::State,
    types::{KeyRange, KeyspaceId, Kind, Timestamp, Version},
};

/// Entries of a memtable that are looked at together; more, where others have come in between by the time of
/// the look.
const CHUNK_ROWS: usize = 256;
/// Keys that are merged before other tasks get their turn.
const KEYS_PER_TURN: u64 = 1 << 12;

/// Rows of one source, in key order.
#[derive(Debug)]
pub(super) struct KeyBlock<'s> {
    /// Number of the source: 0 is the newest.
    source: usize,
    first: Cow<'s, [u8]>,
    last: Cow<'s, [u8]>,
    place: BlockOrigin<'s>,
}

#[derive(Clone, Debug)]
enum BlockOrigin<'s> {
    Page { table: &'s Table, page: usize },
    Chunk(Box<Chunk<'s>>),
}

/// Entries of a memtable that were there at a moment. Others come in between while they wait to be counted.
#[derive(Clone, Debug)]
struct Chunk<'s> {
    memtable: &'s Memtable,
    keyspace: KeyspaceId,
    at: Timestamp,
    /// The entry in front of the first one, and the last one.
    behind: Option<Version>,
    last: Version,
}

impl Chunk<'_> {
    fn versions(&self) -> Vec<Version> {
        fn place(version: &Version) -> (&[u8], Reverse<Timestamp>) {
            (&version.key, Reverse(version.begin))
        }
        let (mut found, mut behind) = (Vec::with_capacity(CHUNK_ROWS), self.behind.clone());
        while behind.as_ref().map(place) < Some(place(&self.last)) {
            let next = self.memtable.forward(self.keyspace, &KeyRange::all(), behind.as_ref(), CHUNK_ROWS);
            behind = next.last().cloned();
            found.extend(next.into_iter().take_while(|version| place(version) <= place(&self.last)));
        }
        as_of(self.at, found)
    }
}

/// Versions of a memtable that were there at a moment, as they were then.
fn as_of(at: Timestamp, mut versions: Vec<Version>) -> Vec<Version> {
    versions.retain(|version| version.begin <= at);
    for version in versions.iter_mut().filter(|version| version.end > at) {
        version.end = Timestamp::OPEN;
    }
    versions
}

/// Blocks that share keys with each other, and with no other block.
#[derive(Debug)]
pub(super) enum Cluster<'s> {
    /// Nobody else has these keys, or the block is of history: what it says of its versions is all there is
    /// to know.
    Apart(KeyBlock<'s>),
    /// Blocks of several sources.
    Overlapping(Vec<KeyBlock<'s>>),
}

/// All blocks of a keyspace at a moment after which nothing in its files begins.
pub(super) fn clusters(state: &State, keyspace: KeyspaceId, at: Timestamp) -> Vec<Cluster<'_>> {
    let mut blocks = blocks_of(state, keyspace, at);
    blocks.sort_by(|a, b| (&a.first, a.source).cmp(&(&b.first, b.source)));
    let mut clusters = Vec::new();
    let mut open: Vec<KeyBlock<'_>> = Vec::new();
    let mut reach: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    for block in blocks {
        if !open.is_empty() && block.first > reach {
            close(std::mem::take(&mut open), &mut clusters);
        }
        if open.is_empty() || block.last > reach {
            reach.clone_from(&block.last);
        }
        open.push(block);
    }
    close(open, &mut clusters);
    // History says all there is to know of a version, whoever else has its key.
    clusters.extend(history_of(state, keyspace).map(Cluster::Apart));
    clusters
}

fn close<'s>(blocks: Vec<KeyBlock<'s>>, clusters: &mut Vec<Cluster<'s>>) {
    let is_one_source = blocks.windows(2).all(|pair| pair[0].source == pair[1].source);
    if is_one_source {
        clusters.extend(blocks.into_iter().map(Cluster::Apart));
    } else {
        clusters.push(Cluster::Overlapping(blocks));
    }
}

fn blocks_of(state: &State, keyspace: KeyspaceId, at: Timestamp) -> Vec<KeyBlock<'_>> {
    let mut blocks = Vec::new();
    let mut source = 0;
    for memtable in state.memtables() {
        let mut behind: Option<Version> = None;
        loop {
            let chunk = memtable.forward(keyspace, &KeyRange::all(), behind.as_ref(), CHUNK_ROWS);
            let Some(end) = chunk.last().cloned() else { break };
            let chunk = as_of(at, chunk);
            if let (Some(first), Some(last)) = (chunk.first(), chunk.last().cloned()) {
                blocks.push(KeyBlock {
                    source,
                    first: first.key.to_vec().into(),
                    last: last.key.to_vec().into(),
                    place: BlockOrigin::Chunk(Box::new(Chunk { memtable, keyspace, at, behind, last })),
                });
            }
            behind = Some(end);
        }
        source += 1;
    }
    for run in state.trees.get(&keyspace).into_iter().flat_map(|tree| tree.runs()) {
        blocks.extend(run.tables().iter().flat_map(|table| pages_of(table, source)));
        source += 1;
    }
    blocks
}

/// The pages of the history tier.
fn history_of(state: &State, keyspace: KeyspaceId) -> impl Iterator<Item = KeyBlock<'_>> {
    let runs = state.trees.get(&keyspace).into_iter().flat_map(|tree| tree.history_runs());
    let runs = runs.enumerate();
    runs.flat_map(|(source, run)| run.tables().iter().flat_map(move |table| pages_of(table, source)))
}

fn pages_of(table: &Table, source: usize) -> impl Iterator<Item = KeyBlock<'_>> {
    (0..table.index().len()).map(move |page| KeyBlock {
        source,
        first: table.index().first_key(page).into(),
        last: table.index().last_key(page).into(),
        place: BlockOrigin::Page { table, page },
    })
}

impl KeyBlock<'_> {
    /// Counts the block without reading it; false where that cannot be done.
    pub(super) fn count_by_statistics(&self, tally: &mut Tally) -> bool {
        let BlockOrigin::Page { table, page } = self.place else { return false };
        let index = table.index();
        let summary = index.summary(page);
        let ends = (summary.closed > 0).then_some((summary.min_end, summary.max_end));
        // The number of values among the closed ones is not known unless all are.
        let are_counted = summary.flags.all_put || summary.flags.all_open;
        if !are_counted || !tally.treats_alike((summary.min_begin, summary.max_begin), ends) {
            return false;
        }
        let share = share_of_row(table, page);
        let amount =
            |versions: u32| Amount { versions: u64::from(versions), bytes: f64::from(versions) * share };
        let (closed, open) = (summary.closed, summary.puts - summary.closed);
        if closed > 0 {
            tally.add(summary.max_begin, summary.min_end, amount(closed));
        }
        if open > 0 {
            tally.add(summary.max_begin, Timestamp::OPEN, amount(open));
        }
        true
    }

    /// Counts the block row by row: every version as the block says that it lived.
    pub(super) async fn count_rows(&self, tally: &mut Tally) -> Result<()> {
        let rows = LoadedBlock::load(&self.place).await?;
        for row in 0..rows.len() {
            rows.count(row, rows.end(row), tally);
        }
        Ok(())
    }
}

/// Bytes of a page in its file for each of its rows.
fn share_of_row(table: &Table, page: usize) -> f64 {
    table.index().stored_bytes(page) as f64 / table.index().rows(page) as f64
}

/// A block in memory, without the values of pages.
enum LoadedBlock {
    Page(Arc<Page>, f64),
    Chunk(Vec<Version>),
}

impl LoadedBlock {
    async fn load(place: &BlockOrigin<'_>) -> Result<Self> {
        Ok(match place {
            BlockOrigin::Page { table, page } => {
                let rows = table.page_without_values(*page, CachePolicy::PassBy).await?;
                Self::Page(rows, share_of_row(table, *page))
            }
            BlockOrigin::Chunk(chunk) => Self::Chunk(chunk.versions()),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Page(page, _) => page.rows(),
            Self::Chunk(versions) => versions.len(),
        }
    }

    fn append_key(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Page(page, _) => page.append_key(row, out),
            Self::Chunk(versions) => out.extend_from_slice(&versions[row].key),
        }
    }

    fn begin(&self, row: usize) -> Timestamp {
        match self {
            Self::Page(page, _) => page.begin(row),
            Self::Chunk(versions) => versions[row].begin,
        }
    }

    fn end(&self, row: usize) -> Timestamp {
        match self {
            Self::Page(page, _) => page.end(row),
            Self::Chunk(versions) => versions[row].end,
        }
    }

    /// Adds a version that lived until `end`, if it is a value.
    fn count(&self, row: usize, end: Timestamp, tally: &mut Tally) {
        let (kind, bytes) = match self {
            Self::Page(page, share) => (page.kind(row), *share),
            Self::Chunk(versions) => {
                let version = &versions[row];
                (version.kind, (version.key.len() + version.value.len()) as f64)
            }
        };
        if kind == Kind::Put {
            tally.add(self.begin(row), end, Amount { versions: 1, bytes });
        }
    }
}

/// Walks the blocks of one source.
struct BlockCursor<'s> {
    /// The blocks to come, last one first.
    blocks: Vec<BlockOrigin<'s>>,
    rows: Option<LoadedBlock>,
    row: usize,
    key: Vec<u8>,
}

impl BlockCursor<'_> {
    /// Moves to the first row of the next block, or to the end.
    async fn load(&mut self) -> Result<()> {
        self.rows = match self.blocks.pop() {
            Some(place) => Some(LoadedBlock::load(&place).await?),
            None => None,
        };
        self.row = 0;
        self.load_key();
        Ok(())
    }

    fn load_key(&mut self) {
        self.key.clear();
        if let Some(rows) = &self.rows {
            rows.append_key(self.row, &mut self.key);
        }
    }

    async fn advance(&mut self) -> Result<()> {
        self.row += 1;
        if self.rows.as_ref().is_some_and(|rows| self.row < rows.len()) {
            self.load_key();
            return Ok(());
        }
        self.load().await
    }
}

/// Counts blocks of several sources: an open version ends where the next one of its key begins, in whichever
/// source.
pub(super) async fn merge(blocks: Vec<KeyBlock<'_>>, tally: &mut Tally, env: &Env) -> Result<()> {
    let sources = blocks.iter().map(|block| block.source).max().map_or(0, |last| last + 1);
    let mut cursors: Vec<BlockCursor<'_>> = (0..sources)
        .map(|_| BlockCursor { blocks: Vec::new(), rows: None, row: 0, key: Vec::new() })
        .collect();
    for block in blocks.into_iter().rev() {
        cursors[block.source].blocks.push(block.place);
    }
    for cursor in &mut cursors {
        cursor.load().await?;
    }
    let mut key = Vec::new();
    let mut keys: u64 = 0;
    loop {
        let least = cursors.iter().filter(|cursor| cursor.rows.is_some()).map(|cursor| &cursor.key).min();
        let Some(least) = least else { return Ok(()) };
        key.clear();
        key.extend_from_slice(least);
        let mut newer = Timestamp::OPEN;
        for cursor in &mut cursors {
            while let Some(rows) = cursor.rows.as_ref().filter(|_| cursor.key == key) {
                // A closed one may have ended before the next that is still there.
                rows.count(cursor.row, rows.end(cursor.row).min(newer), tally);
                newer = rows.begin(cursor.row);
                cursor.advance().await?;
            }
        }
        keys += 1;
        if keys.is_multiple_of(KEYS_PER_TURN) {
            env.tasks.yield_now().await;
        }
    }
}
