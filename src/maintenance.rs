//! Background work that only the top can do: expired snapshots are records up here and pins down there.

use std::sync::{Arc, Weak, atomic::Ordering};

use bygone_snapshots::Snapshots;

use crate::{Result, database::Inner};

/// Pause between two rounds.
const PAUSE_US: u64 = 60_000_000;

/// Runs rounds in the background until the database is closed or dropped.
pub(crate) fn start(inner: &Arc<Inner>) {
    let tasks = Arc::clone(&inner.snapshots.store().engine().env().tasks);
    if !tasks.is_background() {
        return;
    }
    let database = Arc::downgrade(inner);
    let pause = Arc::clone(&tasks);
    tasks.spawn(
        "maintenance",
        Box::pin(async move {
            loop {
                pause.sleep(PAUSE_US).await;
                if !round(&database).await {
                    return;
                }
            }
        }),
    );
}

/// One round; false when there is nothing to maintain any more.
async fn round(database: &Weak<Inner>) -> bool {
    let Some(inner) = database.upgrade() else { return false };
    if inner.closed.load(Ordering::Acquire) {
        return false;
    }
    if let Err(error) = expire_and_collect(&inner.snapshots).await {
        tracing::warn!(%error, "maintenance failed; it is tried again");
    }
    true
}

async fn expire_and_collect(snapshots: &Snapshots) -> Result<()> {
    let store = snapshots.store();
    snapshots.expire(store.clock().now()).await?;
    bygone_mvcc::forget_commits(store).await?;
    // Wakes the compaction, which takes what the horizons and the expired snapshots gave free.
    store.engine().raise_horizons().await?;
    store.engine().collect().await?;
    Ok(())
}

/// All of it, now.
pub(crate) async fn run_once(snapshots: &Snapshots) -> Result<()> {
    let store = snapshots.store();
    snapshots.expire(store.clock().now()).await?;
    store.engine().raise_horizons().await?;
    bygone_mvcc::forget_commits(store).await?;
    store.engine().compact().await?;
    store.engine().collect().await?;
    Ok(())
}
