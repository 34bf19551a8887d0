//! State of the storage now: `bygone.files`, `bygone.runs`, `bygone.stats` and `SHOW STATS`.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use bygone_engine::{EngineStats, FileMeta, HistogramSnapshot, KeyspaceId, Manifest, Run, Timestamp};
use bygone_mvcc::system;

use super::{instant, schema_of};
use crate::{
    catalog::CatalogState,
    error::Result,
    moment::OpenMoment,
    statement::{Columns, Database},
};

/// A run and where it stands in its tree.
struct Placed<'m> {
    keyspace: KeyspaceId,
    /// None: it holds history.
    level: Option<usize>,
    /// Number within the level, or the group of history: 0 is the newest.
    number: usize,
    /// For history: the newest moment that still needs it; none where only the retention does.
    history_of: Option<Timestamp>,
    run: &'m Run,
}

/// Every run that has files: tables in the order of their ids, newest runs first.
fn placed(manifest: &Manifest) -> Vec<Placed<'_>> {
    let mut all = Vec::new();
    for (id, keyspace) in &manifest.keyspaces {
        let placed =
            |level, number, history_of, run| Placed { keyspace: *id, level, number, history_of, run };
        let level = |level, number, run| placed(Some(level), number, None, run);
        all.extend(keyspace.level0.iter().enumerate().map(|(number, run)| level(0, number, run)));
        all.extend(keyspace.levels.iter().enumerate().map(|(index, run)| level(index + 1, 0, run)));
        for group in &keyspace.history {
            let history_of = Some(group.newest_pin).filter(|pin| *pin != Timestamp::OPEN);
            let runs = group.runs.iter().enumerate();
            all.extend(runs.map(|(number, run)| placed(None, number, history_of, run)));
        }
    }
    all.retain(|placed| !placed.run.files.is_empty());
    all
}

/// Name of each keyspace now: a table, a keyspace of the key-value API, or the system's. Dropped ones have no
/// name.
pub(super) async fn names(
    database: &Database,
    catalog: &CatalogState,
) -> Result<BTreeMap<KeyspaceId, String>> {
    let mut names = BTreeMap::from([
        (system::COMMITS, "(commits)".to_owned()),
        (system::SNAPSHOTS, "(snapshots)".to_owned()),
        (system::CATALOG, "(catalog)".to_owned()),
        (system::ANNOTATIONS, "(annotations)".to_owned()),
    ]);
    for keyspace in database.store.names().list(&database.store.view_now()).await? {
        names.insert(keyspace.id, format!("keyspace {}", keyspace.name));
    }
    for table in catalog.tables() {
        names.extend(table.keyspaces().into_iter().map(|keyspace| (keyspace, table.path().to_string())));
    }
    Ok(names)
}

pub(super) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The part of the schema that files and runs share.
const PLACE: [&str; 5] = ["keyspace", "name", "level", "run", "history_of"];

fn place_types() -> Vec<(&'static str, DataType)> {
    let types = [DataType::Int64, DataType::Utf8View, DataType::Int64, DataType::Int64, instant()];
    PLACE.into_iter().zip(types).collect()
}

