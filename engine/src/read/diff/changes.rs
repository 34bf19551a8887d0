//! Which keys changed between two moments, and where their values are.

use std::sync::Arc;

use super::{super::columns::RowPlace, older::Older};
use crate::{
    Result,
    read::{
        BinaryColumn, PageCounts, ReadView, RowSet,
        source::{ColumnReading, ForwardSource},
        sources,
    },
    state::PageFilter,
    types::{KeyRange, KeyspaceId, Kind, Timestamp},
};

/// Keys of a set at most.
const KEYS_MAX: usize = if cfg!(feature = "testing") { 5 } else { 8_192 };
/// Bytes of rows, before encoding, after which a set is closed early.
const SET_BYTES: usize = 8 << 20;

/// The versions of the keys that changed between two moments, in key order. Keys that were written again as
/// they were are among them: values are not compared, and not read.
#[derive(Debug)]
pub struct ChangeScan {
    walkers: Vec<Walker>,
    /// The walkers that are on a version, from the last to the first by key and age.
    order: Vec<usize>,
    /// The current tier, newest first.
    older: Vec<Older>,
    from: Timestamp,
    to: Timestamp,
    is_started: bool,
    /// Keep the files, and what both moments see.
    _views: [ReadView; 2],
}

/// Some of the changed keys.
#[derive(Debug, Default)]
pub struct ChangeSet {
    /// The rows, page by page.
    pub rows: RowSet,
    /// The keys, in order.
    pub keys: BinaryColumn,
    /// Change of each key.
    pub changes: Vec<Change>,
}

/// Change of a key between two moments: at least one of them has a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Number of the row at the earlier moment among those of the set.
    pub before: Option<usize>,
    /// Number of the row at the later moment.
    pub after: Option<usize>,
    /// The commit that wrote `before`; zero without one.
    pub before_begin: Timestamp,
    /// The commit that wrote `after`; zero without one.
    pub after_begin: Timestamp,
}

/// The two sides of a key, as far as they are known.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    before: Option<RowPlace>,
    before_begin: Timestamp,
    after: Option<RowPlace>,
    after_begin: Timestamp,
    /// Whether `before` is right. If not, the key may have a version below the sources up to the one with
    /// this rank.
    is_before_known: bool,
    rank: usize,
}

/// A source that stops only at versions that are alive at one of the moments and not at the other.
#[derive(Debug)]
struct Walker {
    source: ForwardSource,
    /// Place in the current tier; none in history.
    rank: Option<usize>,
    segment: usize,
    /// Such versions of the block that are ahead.
    ahead: std::vec::IntoIter<u32>,
}

impl Walker {
    /// Moves to the next such version of the block, or behind it.
    fn advance(&mut self) {
        let row = self.ahead.next().map_or(self.source.block_end(), |row| row as usize);
        self.source.continue_at(row);
    }
}

impl ChangeScan {
    pub(crate) fn new(from: ReadView, to: ReadView, keyspace: KeyspaceId, range: &KeyRange) -> Self {
        let filter = PageFilter::Changed { from: from.timestamp(), to: to.timestamp() };
        let (mut walkers, mut older) = (Vec::new(), Vec::new());
        let counts = Arc::new(PageCounts::default());
        let reading = || ColumnReading { whole_at: None, prune: None, counts: Arc::clone(&counts) };
        let walker = |source: ForwardSource, rank| Walker {
            source,
            rank,
            segment: usize::MAX,
            ahead: Vec::new().into_iter(),
        };
        for memtable in to.state().memtables().filter(|memtable| !memtable.is_empty()) {
            let source = ForwardSource::memtable(Arc::clone(memtable), keyspace, range.clone());
            walkers.push(walker(source, Some(older.len())));
            older.push(Older::Memtable(Arc::clone(memtable), keyspace));
        }
        if let Some(tree) = to.state().trees.get(&keyspace) {
            for run in tree.runs().filter(|run| run.overlaps(range)) {
                if run.may_hold(range, filter) {
                    let source = ForwardSource::run(Arc::clone(run), range.clone(), filter);
                    walkers.push(walker(source.for_columns(reading()), Some(older.len())));
                }
                older.push(Older::run(Arc::clone(run)));
            }
        }
        for source in sources::history(to.state(), keyspace, range, filter) {
            walkers.push(walker(source.for_columns(reading()), None));
        }
        let (from_at, to_at) = (from.timestamp(), to.timestamp());
        Self {
            walkers,
            order: Vec::new(),
            older,
            from: from_at,
            to: to_at,
            is_started: false,
            _views: [from, to],
        }
    }

