//! A large merge in parts that run side by side, each of its own range of keys.

use std::{pin::pin, sync::Arc};

use futures::future::{Either, select};
use tokio::sync::{mpsc, watch};

use super::{
    picker::Job,
    run::{LevelMerge, MergeOutput},
};
use crate::{Error, Result, core::Core, pins::Retained, types::KeyRange};

/// State that the parts of a merge share.
#[derive(Clone, Debug)]
pub(super) struct MergeJob {
    pub(super) job: Arc<Job>,
    pub(super) retained: Arc<Retained>,
    pub(super) is_throttled: bool,
}

impl Core {
    /// Merges runs of the current tier: in one part here, several in tasks of their own where tasks run by
    /// themselves.
    pub(super) async fn merge_by_subcompactions(self: &Arc<Self>, merging: &MergeJob) -> Result<MergeOutput> {
        let ranges = merging.job.ranges(self.options.table_bytes);
        if ranges.len() > 1 && self.env.tasks.is_background() {
            return self.merge_side_by_side(merging, ranges).await;
        }
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            parts.push(run_subcompaction(Arc::clone(self), merging.clone(), range).await?);
        }
        Ok(joined(parts))
    }

    /// When one part fails the others are given up, and all have ended on return: what comes next finds their
    /// memory free.
    ///
    /// # Cancel safety
    /// Dropping the future gives the parts up. They end at their next turn.
    async fn merge_side_by_side(
        self: &Arc<Self>,
        merging: &MergeJob,
        ranges: Vec<KeyRange>,
    ) -> Result<MergeOutput> {
        let (answers, mut answered) = mpsc::unbounded_channel();
        let (wanted, while_wanted) = watch::channel(());
        let parts = ranges.len();
        for range in ranges {
            let part = Box::pin(run_subcompaction(Arc::clone(self), merging.clone(), range));
            let (answers, mut while_wanted) = (answers.clone(), while_wanted.clone());
            let task = async move {
                match select(part, pin!(while_wanted.changed())).await {
                    // When nobody waits for it any more, the files are left to the collector.
                    Either::Left((written, _)) => drop(answers.send(written)),
                    // Its memory goes before its end is known.
                    Either::Right((_, part)) => drop(part),
                }
            };
            self.env.tasks.spawn("merge a part of a compaction", Box::pin(task));
        }
        drop(answers);
        let mut wanted = Some(wanted);
        let mut written = Ok(Vec::with_capacity(parts));
        // There is no further answer when the last task has ended.
        while let Some(answer) = answered.recv().await {
            match (&mut written, answer) {
                (Ok(written), Ok(part)) => written.push(part),
                (Ok(_), Err(error)) => {
                    written = Err(error);
                    wanted = None;
                }
                (Err(_), _) => {}
            }
        }
        drop(wanted);
        // A task is gone without an answer when the program's tasks are.
        written
            .and_then(|written| if written.len() == parts { Ok(joined(written)) } else { Err(Error::Closed) })
    }
}

fn joined(parts: Vec<MergeOutput>) -> MergeOutput {
    let (placed, guards): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    (placed.into_iter().flatten().collect(), guards.into_iter().flatten().collect())
}

async fn run_subcompaction(core: Arc<Core>, merging: MergeJob, range: KeyRange) -> Result<MergeOutput> {
    // On the heap: callers need not carry all of its state in their own.
    Box::pin(LevelMerge::new(&core, &merging, range).run()).await
}
