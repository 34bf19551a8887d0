//! Space accounting: how much of what is stored each holder of a moment refers to, and what dropping some
//! would free.
//!
//! A version `[begin, end)` is referred to by the holders whose moments lie in its lifetime. It can be freed
//! when it ended at or before the horizon and only holders that are dropped refer to it (the garbage rule).
//! So one pass over lifetimes answers everything, and most lifetimes need not be looked at:
//!
//! ```text
//!   page     begins 10..20, all open          holders at 5: none of it    at 25: all of it    at 15: read B and E
//!   pages of several runs that overlap        merged by key: an open version ends where its successor begins
//!   pages of history                          each for itself: all of it has ended
//! ```
//!
//! Exactness:
//!
//! 1. Versions are counted exactly, in memory and in files, as of the newest commit when the call began.
//!    Versions without a value (deletions) do not count.
//! 2. Bytes are shares of what pages take in their files: every row of a page counts the same. Page index,
//!    filter and footer are nobody's. In memory a version takes the bytes of its key and value.
//! 3. Holders are those that the caller names. Views that read at the moment hold what they read as well, and
//!    only for as long as they read; they do not count.
//! 4. Versions that are free now, because no holder and no readable moment needs them, go with the next
//!    compaction.

mod blocks;
mod figures;
mod tally;

use std::{collections::BTreeSet, sync::Arc};

use blocks::{Cluster, clusters};
pub use figures::{Holder, KeyspaceSpace, Size};
use tally::Tally;

use crate::{
    Result,
    core::Core,
    state::State,
    types::{KeyspaceId, Timestamp},
};

/// Pages whose rows are looked at before other tasks get their turn.
const PAGES_PER_TURN: usize = 16;

impl Core {
    /// See [`crate::Engine::space`].
    pub(crate) async fn space(
        self: &Arc<Self>,
        holders: &[Holder],
        dropped: &BTreeSet<usize>,
    ) -> Result<Vec<KeyspaceSpace>> {
        // Commits come into memory meanwhile.
        let (state, at) = self.versions.current_with_commit();
        let mut keyspaces = state.keyspaces_in_memory();
        keyspaces.extend(state.trees.keys());
        let mut all = Vec::with_capacity(keyspaces.len());
        for keyspace in keyspaces {
            let mut tally = Tally::new(keyspace, self.pins.horizon(keyspace), holders, dropped);
            self.count(&state, keyspace, at, &mut tally).await?;
            all.push(tally.into_space(keyspace));
        }
        Ok(all)
    }

    async fn count(
        &self,
        state: &State,
        keyspace: KeyspaceId,
        at: Timestamp,
        tally: &mut Tally,
    ) -> Result<()> {
        let mut pages = 0;
        for cluster in clusters(state, keyspace, at) {
            match cluster {
                Cluster::Apart(block) => {
                    if !block.count_by_statistics(tally) {
                        block.count_rows(tally).await?;
                    }
                    pages += 1;
                }
                Cluster::Overlapping(blocks) => {
                    pages += blocks.len();
                    blocks::merge(blocks, tally, &self.env).await?;
                }
            }
            if pages >= PAGES_PER_TURN {
                pages = 0;
                self.env.tasks.yield_now().await;
            }
        }
        Ok(())
    }
}
