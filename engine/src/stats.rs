//! Figures that a user can read.

use crate::{
    core::Core,
    metrics::HistogramSnapshot,
    state::Tree,
    types::{KeyspaceId, Timestamp},
};

/// Figures of one keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// Table files, of both tiers.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Versions in them.
    pub versions: u64,
    /// Versions that have a successor.
    pub closed_versions: u64,
    /// Groups of the history tier.
    pub history_groups: u64,
    /// Runs of the history tier.
    pub history_runs: u64,
    /// Of the files, those of the history tier.
    pub history_files: u64,
    /// Their size, in bytes.
    pub history_bytes: u64,
    /// Versions in them.
    pub history_versions: u64,
    /// Runs of level 0.
    pub level0_runs: u64,
    /// Levels below level 0 that hold files.
    pub levels: u64,
    /// The part of `bytes` that versions without a known successor take, each version of a file taken as of
    /// equal size.
    pub open_bytes: u64,
    /// Every moment at or after this is readable.
    pub horizon: Timestamp,
}

impl KeyspaceStats {
    fn of(keyspace: KeyspaceId, tree: &Tree, horizon: Timestamp) -> Self {
        let mut stats = Self {
            keyspace,
            files: 0,
            bytes: 0,
            versions: 0,
            closed_versions: 0,
            history_groups: tree.history.len() as u64,
            history_runs: tree.history_runs().count() as u64,
            history_files: 0,
            history_bytes: 0,
            history_versions: 0,
            level0_runs: tree.level0.len() as u64,
            levels: tree.levels.iter().filter(|level| !level.is_empty()).count() as u64,
            open_bytes: 0,
            horizon,
        };
        for table in tree.history_runs().flat_map(|run| run.tables()) {
            stats.history_files += 1;
            stats.history_bytes += table.meta().len;
            stats.history_versions += table.meta().rows;
        }
        for table in tree.tables() {
            let meta = table.meta();
            stats.files += 1;
            stats.bytes += meta.len;
            stats.versions += meta.rows;
            stats.closed_versions += meta.closed;
            stats.open_bytes += part(meta.len, meta.rows - meta.closed, meta.rows);
        }
        stats
    }
}

