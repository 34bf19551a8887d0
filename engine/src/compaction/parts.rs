//! A large merge in parts that run side by side, each of its own range of keys.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    picker::Job,
    run::{LevelMerge, Written},
};
use crate::{Error, Result, pins::Retained, read::KeyRange, shared::Shared};

/// What the parts of a merge share.
#[derive(Clone, Debug)]
pub(super) struct Merging {
    pub(super) job: Arc<Job>,
    pub(super) retained: Arc<Retained>,
    pub(super) is_paced: bool,
}

impl Shared {
    /// Merges runs of the current tier: the first part here, others in tasks of their own where tasks run by themselves.
    pub(super) async fn merge_in_parts(self: &Arc<Self>, merging: &Merging) -> Result<Written> {
        let mut ranges = merging.job.ranges(self.options.table_bytes).into_iter();
        let first = ranges.next().unwrap_or_else(KeyRange::all);
        let mut others = Vec::new();
        for range in ranges {
            let (sender, receiver) = oneshot::channel();
            let part = merge_part(Arc::clone(self), merging.clone(), range);
            let task = async move {
                // When nobody waits for it any more, the files are left to the collector.
                let _ = sender.send(part.await);
            };
            if self.env.tasks.is_background() {
                self.env.tasks.spawn("merge a part of a compaction", Box::pin(task));
            } else {
                Box::pin(task).await;
            }
            others.push(receiver);
        }
        let (mut placed, mut guards) = merge_part(Arc::clone(self), merging.clone(), first).await?;
        for other in others {
            // The task is gone without an answer when the program's tasks are.
            let written = other.await.map_err(|_| Error::Closed)??;
            placed.extend(written.0);
            guards.extend(written.1);
        }
        Ok((placed, guards))
    }
}

async fn merge_part(shared: Arc<Shared>, merging: Merging, range: KeyRange) -> Result<Written> {
    // On the heap: callers need not carry all of its state in their own.
    Box::pin(LevelMerge::new(&shared, &merging, range).run()).await
}
