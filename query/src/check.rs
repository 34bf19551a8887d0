//! The check of what SQL keeps: the catalog of every moment that somebody may ask for, and every row against
//! it.
//!
//! Moments are now and the snapshots. A table is read through the same scan that queries use. Where nothing
//! of it changed between two moments, and its definition did not, the later one needs no second look.

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::{KeyRange, ReadView, check::Findings};
use bygone_snapshots::{SnapshotScope, Snapshots};
use datafusion::execution::TaskContext;
use futures::TryStreamExt;

use crate::{
    catalog::{BoundTable, TableDef},
    error::{Error, ErrorKind, Result},
    moment::{CatalogCache, MomentLabel, Reader},
    names::ObjectPath,
    scan::TableAt,
    statement::Progress,
};

/// A moment whose rows are checked.
struct CheckedMoment {
    /// As messages name it.
    name: String,
    view: ReadView,
    /// Scope that can be read then; `None` is everything.
    scope: Option<SnapshotScope>,
}

/// Counts of what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowsChecked {
    /// Tables, each once.
    pub tables: u64,
    /// Moments: now and the snapshots.
    pub moments: u64,
    /// Rows that were decoded, at all moments together.
    pub rows: u64,
}

/// Decodes the catalog and every row of every table, now and at every snapshot.
///
/// # Errors
/// Storage that fails; what cannot be decoded is a finding.
///
/// # Cost
/// A scan of every table, and for each moment one of the tables that changed since the moment before.
pub async fn check(
    snapshots: &Snapshots,
    findings: &mut Findings,
    progress: Option<&dyn Progress>,
) -> Result<RowsChecked> {
    let mut checked = RowsChecked::default();
    let mut tables: BTreeMap<u64, Vec<(usize, Arc<BoundTable>)>> = BTreeMap::new();
    let moments = moments(snapshots, findings).await?;
    checked.moments = moments.len() as u64;
    let catalogs = CatalogCache::default();
    for (index, moment) in moments.iter().enumerate() {
        let catalog = match catalogs.at(&Reader::View(moment.view.clone())).await {
            Ok(catalog) => catalog,
            Err(error) => {
                note(findings, &format!("the catalog at {}", moment.name), error)?;
                continue;
            }
        };
        for table in catalog.tables() {
            if moment.scope.as_ref().is_none_or(|scope| scope.covers(table.keyspace_id())) {
                tables.entry(table.keyspace).or_default().push((index, Arc::clone(table)));
            }
        }
    }
    checked.tables = tables.len() as u64;
    for appearances in tables.values() {
        let mut before: Option<(&ReadView, &TableDef)> = None;
        for (index, table) in appearances {
            let moment = &moments[*index];
            let is_known = match before {
                Some((view, known)) if *known == ***table => {
                    is_unchanged(snapshots, table, view, &moment.view).await?
                }
                _ => false,
            };
            before = Some((&moment.view, &***table));
            if is_known {
                continue;
            }
            let reader = Reader::View(moment.view.clone());
            let at = TableAt::new(Arc::clone(table), reader, MomentLabel::Latest);
            match decode_rows(snapshots, table.path(), &at, progress).await {
                Ok(rows) => checked.rows += rows,
                Err(error) => note(findings, &format!("table {} at {}", table.path(), moment.name), error)?,
            }
        }
    }
    Ok(checked)
}

/// The snapshots that can be read, and now, by time.
async fn moments(snapshots: &Snapshots, findings: &mut Findings) -> Result<Vec<CheckedMoment>> {
    let now = CheckedMoment { name: "now".into(), view: snapshots.store().view_now(), scope: None };
    let mut moments = vec![now];
    for snapshot in snapshots.list().await? {
        let place = format!("snapshot {}", snapshot.name);
        match snapshots.view(&snapshot.name).await {
            Ok(view) => moments.push(CheckedMoment { name: place, view, scope: Some(snapshot.scope) }),
            Err(error) => findings.add(&place, format!("cannot be read: {error}")),
        }
    }
    moments.sort_by_key(|moment| moment.view.timestamp());
    Ok(moments)
}

async fn is_unchanged(
    snapshots: &Snapshots,
    table: &TableDef,
    from: &ReadView,
    to: &ReadView,
) -> Result<bool> {
    let engine = snapshots.store().engine();
    let mut differences = engine.diff(table.keyspace_id(), &KeyRange::all(), from, to)?;
    Ok(differences.next().await?.is_none())
}

/// Reads every column of every row; returns how many rows there are.
async fn decode_rows(
    snapshots: &Snapshots,
    path: &ObjectPath,
    table: &TableAt,
    progress: Option<&dyn Progress>,
) -> Result<u64> {
    let mut batches = table.read_whole(Arc::new(TaskContext::default()))?;
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows() as u64;
        if let Some(progress) = progress {
            progress.report(&format!("rows of {path}"), rows, None);
        }
        snapshots.store().engine().env().tasks.yield_now().await;
    }
    Ok(rows)
}

/// An error of decoding is a finding; any other ends the check.
fn note(findings: &mut Findings, place: &str, error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::TooOld | ErrorKind::Invalid => {
            findings.add(place, error.message());
            Ok(())
        }
        _ => Err(error),
    }
}
