//! Options of the engine.

/// Options of an engine. Plain data; the defaults suit a program with about 1 GiB to spare.
///
/// A compaction takes about 34 MiB beside the cache and 44 bytes for each key of the files that it writes at
/// the same time, however much it compacts; and 12 MiB more for each snapshot whose past goes to a file of
/// its own, of which there are 32 at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Size at which the memtable is frozen and written to tables, in bytes. 4 KiB and more; default 64 MiB.
    pub memtable_bytes: usize,
    /// Frozen memtables that may wait for their flush before writers are stopped. 1 and more; default 3.
    pub frozen_memtables_max: usize,
    /// Decoded pages that are kept in memory, in bytes. Default 256 MiB.
    pub cache_bytes: usize,
    /// Table files that are open at the same time, at most; others are opened when they are read. 1 and more,
    /// but for 0: half of what the process may have open when the engine is opened, and 16 at least. Default
    /// 0.
    pub open_files_max: usize,
    /// Size at which a table file is closed and the next one started, in bytes. 4 KiB and more; default 64
    /// MiB.
    pub table_bytes: u64,
    /// Rows of a page at most. 1 to 65,535; default 2,048.
    pub page_rows: usize,
    /// Bytes of a page at most, before compression, but for a single larger row; eight times as many where
    /// values are stored column by column. Default 64 KiB.
    pub page_bytes: usize,
    /// Ratio of the size of a level to that of the one above it. 2 and more; default 10.
    pub level_ratio: u64,
    /// Runs of level 0 at which they are merged into the levels. 2 and more; default 4.
    pub level0_runs_compact: usize,
    /// Runs of level 0 at which writers are slowed down. Default 12.
    pub level0_runs_slow: usize,
    /// Runs of level 0 at which writers are stopped. Default 24.
    pub level0_runs_stop: usize,
    /// Bytes of table files that compactions in the background read in a second at most; 0: as many as they
    /// can. There is no limit for a compaction that was asked for, and none while writers wait. Default 0.
    pub compaction_bytes_per_second: u64,
    /// Memory that one bulk ingest may use to sort and write, in bytes. Default 128 MiB.
    pub ingest_bytes: usize,
    /// Retention of a database that is created, in microseconds: how far back every moment is readable
    /// without a pin. Stored in the database; see `Engine::set_retention`. Default 7 days.
    pub retention_us: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            memtable_bytes: 64 << 20,
            frozen_memtables_max: 3,
            cache_bytes: 256 << 20,
            open_files_max: 0,
            table_bytes: 64 << 20,
            page_rows: 2_048,
            page_bytes: 64 << 10,
            level_ratio: 10,
            level0_runs_compact: 4,
            level0_runs_slow: 12,
            level0_runs_stop: 24,
            compaction_bytes_per_second: 0,
            ingest_bytes: 128 << 20,
            retention_us: 7 * 24 * 3_600 * 1_000_000,
        }
    }
}

impl EngineOptions {
    /// Sizes so small that ordinary tests cross every boundary: memtable, page, table, level.
    #[cfg(feature = "testing")]
    pub fn tiny() -> Self {
        Self {
            memtable_bytes: 8 << 10,
            frozen_memtables_max: 2,
            cache_bytes: 64 << 10,
            open_files_max: 4,
            table_bytes: 4 << 10,
            page_rows: 8,
            page_bytes: 1 << 10,
            level_ratio: 3,
            level0_runs_compact: 3,
            level0_runs_slow: 5,
            level0_runs_stop: 8,
            ingest_bytes: 4 << 10,
            ..Self::default()
        }
    }
}