/// `count` of `of` equal parts of `bytes`.
fn part(bytes: u64, count: u64, of: u64) -> u64 {
    let part = u128::from(bytes) * u128::from(count) / u128::from(of.max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// Figures of an engine. Counters count since the engine was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Each keyspace that has files.
    pub keyspaces: Vec<KeyspaceStats>,
    /// Commits; of a bulk load the one that published it does not count here but under `ingests`.
    pub commits: u64,
    /// Commits that share one write of the log: one value for each write.
    pub group_commits: HistogramSnapshot,
    /// Duration of each sync of the log, in microseconds. None in memory.
    pub sync_us: HistogramSnapshot,
    /// Bytes written to the log.
    pub log_bytes: u64,
    /// Memory of all memtables, in bytes.
    pub memtable_bytes: u64,
    /// Memtables that wait for their flush.
    pub frozen_memtables: u64,
    /// Decoded pages in memory, in bytes.
    pub cache_bytes: u64,
    /// Capacity of the cache of decoded pages, in bytes.
    pub cache_capacity_bytes: u64,
    /// Lookups of readers that found their part of a page in the cache.
    pub cache_hits: u64,
    /// Lookups of readers that did not.
    pub cache_misses: u64,
    /// Memory of the page indexes and filters of all files, in bytes.
    pub index_bytes: u64,
    /// Table files that are open now; see
    /// [`EngineOptions::open_files_max`](crate::EngineOptions::open_files_max).
    pub open_files: u64,
    /// Requests to the storage, since the database was opened.
    pub requests: crate::store::RequestCounts,
    /// Memtables written to table files.
    pub flushes: u64,
    /// Bytes of these files.
    pub flushed_bytes: u64,
    /// Bulk loads and large commits that were published as files.
    pub ingests: u64,
    /// Bytes of these files.
    pub ingested_bytes: u64,
    /// Compactions that wrote files.
    pub compactions: u64,
    /// Bytes of the files that compactions read.
    pub compaction_read_bytes: u64,
    /// Bytes of the files that compactions wrote.
    pub compacted_bytes: u64,
    /// Pages that compactions wrote as they were stored, without taking their rows apart.
    pub compaction_passed_pages: u64,
    /// Commits that were slowed down because compaction was behind.
    pub slowdowns: u64,
    /// Times a writer was stopped because flush or compaction was behind.
    pub stops: u64,
    /// Time that writers waited for either, all together, in microseconds.
    pub stall_us: u64,
    /// Objects that collection deleted.
    pub collected_objects: u64,
    /// Their bytes.
    pub collected_bytes: u64,
    /// Pins that are held: snapshots, open views and transactions.
    pub pins: u64,
    /// The oldest of them.
    pub oldest_pin: Option<Timestamp>,
    /// Id of the newest manifest.
    pub manifest: u64,
}

impl EngineStats {
    pub(crate) fn of(core: &Core) -> Self {
        let state = core.versions.current();
        let keyspaces =
            state.trees.iter().map(|(id, tree)| KeyspaceStats::of(*id, tree, core.pins.horizon(*id)));
        let index_bytes = state.trees.values().flat_map(|tree| tree.tables());
        let frozen: usize = state.frozen.iter().map(|frozen| frozen.memtable.bytes()).sum();
        let (cache_hits, cache_misses) = core.storage.cache.lookups();
        let metrics = &core.metrics;
        Self {
            keyspaces: keyspaces.collect(),
            commits: metrics.commits.get(),
            group_commits: metrics.group_commits.snapshot(),
            sync_us: metrics.sync_us.snapshot(),
            log_bytes: metrics.log_bytes.get(),
            memtable_bytes: (state.active.bytes() + frozen) as u64,
            frozen_memtables: state.frozen.len() as u64,
            cache_bytes: core.storage.cache.bytes(),
            cache_capacity_bytes: core.storage.cache.capacity(),
            cache_hits,
            cache_misses,
            index_bytes: index_bytes.map(|table| table.weight() as u64).sum(),
            open_files: core.storage.root.open_files() as u64,
            requests: core.storage.root.requests(),
            flushes: metrics.flushes.get(),
            flushed_bytes: metrics.flushed_bytes.get(),
            ingests: metrics.ingests.get(),
            ingested_bytes: metrics.ingested_bytes.get(),
            compactions: metrics.compactions.get(),
            compaction_read_bytes: metrics.compaction_read_bytes.get(),
            compacted_bytes: metrics.compaction_written_bytes.get(),
            compaction_passed_pages: metrics.compaction_passed_pages.get(),
            slowdowns: metrics.slowdowns.get(),
            stops: metrics.stops.get(),
            stall_us: metrics.stall_us.get(),
            collected_objects: metrics.collected_objects.get(),
            collected_bytes: metrics.collected_bytes.get(),
            pins: core.pins.held(),
            oldest_pin: core.pins.oldest(),
            manifest: state.manifest.id,
        }
    }

    /// Size of all table files, in bytes.
    pub fn bytes(&self) -> u64 {
        self.sum(|keyspace| keyspace.bytes)
    }

    /// The sum of a figure over all keyspaces.
    pub fn sum(&self, figure: impl Fn(&KeyspaceStats) -> u64) -> u64 {
        self.keyspaces.iter().map(figure).sum()
    }

    /// Runs of level 0 where there are most of them: what slows writers down when it grows.
    pub fn level0_runs(&self) -> u64 {
        self.keyspaces.iter().map(|keyspace| keyspace.level0_runs).max().unwrap_or(0)
    }

    /// Bytes of table files written for 100 bytes that came from memtables and bulk loads, since the engine
    /// was opened: 100 is every byte written once. The log does not count. `None` before anything was
    /// written.
    pub fn write_amplification_percent(&self) -> Option<u64> {
        let new = self.flushed_bytes + self.ingested_bytes;
        ((new + self.compacted_bytes) * 100).checked_div(new)
    }

    /// Bytes of table files for 100 bytes of versions without a known successor. An estimate: in a file,
    /// versions count as of equal size, and a version whose successor is in another file counts as current
    /// until compaction brings them together. `None` without files.
    pub fn space_amplification_percent(&self) -> Option<u64> {
        (self.bytes() * 100).checked_div(self.sum(|keyspace| keyspace.open_bytes))
    }
}
