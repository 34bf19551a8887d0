//! Storage of a transaction's writes: the newest in memory, those before them in files once there are many.
//!
//! ```text
//!   level 0   writes in memory over the view of the begin
//!   level 1   writes in memory over that view and the runs that level 0 was written into
//! ```
//!
//! 1. In a keyspace, what is in memory is newer than what is in the runs, and a run is newer than those
//!    before it.
//! 2. A level's view and runs never change: writing some keyspaces of a level into files makes the next
//!    level, which has the other keyspaces' writes in memory again. Who reads at a [`Mark`] holds its level
//!    and sees no difference.
//! 3. Going back to a savepoint goes back to its level. Writes that a savepoint holds in memory count for the
//!    size of the transaction.

use std::{collections::BTreeMap, sync::Arc};

use bygone_engine::{IngestedRun, ReadView, types::KeyspaceId};
use parking_lot::Mutex;

use super::writes::{Position, WriteSet};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Level {
    /// The state of the begin under the runs.
    pub(crate) view: ReadView,
    /// Runs written so far, oldest first.
    pub(crate) runs: BTreeMap<KeyspaceId, Vec<IngestedRun>>,
    pub(crate) writes: Mutex<WriteSet>,
}

impl Level {
    pub(crate) fn first(view: ReadView) -> Arc<Self> {
        Arc::new(Self { view, runs: BTreeMap::new(), writes: Mutex::default() })
    }

    pub(crate) fn has_written(&self, keyspace: KeyspaceId) -> bool {
        self.runs.contains_key(&keyspace) || self.writes.lock().touches(keyspace)
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.runs.is_empty() && self.writes.lock().is_empty()
    }

    /// The same level with only the writes before `position`.
    pub(crate) fn up_to(&self, position: Position) -> Arc<Self> {
        let writes = Mutex::new(self.writes.lock().up_to(position));
        Arc::new(Self { view: self.view.clone(), runs: self.runs.clone(), writes })
    }
}

/// A place in the sequence of a transaction's writes.
#[derive(Clone, Debug)]
pub struct Mark {
    /// None: the newest.
    pub(crate) level: Option<Arc<Level>>,
    pub(crate) position: Position,
}

impl Mark {
    /// Behind all writes, also those yet to come.
    pub const END: Self = Self { level: None, position: Position::END };

    /// The state under the writes in memory, where none of them is of `keyspace`.
    pub fn stored(&self, keyspace: KeyspaceId) -> Option<&ReadView> {
        let level = self.level.as_ref()?;
        (!level.writes.lock().touches(keyspace)).then_some(&level.view)
    }

    /// The state under the writes in memory, for figures that need not be exact.
    pub fn view(&self) -> Option<&ReadView> {
        self.level.as_ref().map(|level| &level.view)
    }
}
