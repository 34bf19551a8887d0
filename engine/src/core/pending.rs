//! Files that no manifest names yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::Core;
use crate::manifest::FileId;

/// Files that are being written or wait to be published: the collector leaves them alone while this lives.
/// Dropping it removes those of a local root, unless a manifest may name them.
#[derive(Debug)]
pub(crate) struct PendingFiles {
    core: Arc<Core>,
    ids: Vec<FileId>,
    may_be_named: AtomicBool,
}

impl PendingFiles {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, ids: Vec::new(), may_be_named: AtomicBool::new(false) }
    }

    /// Reserves the next file id.
    pub(crate) fn reserve(&mut self) -> FileId {
        let id = self.core.storage.reserve_file();
        self.ids.push(id);
        id
    }
}

impl Drop for PendingFiles {
    fn drop(&mut self) {
        if !*self.may_be_named.get_mut() {
            self.ids.iter().for_each(|id| self.remove_unused(*id));
        }
        for id in &self.ids {
            self.core.storage.release_file(*id);
        }
    }
}

impl PendingFiles {
    /// Says whether a manifest may name the files, now or later.
    pub(super) fn set_may_be_named(&self, may_be_named: bool) {
        self.may_be_named.store(may_be_named, Ordering::Relaxed);
    }

    /// A file that cannot be removed is left to the collector.
    fn remove_unused(&self, id: FileId) {
        let (name, root) = (id.object_name(), &self.core.storage.root);
        if let Some(local) = root.local_dir().filter(|_| !root.has_readers(&name))
            && let Err(error) = local.remove(&name)
        {
            tracing::warn!(%error, name, "a file that nothing needs could not be removed");
        }
    }
}
