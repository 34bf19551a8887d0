//! The states of one open engine: the current one, those that readers may still hold, and the newest visible
//! commit.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use crate::{manifest::FileId, state::State, types::Timestamp};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Versions {
    /// One manifest edit at a time.
    publishing: Arc<tokio::sync::Mutex<()>>,
    current: RwLock<Arc<State>>,
    /// States that readers may still hold: their files must not be deleted.
    older: Mutex<Vec<Weak<State>>>,
    /// The newest commit in the active memtable.
    applied: AtomicU64,
    /// The newest visible commit.
    published: AtomicU64,
}

/// The right to publish a manifest.
#[derive(Debug)]
#[must_use = "the right ends when this is dropped"]
pub(crate) struct Publication {
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

impl Versions {
    /// `last` is the newest commit of `state`.
    pub(crate) fn new(state: State, last: Timestamp) -> Self {
        Self {
            publishing: Arc::default(),
            current: RwLock::new(Arc::new(state)),
            older: Mutex::default(),
            applied: AtomicU64::new(last.as_micros()),
            published: AtomicU64::new(last.as_micros()),
        }
    }

    /// Waits until no manifest is being published, and keeps others from being.
    pub(crate) async fn publication(&self) -> Publication {
        Publication { _turn: Arc::clone(&self.publishing).lock_owned().await }
    }

    /// Whether no manifest is being published.
    pub(crate) fn is_quiet(&self) -> bool {
        self.publishing.try_lock().is_ok()
    }

    /// The state as it is now.
    #[inline]
    pub(crate) fn current(&self) -> Arc<State> {
        Arc::clone(&self.current.read())
    }

    /// The state and the newest visible commit, of one moment: what is in files by then was published.
    pub(crate) fn current_with_commit(&self) -> (Arc<State>, Timestamp) {
        let state = self.current.read();
        (Arc::clone(&state), self.last_timestamp())
    }

    /// Replaces the state by one that is made of it, and makes `commit` visible with it. The old state is
    /// remembered for as long as a reader holds it. `next` takes no lock.
    pub(crate) fn replace(&self, commit: Option<Timestamp>, next: impl FnOnce(&State) -> State) {
        let mut current = self.current.write();
        let next = Arc::new(next(&current));
        let old = std::mem::replace(&mut *current, next);
        {
            let mut older = self.older.lock();
            older.retain(|state| state.strong_count() > 0);
            older.push(Arc::downgrade(&old));
        }
        if let Some(at) = commit {
            self.note_applied(at);
            self.note_published(at);
        }
        drop(current);
    }

    /// The newest visible commit.
    #[inline]
    pub(crate) fn last_timestamp(&self) -> Timestamp {
        Timestamp::from_micros(self.published.load(Ordering::Acquire))
    }

    /// The newest commit in memory, visible or about to be: a manifest must not be behind what its files may
    /// hold.
    pub(crate) fn newest_applied(&self) -> Timestamp {
        Timestamp::from_micros(self.applied.load(Ordering::Acquire))
    }

    /// Says that the commits up to `at` are in the active memtable.
    pub(crate) fn note_applied(&self, at: Timestamp) {
        self.applied.fetch_max(at.as_micros(), Ordering::AcqRel);
    }

    /// Makes the commits up to `at` visible.
    pub(crate) fn note_published(&self, at: Timestamp) {
        self.published.fetch_max(at.as_micros(), Ordering::AcqRel);
    }

    /// The files of every state that is current or that a reader holds.
    pub(crate) fn referenced_files(&self) -> BTreeSet<FileId> {
        let current = self.current();
        let mut states: Vec<_> = self.older.lock().iter().filter_map(Weak::upgrade).collect();
        states.push(current);
        states.iter().flat_map(|state| state.manifest.files()).map(|file| file.id).collect()
    }
}
