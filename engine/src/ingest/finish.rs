//! The end of an ingest: one run out of the spilled ones, and the check against what is there already.

use std::sync::Arc;

use crate::{
    ReadView, Result, ScanOptions,
    core::Core,
    ingest::{
        Ingest,
        duplicate::{OnDuplicate, duplicate},
        run::{IngestedRun, unstamped, writer},
    },
    manifest::FileMeta,
    read::{
        merge::{fill_all, first_by_key},
        source::ForwardSource,
    },
    state::{PageFilter, SortedRun},
    types::{KeyRange, KeyspaceId, Kind},
};

impl Ingest {
    /// Sorts and writes what is left and checks for duplicates. The run is durable and not visible.
    ///
    /// # Errors
    /// `DuplicateKey` as the options say; `Unavailable` when a file cannot be written.
    ///
    /// # Cost
    /// Rows that came in key order are written once, others twice.
    pub async fn finish(mut self) -> Result<IngestedRun> {
        if !self.buffer.is_empty() {
            // Boxed: it is rare, and every commit would grow by it.
            Box::pin(self.spill()).await?;
        }
        let spilled = Box::pin(std::mem::take(&mut self.spills).finish()).await?;
        let run = if self.is_ordered {
            let (files, pending) =
                spilled.into_iter().map(|run| (run.files, Arc::new(run.pending))).unzip::<_, _, Vec<_>, _>();
            IngestedRun { keyspace: self.keyspace, files: files.concat(), pending }
        } else {
            // Of equal keys the later push leads.
            let newest_first: Vec<&[FileMeta]> =
                spilled.iter().rev().map(|run| run.files.as_slice()).collect();
            merge_runs(&self.core, self.keyspace, &newest_first, self.options.on_duplicate).await?
        };
        if let Some(view) = &self.options.absent_from {
            check_absent(&self.core, &run, view).await?;
        }
        Ok(run)
    }
}

pub(crate) async fn open_run(core: &Core, files: &[FileMeta]) -> Result<Arc<SortedRun>> {
    Ok(Arc::new(SortedRun::new(core.storage.open_tables(files).await?)))
}

/// Merges runs into one; of equal keys that of the first run counts, or none may be there.
pub(crate) async fn merge_runs(
    core: &Arc<Core>,
    keyspace: KeyspaceId,
    newest_first: &[&[FileMeta]],
    on_duplicate: OnDuplicate,
) -> Result<IngestedRun> {
    let mut sources = Vec::with_capacity(newest_first.len());
    for files in newest_first {
        let opened = open_run(core, files).await?;
        sources.push(ForwardSource::run(opened, KeyRange::all(), PageFilter::All).passing_by());
    }
    let first = newest_first.iter().filter_map(|files| Some(&files.first()?.min_key)).min();
    let mut writer = writer(Arc::clone(core), keyspace, first.map_or(&[], |key| key.as_ref()));
    let mut scratch = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    while fill_all(&mut sources, None).await? {
        let lead = first_by_key(&sources);
        let source = &mut sources[lead];
        if last.as_deref() == Some(source.key()) {
            if on_duplicate == OnDuplicate::Fail {
                return Err(duplicate(source.key()));
            }
        } else {
            let value = (source.kind() == Kind::Put).then(|| source.value(&mut scratch));
            writer.push(unstamped(source.key(), value)).await?;
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(source.key());
        }
        source.advance();
    }
    let (files, pending) = writer.finish().await?;
    Ok(IngestedRun { keyspace, files, pending: vec![Arc::new(pending)] })
}

/// Walks the run and the view side by side.
async fn check_absent(core: &Core, run: &IngestedRun, view: &ReadView) -> Result<()> {
    let (Some(first), Some(last)) = (run.files.first(), run.files.last()) else { return Ok(()) };
    let range = KeyRange::new(first.min_key.clone()..=last.max_key.clone());
    let mut existing = view.scan(run.keyspace, range, ScanOptions::default())?;
    let mut source: Option<ForwardSource> = None;
    while let Some(batch) = existing.next().await? {
        let source = if let Some(source) = &mut source {
            source
        } else {
            let opened = open_run(core, &run.files).await?;
            source.insert(ForwardSource::run(opened, KeyRange::all(), PageFilter::All))
        };
        for key in batch.keys.iter() {
            loop {
                if source.is_at_gap() {
                    source.fill(None).await?;
                }
                if source.is_at_end() {
                    return Ok(());
                }
                if source.key() >= key {
                    break;
                }
                source.advance();
            }
            if source.key() == key && source.kind() == Kind::Put {
                return Err(duplicate(key));
            }
        }
    }
    Ok(())
}
