//! Adds lifetimes up, for all holders at once.

use std::collections::BTreeSet;

use super::figures::{Holder, KeyspaceSpace, Size};
use crate::types::{KeyspaceId, Timestamp};

/// Versions and their bytes while they are added up: shares of pages are fractions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub(super) versions: u64,
    pub(super) bytes: f64,
}

impl Amount {
    fn add(&mut self, other: Self) {
        self.versions += other.versions;
        self.bytes += other.bytes;
    }

    fn size(self) -> Size {
        #[expect(clippy::cast_sign_loss, reason = "shares of lengths are not negative")]
        let bytes = self.bytes.round() as u64;
        Size { versions: self.versions, bytes }
    }
}

/// See the module documentation. Holders are in the order of their moments.
#[derive(Debug)]
pub(super) struct Tally {
    horizon: Timestamp,
    moments: Vec<Timestamp>,
    /// Number that the caller gave each holder.
    numbers: Vec<usize>,
    /// Number of holders to be dropped among the first ones.
    dropped_before: Vec<usize>,
    holders: usize,
    stored: Amount,
    current: Amount,
    free: Amount,
    freed: Amount,
    /// Amounts that begin and that end to be referred to at each holder.
    begins: Vec<Amount>,
    ends: Vec<Amount>,
    exclusive: Vec<Amount>,
}

impl Tally {
    pub(super) fn new(
        keyspace: KeyspaceId,
        horizon: Timestamp,
        holders: &[Holder],
        dropped: &BTreeSet<usize>,
    ) -> Self {
        let covers = |(_, holder): &(usize, &Holder)| holder.scope.covers(keyspace);
        let mut here: Vec<(Timestamp, usize)> =
            holders.iter().enumerate().filter(covers).map(|(number, holder)| (holder.at, number)).collect();
        here.sort_unstable();
        let mut dropped_before = vec![0];
        for (_, number) in &here {
            let before = dropped_before[dropped_before.len() - 1];
            dropped_before.push(before + usize::from(dropped.contains(number)));
        }
        let none = vec![Amount::default(); here.len() + 1];
        Self {
            horizon,
            moments: here.iter().map(|(at, _)| *at).collect(),
            numbers: here.iter().map(|(_, number)| *number).collect(),
            dropped_before,
            holders: holders.len(),
            stored: Amount::default(),
            current: Amount::default(),
            free: Amount::default(),
            freed: Amount::default(),
            begins: none.clone(),
            ends: none.clone(),
            exclusive: none,
        }
    }

    /// The holders with moments in `[begin, end)`, as a range of their order.
    fn holders_in(&self, begin: Timestamp, end: Timestamp) -> (usize, usize) {
        let low = self.moments.partition_point(|at| *at < begin);
        (low, low.max(self.moments.partition_point(|at| *at < end)))
    }

    /// Adds values with this lifetime.
    pub(super) fn add(&mut self, begin: Timestamp, end: Timestamp, amount: Amount) {
        let (low, high) = self.holders_in(begin, end);
        self.stored.add(amount);
        if end == Timestamp::OPEN {
            self.current.add(amount);
        }
        self.begins[low].add(amount);
        self.ends[high].add(amount);
        if end > self.horizon {
            return;
        }
        match high - low {
            0 => self.free.add(amount),
            1 => self.exclusive[low].add(amount),
            _ => {}
        }
        if high > low && self.dropped_before[high] - self.dropped_before[low] == high - low {
            self.freed.add(amount);
        }
    }

    /// Whether values that begin in one of these spans, and end in the other, are all the same to every
    /// holder and to the horizon. Spans are inclusive; `ends` is none where all are open.
    pub(super) fn treats_alike(
        &self,
        begins: (Timestamp, Timestamp),
        ends: Option<(Timestamp, Timestamp)>,
    ) -> bool {
        // A moment between two of them would tell them apart.
        let is_parted = |(least, most): (Timestamp, Timestamp)| {
            let (low, high) = self.holders_in(least, most);
            low != high
        };
        let by_horizon = |(least, most): (Timestamp, Timestamp)| least <= self.horizon && most > self.horizon;
        !is_parted(begins) && ends.is_none_or(|ends| !is_parted(ends) && !by_horizon(ends))
    }

    pub(super) fn into_space(self, keyspace: KeyspaceId) -> KeyspaceSpace {
        let mut referenced = vec![Size::default(); self.holders];
        let mut exclusive = vec![Size::default(); self.holders];
        let mut running = Amount::default();
        for (place, number) in self.numbers.iter().enumerate() {
            running.add(self.begins[place]);
            running.versions -= self.ends[place].versions;
            running.bytes = (running.bytes - self.ends[place].bytes).max(0.0);
            referenced[*number] = running.size();
            exclusive[*number] = self.exclusive[place].size();
        }
        KeyspaceSpace {
            keyspace,
            stored: self.stored.size(),
            current: self.current.size(),
            free: self.free.size(),
            referenced,
            exclusive,
            freed: self.freed.size(),
        }
    }
}
