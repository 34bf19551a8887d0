//! Pins and horizons: which moments are readable, and what compaction must keep for them.
//!
//! ```text
//!   readable(keyspace) = { t : t >= horizon(keyspace) }  ∪  { pinned t whose scope covers the keyspace }
//! ```
//!
//! Invariants:
//!
//! 1. Horizons never move back.
//! 2. A moment that is registered as a pin was readable when it was registered, under the same lock under
//!    which compactions capture the pins: a pin is either seen by a compaction or refused.
//! 3. Pins are counted: two holders of one timestamp are two pins.
//! 4. A pin protects its own scope only.
//! 5. A pin makes a moment readable only where the moment was readable when it was registered: a view that
//!    had to leave out a keyspace does not open it to others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    error::{Error, Result},
    types::{KeyspaceId, Timestamp},
};

/// Which keyspaces a pin or a view covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All keyspaces, also those made later.
    Database,
    /// These keyspaces.
    Keyspaces(Arc<[KeyspaceId]>),
}

impl Scope {
    /// The scope of these keyspaces.
    pub fn keyspaces(ids: impl IntoIterator<Item = KeyspaceId>) -> Self {
        Self::Keyspaces(ids.into_iter().collect())
    }

    /// Whether the scope covers `keyspace`.
    pub fn covers(&self, keyspace: KeyspaceId) -> bool {
        match self {
            Self::Database => true,
            Self::Keyspaces(ids) => ids.contains(&keyspace),
        }
    }
}

type Counts = BTreeMap<Timestamp, usize>;

#[derive(Debug, Default)]
struct PinTable {
    database: Counts,
    /// Database-wide views of moments that are not readable in every keyspace. They keep what is there and
    /// make no moment readable.
    partial: Counts,
    keyspaces: HashMap<KeyspaceId, Counts>,
    horizon: Timestamp,
    /// Horizons of keyspaces that differ from the database's.
    horizons: BTreeMap<KeyspaceId, Timestamp>,
    /// The greatest horizon of all.
    horizon_max: Timestamp,
    /// Pins that are held, each once, whatever it covers.
    held: u64,
}

impl PinTable {
    fn horizon(&self, keyspace: KeyspaceId) -> Timestamp {
        self.horizons.get(&keyspace).copied().unwrap_or(self.horizon)
    }

    fn oldest_pin(&self) -> Option<Timestamp> {
        let all = self.keyspaces.values().chain([&self.database, &self.partial]);
        all.filter_map(|counts| counts.first_key_value().map(|(at, _)| *at)).min()
    }

    fn is_pinned(&self, keyspace: KeyspaceId, at: Timestamp) -> bool {
        self.database.contains_key(&at)
            || self.keyspaces.get(&keyspace).is_some_and(|counts| counts.contains_key(&at))
    }

    fn check(&self, keyspace: KeyspaceId, at: Timestamp) -> Result<()> {
        let horizon = self.horizon(keyspace);
        if at >= horizon || self.is_pinned(keyspace, at) {
            return Ok(());
        }
        Err(Error::TooOld { requested: at, horizon })
    }

    /// Keyspaces in which `at` cannot be read; an error when it can be read nowhere.
    fn unreadable(&self, at: Timestamp) -> Result<Unreadable> {
        let is_held = at >= self.horizon || self.database.contains_key(&at);
        let pinned = self.keyspaces.iter().filter(|(_, counts)| counts.contains_key(&at)).map(|(id, _)| *id);
        let own: BTreeSet<KeyspaceId> = self.horizons.keys().copied().chain(pinned).collect();
        let keyspaces: Vec<_> =
            own.into_iter().map(|id| (id, self.check(id, at).is_err().then(|| self.horizon(id)))).collect();
        if !is_held && keyspaces.iter().all(|(_, horizon)| horizon.is_some()) {
            return Err(Error::TooOld { requested: at, horizon: self.horizon });
        }
        Ok(Unreadable { database: (!is_held).then_some(self.horizon), keyspaces })
    }

    fn add(&mut self, scope: &Scope, partial: bool, at: Timestamp) {
        self.held += 1;
        match scope {
            Scope::Database if partial => *self.partial.entry(at).or_default() += 1,
            Scope::Database => *self.database.entry(at).or_default() += 1,
            Scope::Keyspaces(ids) => {
                for id in ids.iter() {
                    *self.keyspaces.entry(*id).or_default().entry(at).or_default() += 1;
                }
            }
        }
    }

