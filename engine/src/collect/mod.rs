//! Collection: deletes objects that nothing references.
//!
//! Deleted are table files that neither the newest manifest nor any state that a reader holds names, that
//! nobody reads, and that are not being written; log segments that the tables cover; manifests older than the
//! newest few. Only files of epochs up to this writer's own are touched, and only after a look that the own
//! manifest is the newest: a writer that was fenced deletes nothing.

use std::sync::Arc;

use crate::{
    Error, Result,
    core::Core,
    manifest::{self, FileId},
    state::Edit,
    types::{KeyspaceId, Timestamp},
};

/// Manifests that are kept for inspection beside the newest.
const MANIFESTS_KEPT: u64 = 4;

/// Objects that [`crate::Engine::collect`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectReport {
    /// Objects deleted.
    pub objects: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
}

impl Core {
    pub(crate) async fn collect(self: &Arc<Self>) -> Result<CollectReport> {
        self.check_writable()?;
        // 1. Keyspaces that were dropped and that nothing can read any more.
        let forgotten = self.remove_dead_keyspaces().await;
        // 2. Objects that nothing references then.
        match forgotten {
            Ok(()) => self.delete_unreferenced().await,
            // There may be room for a manifest when other files are gone.
            Err(error) if error.is_full() => {
                let first = self.delete_unreferenced().await?;
                self.remove_dead_keyspaces().await?;
                let second = self.delete_unreferenced().await?;
                Ok(CollectReport {
                    objects: first.objects + second.objects,
                    bytes: first.bytes + second.bytes,
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn delete_unreferenced(self: &Arc<Self>) -> Result<CollectReport> {
        // 1. Existing objects, before the referenced ones: a file that appears in between is not looked at.
        let listed = self.storage.root.list("data/").await?;
        // No publication of our own may be between storage and memory, or it would look like another
        // writer's.
        let (newest, state) = {
            let _no_publication = self.versions.publication().await;
            (manifest::newest_id(&self.storage.root).await?, self.versions.current())
        };
        if newest > Some(state.manifest.id) {
            let error = Error::Fenced { epoch: self.storage.epoch + 1 };
            self.note_failure(&error);
            return Err(error);
        }
        // Files being written first, then the states: a file that is published in between is in one of the
        // two.
        let pending = self.storage.pending_files();
        let kept = self.versions.referenced_files();
        let mut report = CollectReport::default();
        let mut unreferenced = Vec::new();
        for object in listed {
            let Some(id) = FileId::parse(&object.name) else { continue };
            if id.epoch > self.storage.epoch || kept.contains(&id) || pending.contains(&id) {
                continue;
            }
            // Its handle may be closed at the moment.
            if self.storage.root.has_readers(&object.name) {
                continue;
            }
            report.objects += 1;
            report.bytes += object.len;
            unreferenced.push(object.name);
        }
        self.storage.root.delete_many(&unreferenced).await?;
        // 2. Log segments and manifests.
        crate::wal::delete_before(&self.storage.root, state.manifest.log).await?;
        manifest::prune(&self.storage.root, state.manifest.id.saturating_sub(MANIFESTS_KEPT)).await?;
        self.metrics.collected_objects.add(report.objects);
        self.metrics.collected_bytes.add(report.bytes);
        Ok(report)
    }

    /// Forgets keyspaces that were dropped and that nothing can read any more, unless a compaction is under
    /// way, which may be reading them: then the next collection does it.
    async fn remove_dead_keyspaces(self: &Arc<Self>) -> Result<()> {
        // In this order: who closes the engine has the turn to flush while it waits for a compaction.
        let _no_flush = self.flush_turn().await;
        let Some(_no_compaction) = self.try_compaction_turn() else { return Ok(()) };
        let removed_keyspaces = self.dead_keyspaces();
        if removed_keyspaces.is_empty() {
            return Ok(());
        }
        self.publish(Edit { removed_keyspaces, ..Edit::default() }).await
    }

    /// A keyspace with rows in a memtable is not dead yet: their flush would bring it back.
    fn dead_keyspaces(&self) -> Vec<KeyspaceId> {
        let state = self.versions.current();
        let in_memory = state.keyspaces_in_memory();
        let manifest = &state.manifest;
        let is_dead = |id: KeyspaceId, dropped_at: Timestamp| {
            let retained = self.retained(id);
            retained.horizon >= dropped_at && retained.pins.iter().all(|pin| *pin >= dropped_at)
        };
        let dropped =
            manifest.keyspaces.iter().filter_map(|(id, keyspace)| Some((*id, keyspace.dropped_at?)));
        dropped.filter(|(id, at)| !in_memory.contains(id) && is_dead(*id, *at)).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use crate::{
        EngineOptions, Root,
        testing::{ManualClock, env},
    };

    #[tokio::test]
    async fn a_collection_that_waits_for_a_flush_keeps_nobody_from_compacting() {
        let env = env(&ManualClock::at(1), 1);
        let core = crate::open::open(Root::memory(), env, EngineOptions::default()).await.unwrap();
        let flushing = core.flush_turn().await;
        let mut collection = Box::pin(core.remove_dead_keyspaces());
        assert!((&mut collection).now_or_never().is_none(), "it waits");
        assert!(core.try_compaction_turn().is_some());
        drop(flushing);
        collection.await.unwrap();
    }
}