    /// Returns the next keys, or `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` or `Unavailable` when a page cannot be read; the scan cannot go on.
    ///
    /// # Cancel safety
    /// Dropping the future loses keys: drop the scan as well.
    ///
    /// # Cost
    /// Keys and timestamps of the pages that hold what began or ended in between; and where a version lies
    /// unmerged over older ones, keys and timestamps of the pages that these are in.
    pub async fn next(&mut self) -> Result<Option<ChangeSet>> {
        if !self.is_started {
            for at in 0..self.walkers.len() {
                self.place_walker(at).await?;
            }
            self.is_started = true;
        }
        loop {
            self.walkers.iter_mut().for_each(|walker| walker.segment = usize::MAX);
            self.older.iter_mut().for_each(Older::begin_set);
            let mut set = ChangeSet::default();
            let mut sides = Vec::new();
            while sides.len() < KEYS_MAX && set.rows.bytes() < SET_BYTES && !self.order.is_empty() {
                sides.push(self.next_key(&mut set).await?);
            }
            if sides.is_empty() {
                return Ok(None);
            }
            self.look_below(&mut sides, &mut set).await?;
            set.fill_changes(&sides);
            if !set.changes.is_empty() {
                return Ok(Some(set));
            }
        }
    }

    /// Sides of the first key of the sources, which is added to the set.
    async fn next_key(&mut self, set: &mut ChangeSet) -> Result<Sides> {
        let mut sides = Sides::default();
        let number = set.keys.len();
        while let Some(&at) = self.order.last() {
            let walker = &mut self.walkers[at];
            if set.keys.len() == number {
                set.keys.push(walker.source.key());
            } else if walker.source.key() != set.keys.get(number) {
                break;
            }
            sides.note(walker, self.from, &mut set.rows);
            self.order.pop();
            walker.advance();
            self.place_walker(at).await?;
        }
        Ok(sides)
    }

    /// Puts a walker that is on a version, or in a gap, in its place.
    async fn place_walker(&mut self, at: usize) -> Result<()> {
        let walker = &mut self.walkers[at];
        while walker.source.is_at_gap() {
            walker.source.fill(None).await?;
            if !walker.source.is_at_end() {
                walker.ahead = walker.source.changed(self.from, self.to).into_iter();
                walker.advance();
            }
        }
        if !walker.source.is_at_end() {
            let of = |other: &usize| (self.walkers[*other].source.key(), *other);
            let place = self.order.partition_point(|other| of(other) > of(&at));
            self.order.insert(place, at);
        }
        Ok(())
    }

    /// Finds what keys were before whose new version does not know: it may lie, still open, in an older
    /// source.
    async fn look_below(&mut self, sides: &mut [Sides], set: &mut ChangeSet) -> Result<()> {
        let mut open: Vec<usize> = (0..sides.len()).filter(|key| !sides[*key].is_before_known).collect();
        for (rank, older) in self.older.iter_mut().enumerate() {
            let mut left = Vec::with_capacity(open.len());
            for key in open {
                let side = &mut sides[key];
                if rank > side.rank
                    && let Some(found) = older.find(set.keys.get(key), self.from, &mut set.rows).await?
                {
                    (side.before, side.before_begin) = (found.value, found.begin);
                } else {
                    left.push(key);
                }
            }
            open = left;
        }
        Ok(())
    }
}

impl Sides {
    /// Takes note of a version. Versions of the current tier come newest first.
    fn note(&mut self, walker: &mut Walker, from: Timestamp, rows: &mut RowSet) {
        let source = &mut walker.source;
        let (begin, is_value) = (source.begin(), source.kind() == Kind::Put);
        if begin <= from {
            self.is_before_known = true;
            if is_value {
                (self.before, self.before_begin) = (Some(source.pick(rows, &mut walker.segment)), begin);
            }
        } else if begin > self.after_begin {
            self.after_begin = begin;
            self.after = is_value.then(|| source.pick(rows, &mut walker.segment));
        }
        match walker.rank {
            Some(rank) => self.rank = self.rank.max(rank),
            // I7: what the current tier has of the key is newer than its values in history.
            None => self.is_before_known = true,
        }
    }
}

impl ChangeSet {
    /// Fills in the changes, and leaves out keys that neither moment has.
    fn fill_changes(&mut self, sides: &[Sides]) {
        let starts = self.rows.starts();
        let number = |place: Option<RowPlace>| place.map(|place| place.number(&starts));
        let mut keys = BinaryColumn::default();
        for (key, sides) in self.keys.iter().zip(sides) {
            let (before, after) = (number(sides.before), number(sides.after));
            if before.is_some() || after.is_some() {
                let begin = |row: Option<usize>, begin| row.map_or(Timestamp::ZERO, |_| begin);
                let before_begin = begin(before, sides.before_begin);
                let after_begin = begin(after, sides.after_begin);
                self.changes.push(Change { before, after, before_begin, after_begin });
                keys.push(key);
            }
        }
        if keys.len() < self.keys.len() {
            self.keys = keys;
        }
    }
}