    fn remove(&mut self, scope: &Scope, partial: bool, at: Timestamp) {
        fn release(counts: &mut Counts, at: Timestamp) {
            let count = counts.get_mut(&at).expect("a released pin was registered");
            *count -= 1;
            if *count == 0 {
                counts.remove(&at);
            }
        }
        self.held -= 1;
        match scope {
            Scope::Database if partial => release(&mut self.partial, at),
            Scope::Database => release(&mut self.database, at),
            Scope::Keyspaces(ids) => {
                for id in ids.iter() {
                    let counts = self.keyspaces.get_mut(id).expect("a released pin was registered");
                    release(counts, at);
                    if counts.is_empty() {
                        self.keyspaces.remove(id);
                    }
                }
            }
        }
    }
}

/// Horizon and pins that a compaction of one keyspace must respect, frozen when it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Everything at or after this is readable.
    pub horizon: Timestamp,
    /// Pinned timestamps below the horizon, ascending, each once.
    pub pins: Vec<Timestamp>,
}

impl Retained {
    /// Keeps everything: what maintenance respects before the durable pins are known.
    pub(crate) const fn everything() -> Self {
        Self { horizon: Timestamp::ZERO, pins: Vec::new() }
    }

    /// Whether a pin lies in `[begin, end)`.
    pub(crate) fn has_pin(&self, begin: Timestamp, end: Timestamp) -> bool {
        let next_pin = self.pins.partition_point(|pin| *pin < begin);
        self.pins.get(next_pin).is_some_and(|pin| *pin < end)
    }

    /// The newest pin in `[begin, end)`.
    pub(crate) fn newest_pin(&self, begin: Timestamp, end: Timestamp) -> Option<Timestamp> {
        let newest = self.pins.partition_point(|pin| *pin < end).checked_sub(1)?;
        Some(self.pins[newest]).filter(|pin| *pin >= begin)
    }

    /// Whether an allowed read sees a version with this lifetime: some pin lies in `[begin, end)`, or the
    /// version lived on after the horizon.
    pub fn can_see(&self, begin: Timestamp, end: Timestamp) -> bool {
        end > self.horizon || self.has_pin(begin, end)
    }
}

/// The registry. One per engine.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    inner: Mutex<PinTable>,
}

impl Pins {
    /// Registers a pin at `at` if that is readable in all of `scope`.
    pub(crate) fn pin(self: &Arc<Self>, at: Timestamp, scope: Scope) -> Result<Pin> {
        let mut inner = self.inner.lock();
        if at < inner.horizon_max {
            match &scope {
                Scope::Keyspaces(ids) => ids.iter().try_for_each(|id| inner.check(*id, at))?,
                Scope::Database if inner.database.contains_key(&at) => {}
                Scope::Database => {
                    return Err(Error::TooOld { requested: at, horizon: inner.horizon_max });
                }
            }
        }
        inner.add(&scope, false, at);
        Ok(Pin { pins: Arc::clone(self), at, scope, partial: false, is_kept: false })
    }

    /// Registers a pin without a check: it was durable before the engine was opened.
    pub(crate) fn register_durable(self: &Arc<Self>, at: Timestamp, scope: Scope) -> Pin {
        self.inner.lock().add(&scope, false, at);
        Pin { pins: Arc::clone(self), at, scope, partial: false, is_kept: false }
    }

    /// Registers a pin at the moment that `newest` gives, asked for under the lock, which is never below a
    /// horizon.
    pub(crate) fn pin_newest(self: &Arc<Self>, newest: impl FnOnce() -> Timestamp, scope: Scope) -> Pin {
        let mut inner = self.inner.lock();
        let at = newest();
        assert!(at >= inner.horizon_max, "a horizon is never above the newest commit");
        inner.add(&scope, false, at);
        Pin { pins: Arc::clone(self), at, scope, partial: false, is_kept: false }
    }

    /// Registers the pin of a view. A database-wide view of an old moment may still read what is pinned
    /// there: it is made when the moment is readable in some keyspace, and refuses the others one by one.
    pub(crate) fn pin_view(self: &Arc<Self>, at: Timestamp, scope: Scope) -> Result<(Pin, Unreadable)> {
        let mut inner = self.inner.lock();
        let mut unreadable = Unreadable::default();
        if at < inner.horizon_max {
            match &scope {
                Scope::Keyspaces(ids) => ids.iter().try_for_each(|id| inner.check(*id, at))?,
                Scope::Database => unreadable = inner.unreadable(at)?,
            }
        }
        let partial = unreadable.is_any();
        inner.add(&scope, partial, at);
        Ok((Pin { pins: Arc::clone(self), at, scope, partial, is_kept: false }, unreadable))
    }

