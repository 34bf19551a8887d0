//! Full buffers on their way into files: tasks of their own sort and write them, where tasks run by
//! themselves, while the next rows come.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::oneshot;

use super::{
    buffer::SortBuffer,
    duplicate::OnDuplicate,
    run::{Spilled, unstamped, writer},
};
use crate::{Error, Result, core::Core, types::KeyspaceId, write::RunWriter};

/// Buffers that are written at one time.
pub(super) const WRITERS_MAX: usize = 2;
/// Rows that are written before other tasks have a turn.
const TURN_ROWS: usize = 4_096;

/// A buffer to be written.
#[derive(Debug)]
pub(super) struct SpillTask {
    pub(super) buffer: SortBuffer,
    pub(super) keyspace: KeyspaceId,
    pub(super) on_duplicate: OnDuplicate,
    /// Whether it is written once and for all; otherwise it is merged with others in the end.
    pub(super) is_final: bool,
}

/// Result of a part: its run, and the buffer's memory.
type SpillOutcome = Result<(Spilled, SortBuffer)>;

/// The runs of one ingest, in the order in which their rows came.
#[derive(Debug, Default)]
pub(super) struct Spills {
    done: Vec<Spilled>,
    running: VecDeque<oneshot::Receiver<SpillOutcome>>,
    spare: Vec<SortBuffer>,
}

impl Spills {
    /// Has `part` written; gives an empty buffer for it.
    pub(super) async fn spill(&mut self, core: &Arc<Core>, part: SpillTask) -> Result<SortBuffer> {
        core.check_writable()?;
        if !core.env.tasks.is_background() {
            let (spilled, empty) = Box::pin(write(Arc::clone(core), part)).await?;
            self.done.push(spilled);
            return Ok(empty);
        }
        while self.running.len() >= WRITERS_MAX {
            self.join_first().await?;
        }
        let (sender, receiver) = oneshot::channel();
        let writing = write(Arc::clone(core), part);
        let task = async move {
            // When nobody waits for it any more, the files are left to the collector.
            let _ = sender.send(writing.await);
        };
        core.env.tasks.spawn("write a part of a load", Box::pin(task));
        self.running.push_back(receiver);
        Ok(self.spare.pop().unwrap_or_default())
    }

    /// All runs, once they are written.
    pub(super) async fn finish(mut self) -> Result<Vec<Spilled>> {
        while !self.running.is_empty() {
            self.join_first().await?;
        }
        Ok(self.done)
    }

    async fn join_first(&mut self) -> Result<()> {
        let Some(first) = self.running.front_mut() else { return Ok(()) };
        // The task is gone without an answer when the program's tasks are.
        let written = first.await.map_err(|_| Error::Closed)?;
        self.running.pop_front();
        let (spilled, empty) = written?;
        self.done.push(spilled);
        self.spare.push(empty);
        Ok(())
    }
}

/// Writes the rows of a buffer as a run, in key order, and empties it.
async fn write(core: Arc<Core>, part: SpillTask) -> SpillOutcome {
    let SpillTask { mut buffer, keyspace, on_duplicate, is_final } = part;
    let engine = Arc::clone(&core);
    let mut rows = buffer.sort(on_duplicate)?.enumerate().peekable();
    let mut writer = match rows.peek() {
        Some((_, (first, _))) if is_final => writer(engine, keyspace, first),
        _ => RunWriter::temporary(engine, keyspace),
    };
    for (row, (key, value)) in rows {
        writer.push(unstamped(key, value)).await?;
        if row % TURN_ROWS == TURN_ROWS - 1 {
            core.env.tasks.yield_now().await;
        }
    }
    let (files, pending) = writer.finish().await?;
    buffer.clear();
    Ok((Spilled { files, pending }, buffer))
}
