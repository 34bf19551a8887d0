//! Space accounting: how much of what is stored each holder of a moment refers to, and what dropping some would free.
//!
//! A version `[begin, end)` is referred to by the holders whose moments lie in its lifetime. It can be freed when it ended
//! at or before the horizon and only holders that are dropped refer to it (the garbage rule). So one pass over lifetimes
//! answers everything, and most lifetimes need not be looked at:
//!
//! ```text
//!   page     begins 10..20, all open          holders at 5: none of it    at 25: all of it    at 15: read B and E
//!   pages of several runs that overlap        merged by key: an open version ends where its successor begins
//!   pages of history                          each for itself: all of it has ended
//! ```
//!
//! Exactness:
//!
//! 1. Versions are counted exactly, in memory and in files, as of the newest commit when the call began. Versions
//!    without a value (deletions) do not count.
//! 2. Bytes are shares of what pages take in their files: every row of a page counts the same. Page index, filter and footer
//!    are nobody's. In memory a version takes the bytes of its key and value.
//! 3. Holders are those that the caller names. Views that read at the moment hold what they read as well, and only for as
//!    long as they read; they do not count.
//! 4. What is free now, because no holder and no readable moment needs it, goes with the next compaction.

mod blocks;
mod tally;

use std::{collections::BTreeSet, sync::Arc};

use blocks::{Cluster, clusters};
use tally::Tally;

use crate::{
    Result, Scope,
    shared::Shared,
    state::State,
    types::{KeyspaceId, Timestamp},
};

/// Who keeps a moment readable: a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The moment.
    pub at: Timestamp,
    /// Where.
    pub scope: Scope,
}

/// An amount of versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// How many; exact.
    pub versions: u64,
    /// Their share of the bytes that are stored.
    pub bytes: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.versions += other.versions;
        self.bytes += other.bytes;
    }
}

/// How the space of one keyspace is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceSpace {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// All versions that are stored.
    pub stored: Size,
    /// Those of now.
    pub current: Size,
    /// Those that no holder and no readable moment needs.
    pub free: Size,
    /// For each holder: what it refers to. Nothing outside of its scope.
    pub referenced: Vec<Size>,
    /// For each holder: what would be free if it alone were dropped.
    pub exclusive: Vec<Size>,
    /// What would be free if all of those asked for were dropped, besides what is.
    pub freed: Size,
}

/// Pages whose rows are looked at before other tasks get their turn.
const PAGES_PER_TURN: usize = 16;

impl Shared {
    /// See [`crate::Engine::space`].
    pub(crate) async fn space(
        self: &Arc<Self>,
        holders: &[Holder],
        dropped: &BTreeSet<usize>,
    ) -> Result<Vec<KeyspaceSpace>> {
        // Looked at under the lock: what is in files by then was published. Commits come into memory meanwhile.
        let (state, at) = {
            let state = self.state.read();
            (Arc::clone(&state), self.last_timestamp())
        };
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