    pub(crate) fn horizon(&self, keyspace: KeyspaceId) -> Timestamp {
        self.inner.lock().horizon(keyspace)
    }

    /// The horizon of keyspaces without one of their own.
    pub(crate) fn database_horizon(&self) -> Timestamp {
        self.inner.lock().horizon
    }

    /// The pins and the horizon that compactions of `keyspace` must respect.
    pub(crate) fn retained(&self, keyspace: KeyspaceId) -> Retained {
        let inner = self.inner.lock();
        let horizon = inner.horizon(keyspace);
        let own = inner.keyspaces.get(&keyspace);
        let whole = inner.database.range(..horizon).chain(inner.partial.range(..horizon));
        let mut pins: Vec<Timestamp> = whole.map(|(at, _)| *at).collect();
        pins.extend(own.into_iter().flat_map(|counts| counts.range(..horizon)).map(|(at, _)| *at));
        pins.sort_unstable();
        pins.dedup();
        Retained { horizon, pins }
    }

    /// Raises horizons to those of a manifest that was just published.
    pub(crate) fn install_horizons(
        &self,
        database: Timestamp,
        keyspaces: impl IntoIterator<Item = (KeyspaceId, Timestamp)>,
    ) {
        let mut inner = self.inner.lock();
        inner.horizon = inner.horizon.max(database);
        let own: BTreeMap<_, _> = keyspaces.into_iter().collect();
        for (keyspace, horizon) in &own {
            debug_assert!(*horizon >= inner.horizons.get(keyspace).copied().unwrap_or_default());
        }
        inner.horizons = own;
        inner.horizon_max = inner.horizons.values().copied().fold(inner.horizon, Timestamp::max);
    }

    /// Number of pins that are held: snapshots, views, and what else reads.
    pub(crate) fn held(&self) -> u64 {
        self.inner.lock().held
    }

    /// The oldest pin of any scope.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.inner.lock().oldest_pin()
    }

    /// The oldest horizon of any keyspace, or the oldest pin if that is older.
    pub(crate) fn oldest_readable(&self) -> Timestamp {
        let inner = self.inner.lock();
        let horizon = inner.horizons.values().copied().fold(inner.horizon, Timestamp::min);
        inner.oldest_pin().map_or(horizon, |pin| pin.min(horizon))
    }
}

/// Keyspaces in which a database-wide view may not read its moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unreadable {
    /// The database's horizon, when the moment is below it and no database-wide pin covers it.
    database: Option<Timestamp>,
    /// Keyspaces that differ from the database: the horizon that forbids the moment, or `None` where it is
    /// readable.
    keyspaces: Vec<(KeyspaceId, Option<Timestamp>)>,
}

impl Unreadable {
    /// Whether the moment is not readable somewhere.
    fn is_any(&self) -> bool {
        self.database.is_some() || self.keyspaces.iter().any(|(_, horizon)| horizon.is_some())
    }

    pub(crate) fn check(&self, keyspace: KeyspaceId, at: Timestamp) -> Result<()> {
        let own = self.keyspaces.iter().find(|(id, _)| *id == keyspace);
        match own.map_or(self.database, |(_, horizon)| *horizon) {
            Some(horizon) => Err(Error::TooOld { requested: at, horizon }),
            None => Ok(()),
        }
    }
}

/// Keeps every version that a read at one timestamp needs, in one scope, until it is dropped.
pub struct Pin {
    pins: Arc<Pins>,
    at: Timestamp,
    scope: Scope,
    /// See `PinTable::partial`.
    partial: bool,
    is_kept: bool,
}

impl Pin {
    /// The pinned moment.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// Scope of the pin.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Gives the handle up and pins the moment for as long as the engine is open. For pins that are durable:
    /// work in the background may outlive whoever registered them.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Clone for Pin {
    fn clone(&self) -> Self {
        self.pins.inner.lock().add(&self.scope, self.partial, self.at);
        Self {
            pins: Arc::clone(&self.pins),
            at: self.at,
            scope: self.scope.clone(),
            partial: self.partial,
            is_kept: false,
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if !self.is_kept {
            self.pins.inner.lock().remove(&self.scope, self.partial, self.at);
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").field("at", &self.at).field("scope", &self.scope).finish_non_exhaustive()
    }
}