fn place(rows: &[&Placed<'_>], names: &BTreeMap<KeyspaceId, String>) -> Columns {
    Columns::default()
        .integer("keyspace", rows.iter().map(|row| Some(count(row.keyspace.get()))))
        .text("name", rows.iter().map(|row| names.get(&row.keyspace)))
        .integer("level", rows.iter().map(|row| row.level.map(|level| level as i64)))
        .integer("run", rows.iter().map(|row| Some(row.number as i64)))
        .instant("history_of", rows.iter().map(|row| row.history_of))
}

pub(super) fn files_schema() -> SchemaRef {
    let mut columns = place_types();
    columns.push(("file", DataType::Utf8View));
    let counts = ["versions", "puts", "deletes", "closed", "keys", "bytes", "raw_bytes"];
    columns.extend(counts.map(|name| (name, DataType::Int64)));
    columns.extend(["min_key", "max_key"].map(|name| (name, DataType::Binary)));
    columns.extend(["min_begin", "max_begin", "min_end", "max_end"].map(|name| (name, instant())));
    schema_of(&columns)
}

/// The table files of the present.
pub(super) async fn files(database: &Arc<Database>, moment: &OpenMoment) -> Result<RecordBatch> {
    let manifest = database.store.engine().manifest();
    let names = names(database, &moment.catalog).await?;
    let placed = placed(&manifest);
    let all: Vec<(&Placed<'_>, &FileMeta)> =
        placed.iter().flat_map(|row| row.run.files.iter().map(move |file| (row, file))).collect();
    let counts = |figure: fn(&FileMeta) -> u64| all.iter().map(move |(_, file)| Some(count(figure(file))));
    let closed =
        |at: fn(&FileMeta) -> Timestamp| all.iter().map(move |(_, file)| (file.closed > 0).then(|| at(file)));
    let places: Vec<&Placed<'_>> = all.iter().map(|(row, _)| *row).collect();
    place(&places, &names)
        .text("file", all.iter().map(|(_, file)| Some(file.object_name())))
        .integer("versions", counts(|file| file.rows))
        .integer("puts", counts(|file| file.puts))
        .integer("deletes", counts(|file| file.deletes))
        .integer("closed", counts(|file| file.closed))
        .integer("keys", counts(|file| file.distinct_keys))
        .integer("bytes", counts(|file| file.len))
        .integer("raw_bytes", counts(|file| file.raw_bytes))
        .bytes("min_key", all.iter().map(|(_, file)| Some(&file.min_key)))
        .bytes("max_key", all.iter().map(|(_, file)| Some(&file.max_key)))
        .instant("min_begin", all.iter().map(|(_, file)| Some(file.oldest_begin())))
        .instant("max_begin", all.iter().map(|(_, file)| Some(file.newest_begin())))
        .instant("min_end", closed(|file| file.min_end))
        .instant("max_end", closed(|file| file.max_end))
        .build(all.len())
}

pub(super) fn runs_schema() -> SchemaRef {
    let mut columns = place_types();
    columns.extend(["files", "versions", "closed", "bytes"].map(|name| (name, DataType::Int64)));
    columns.extend(["min_key", "max_key"].map(|name| (name, DataType::Binary)));
    columns.extend(["min_begin", "max_begin"].map(|name| (name, instant())));
    schema_of(&columns)
}

/// The sorted runs of the present.
pub(super) async fn runs(database: &Arc<Database>, moment: &OpenMoment) -> Result<RecordBatch> {
    let manifest = database.store.engine().manifest();
    let names = names(database, &moment.catalog).await?;
    let placed = placed(&manifest);
    let all: Vec<&Placed<'_>> = placed.iter().collect();
    let sum = |figure: fn(&FileMeta) -> u64| {
        all.iter().map(move |row| Some(count(row.run.files.iter().map(figure).sum())))
    };
    place(&all, &names)
        .integer("files", all.iter().map(|row| Some(row.run.files.len() as i64)))
        .integer("versions", sum(|file| file.rows))
        .integer("closed", sum(|file| file.closed))
        .integer("bytes", sum(|file| file.len))
        .bytes("min_key", all.iter().map(|row| row.run.files.first().map(|file| &file.min_key)))
        .bytes("max_key", all.iter().map(|row| row.run.files.last().map(|file| &file.max_key)))
        .instant("min_begin", all.iter().map(|row| row.run.files.iter().map(FileMeta::oldest_begin).min()))
        .instant("max_begin", all.iter().map(|row| row.run.files.iter().map(FileMeta::newest_begin).max()))
        .build(all.len())
}

pub(super) fn stats_schema() -> SchemaRef {
    schema_of(&[
        ("name", DataType::Utf8View),
        ("value", DataType::Int64),
        ("unit", DataType::Utf8View),
        ("description", DataType::Utf8View),
    ])
}

/// A figure: name, value, unit, what it says.
type Figure = (&'static str, Option<u64>, &'static str, &'static str);

/// The figures of the engine, one row each.
pub(crate) fn stats(database: &Database) -> Result<RecordBatch> {
    let all = figures(&database.store.engine().stats());
    Columns::default()
        .text("name", all.iter().map(|row| Some(row.0)))
        .integer("value", all.iter().map(|row| row.1.map(count)))
        .text("unit", all.iter().map(|row| Some(row.2)))
        .text("description", all.iter().map(|row| Some(row.3)))
        .build(all.len())
}

fn figures(stats: &EngineStats) -> Vec<Figure> {
    let has = |values: &HistogramSnapshot, figure: u64| (values.count() > 0).then_some(figure);
    let (group, sync) = (&stats.group_commits, &stats.sync_us);
    vec![
        ("commits", Some(stats.commits), "commits", "commits through the log since the database was opened"),
        ("commit_groups", Some(group.count()), "writes", "writes of the log, each of a group of commits"),
        ("commit_group_mean", has(group, group.mean()), "commits", "commits in a group on average"),
        (
            "commit_group_p99",
            has(group, group.percentile(99)),
            "commits",
            "99 % of the groups are not larger",
        ),
        ("syncs", Some(sync.count()), "syncs", "syncs of the log"),
        ("sync_mean", has(sync, sync.mean()), "µs", "duration of a sync on average"),
        ("sync_p50", has(sync, sync.percentile(50)), "µs", "half of the syncs are not longer"),
        ("sync_p99", has(sync, sync.percentile(99)), "µs", "99 % of the syncs are not longer"),
        ("sync_max", has(sync, sync.percentile(100)), "µs", "no sync was longer"),
        ("log_bytes", Some(stats.log_bytes), "bytes", "written to the log"),
        ("memtable_bytes", Some(stats.memtable_bytes), "bytes", "in memory and not in table files yet"),
        ("frozen_memtables", Some(stats.frozen_memtables), "memtables", "wait to become table files"),
        ("cache_bytes", Some(stats.cache_bytes), "bytes", "of decoded pages in memory"),
        ("cache_capacity", Some(stats.cache_capacity_bytes), "bytes", "of decoded pages at most"),
        ("cache_hits", Some(stats.cache_hits), "lookups", "of readers that found their page in memory"),
        ("cache_misses", Some(stats.cache_misses), "lookups", "of readers that read it from storage"),
        ("index_bytes", Some(stats.index_bytes), "bytes", "of page indexes and filters in memory"),
        ("open_files", Some(stats.open_files), "files", "table files that are open now"),
        ("read_requests", Some(stats.requests.gets), "requests", "reads of files or objects"),
        ("write_requests", Some(stats.requests.puts), "requests", "files or objects that were written"),
        ("part_requests", Some(stats.requests.parts), "requests", "parts of large objects that were written"),
        ("list_requests", Some(stats.requests.lists), "requests", "pages of listings"),
        ("delete_requests", Some(stats.requests.deletes), "requests", "removals of files or objects"),
        ("retried_requests", Some(stats.requests.retries), "requests", "of these, tries after the first"),
        ("throttled_requests", Some(stats.requests.throttled), "requests", "that the store had too many of"),
        ("read_bytes", Some(stats.requests.read_bytes), "bytes", "read from storage"),
        (
            "written_bytes",
            Some(stats.requests.written_bytes),
            "bytes",
            "of files or objects, without the log on a disk",
        ),
        ("files", Some(stats.sum(|keyspace| keyspace.files)), "files", "table files of the present state"),
        ("file_bytes", Some(stats.bytes()), "bytes", "of these files"),
        ("versions", Some(stats.sum(|keyspace| keyspace.versions)), "versions", "in these files"),
        (
            "closed_versions",
            Some(stats.sum(|keyspace| keyspace.closed_versions)),
            "versions",
            "whose successor is known",
        ),
        (
            "history_versions",
            Some(stats.sum(|keyspace| keyspace.history_versions)),
            "versions",
            "of these, in files of their own that reads of now leave out",
        ),
        ("history_bytes", Some(stats.sum(|keyspace| keyspace.history_bytes)), "bytes", "of these files"),
        ("level0_runs", Some(stats.level0_runs()), "runs", "of level 0 in the table that has most"),
        (
            "space_amplification",
            stats.space_amplification_percent(),
            "%",
            "all bytes to those of versions without a known successor (an estimate)",
        ),
        ("flushes", Some(stats.flushes), "flushes", "memtables that became table files"),
        ("flushed_bytes", Some(stats.flushed_bytes), "bytes", "of the files they became"),
        (
            "ingests",
            Some(stats.ingests),
            "loads",
            "bulk loads and large commits that became table files at once",
        ),
        ("ingested_bytes", Some(stats.ingested_bytes), "bytes", "of the files they became"),
        ("compactions", Some(stats.compactions), "compactions", "that wrote files"),
        (
            "compaction_read_bytes",
            Some(stats.compaction_read_bytes),
            "bytes",
            "of files that compactions read",
        ),
        (
            "compaction_passed_pages",
            Some(stats.compaction_passed_pages),
            "pages",
            "that compactions wrote as they were stored",
        ),
        ("compaction_written_bytes", Some(stats.compacted_bytes), "bytes", "of files that compactions wrote"),
        (
            "write_amplification",
            stats.write_amplification_percent(),
            "%",
            "bytes of files written to those of flushes and loads; without the log",
        ),
        ("slowdowns", Some(stats.slowdowns), "commits", "slowed down because compaction was behind"),
        ("stops", Some(stats.stops), "waits", "of writers because flush or compaction was behind"),
        ("stall_time", Some(stats.stall_us), "µs", "that writers waited for either"),
        (
            "collected_objects",
            Some(stats.collected_objects),
            "objects",
            "deleted because nothing referenced them",
        ),
        ("collected_bytes", Some(stats.collected_bytes), "bytes", "of these"),
        ("pins", Some(stats.pins), "pins", "held by snapshots, transactions and queries under way"),
        ("oldest_pin", stats.oldest_pin.map(Timestamp::as_micros), "version", "the oldest of them"),
        ("manifest", Some(stats.manifest), "id", "of the newest manifest"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn figures_have_names_of_their_own_and_are_left_out_where_there_is_nothing() {
        let figures = figures(&EngineStats::default());
        let names: BTreeSet<&str> = figures.iter().map(|row| row.0).collect();
        assert_eq!(names.len(), figures.len());
        let value = |name: &str| figures.iter().find(|row| row.0 == name).map(|row| row.1);
        assert_eq!((value("commits"), value("sync_p99")), (Some(Some(0)), Some(None)));
        assert_eq!(value("write_amplification"), Some(None));
    }
}
