//! Bulk ingest: sorted table files that become visible by one manifest edit.
//!
//! ```text
//!   push ─▶ buffer ─ full ─▶ sort ─▶ spilled run ┐
//!                                    spilled run ├─ merge ─▶ run ─ publish at w ─▶ newest run of the keyspace
//!                        finish ─▶   spilled run ┘
//! ```
//!
//! The files are written before the commit timestamp is known: their `begin` is a constant of the file that
//! the manifest gives. No log, no memtable, no copy; memory is bounded by the buffers, of which tasks of
//! their own sort and write the full ones where tasks run by themselves.

mod buffer;
mod duplicate;
mod finish;
mod run;
mod spill;

use std::{mem, sync::Arc};

use bytes::Bytes;

use buffer::SortBuffer;
pub use duplicate::OnDuplicate;
pub(crate) use finish::{merge_runs, open_run};
pub use run::IngestedRun;
use spill::{SpillTask, Spills, WRITERS_MAX};

use crate::{
    ReadView, Result,
    core::Core,
    types::{KeyspaceId, check_lengths},
};

/// Options of an ingest.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// Treatment of a key that is pushed twice.
    pub on_duplicate: OnDuplicate,
    /// Fail with `DuplicateKey` when a pushed key has a value in this view. The writer must keep others from
    /// writing to the keyspace between the view and the publication.
    pub absent_from: Option<ReadView>,
}

/// A bulk ingest that is being written.
///
/// # Cancel safety
/// Dropping it, or any future of it, leaves only files that nothing references; the collector deletes them.
#[derive(Debug)]
pub struct Ingest {
    core: Arc<Core>,
    keyspace: KeyspaceId,
    options: IngestOptions,
    buffer: SortBuffer,
    spills: Spills,
    /// The spilled runs are one run, as they are.
    is_ordered: bool,
    /// The largest key that was spilled, while they are.
    last_key: Option<Bytes>,
}

impl Ingest {
    pub(crate) fn new(core: Arc<Core>, keyspace: KeyspaceId, options: IngestOptions) -> Self {
        Self {
            core,
            keyspace,
            options,
            buffer: SortBuffer::default(),
            spills: Spills::default(),
            is_ordered: true,
            last_key: None,
        }
    }

    /// As [`IngestOptions::absent_from`], for a view that is known only now.
    #[must_use]
    pub fn absent_from(mut self, view: ReadView) -> Self {
        self.options.absent_from = Some(view);
        self
    }

    /// Adds a value, or a delete (`None`). Keys may come in any order; ascending is fastest.
    ///
    /// # Errors
    /// `Invalid` for a key or value that is too long; `DuplicateKey` as the options say (here or at the end);
    /// `Unavailable` when a spill cannot be written.
    pub async fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        check_lengths(key, value)?;
        self.buffer.push(key, value);
        if self.buffer.bytes() >= self.buffer_bytes() {
            // Boxed: it is rare, and every commit would grow by it.
            Box::pin(self.spill()).await?;
        }
        Ok(())
    }

    /// The size at which a buffer is written: one is filled while others are on their way.
    fn buffer_bytes(&self) -> usize {
        let buffers = if self.core.env.tasks.is_background() { WRITERS_MAX + 1 } else { 1 };
        self.core.options.ingest_bytes / buffers
    }

    /// Rows pushed and not spilled, in bytes; for progress.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    async fn spill(&mut self) -> Result<()> {
        if self.is_ordered
            && let Some((first, last)) = self.buffer.ends()
        {
            self.is_ordered = self.last_key.as_deref().is_none_or(|before| before < first);
            self.last_key = Some(Bytes::copy_from_slice(last));
        }
        let part = SpillTask {
            buffer: mem::take(&mut self.buffer),
            keyspace: self.keyspace,
            on_duplicate: self.options.on_duplicate,
            is_final: self.is_ordered,
        };
        self.buffer = self.spills.spill(&self.core, part).await?;
        Ok(())
    }
}
