//! The garbage rule: which versions of one key are kept.
//!
//! With the horizon `H` and the pins below it, the readable moments are `[H, ∞) ∪ pins`. A version lives iff one of
//! them lies in `[begin, end)` (I5). Of what lives, a DELETE at or below `H` says nothing when no value is kept below
//! it, and goes as well:
//!
//! ```text
//!   pins          15        ·        50         H=100
//!   key    PUT 10 ──▶ DEL 20 ──▶ DEL 40 ────────▶            kept: PUT 10, DEL 40
//! ```
//!
//! The rule changes no answer at a readable moment and keeps nothing that no readable moment needs. It is applied to the
//! versions of a key as they go by, newest first, and remembers one lifetime: a key may have more versions than memory
//! holds. Only where these versions reach back to the oldest one of the key may deletes go, because a delete must not go
//! before the versions that it hides.
//!
//! Values that have ended may have left for the history tier. They do not go by here, and no delete hides them: each says
//! itself when it ended. Still the delete is kept as long as one of them is kept right below it. It is what happened to the
//! value: history and differences list it, and a transaction that read the value finds its conflict in it. So a delete that
//! hides nothing of what went by is [`Dropped`], and goes unless history holds a value of the key in the place that it
//! names.

use crate::{
    pins::Retained,
    types::{Kind, Timestamp},
};

/// `[begin, end)` of a version.
pub(crate) type Lifetime = (Timestamp, Timestamp);

/// The rule, for one key after another. See the module documentation.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    retained: &'a Retained,
    oldest_in_sight: bool,
    /// A delete at or below the horizon that some readable moment sees: it is kept if a value is kept right below it.
    pending: Option<Lifetime>,
}

/// What one more version of a key settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A delete that went by before and is kept after all; its place is in front of this version.
    pub(crate) delete: Option<Lifetime>,
    /// A delete that went by before and hides nothing of what went by.
    pub(crate) dropped: Option<Dropped>,
    /// Whether this version is kept, as far as is known yet.
    pub(crate) is_kept: bool,
}

/// A delete at or below the horizon between which and the next older version that went by, which is another delete, nothing
/// is kept; or behind which nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) delete: Lifetime,
    /// Where the next older version begins; zero when there is none.
    pub(crate) below: Timestamp,
}

impl Dropped {
    /// Whether a version of the key with this lifetime, if it is kept, keeps the delete: it is right below it.
    pub(crate) fn is_kept_for(&self, (begin, end): Lifetime) -> bool {
        begin >= self.below && end <= self.delete.0
    }
}

impl<'a> Sieve<'a> {
    /// `oldest_in_sight`: no older version of a key exists than those that will go by.
    pub(crate) fn new(retained: &'a Retained, oldest_in_sight: bool) -> Self {
        Self { retained, oldest_in_sight, pending: None }
    }

    /// The next version is the newest of another key. Returns the delete of the last key that waited for something below it.
    #[inline]
    pub(crate) fn begin_key(&mut self) -> Option<Dropped> {
        self.pending.take().map(|delete| Dropped { delete, below: Timestamp::INTENT })
    }

    /// Whether a delete waits for what is below it.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// A delete that was [`Dropped`] by the one that waits now has gone, with all between them. The older one says from now on
    /// what both said: it would go before the value below it once nobody sees its own time any more.
    pub(crate) fn extend(&mut self, dropped: Dropped) {
        if let Some(pending) = &mut self.pending {
            pending.1 = dropped.delete.1;
        }
    }

    /// Judges the next older version of the key, closed as far as its successor is known.
    #[inline]
    pub(crate) fn pass(&mut self, (begin, end): Lifetime, kind: Kind) -> Verdict {
        if end != Timestamp::OPEN && !self.retained.can_see(begin, end) {
            return Verdict { delete: None, dropped: None, is_kept: false };
        }
        // Of deletes in a row only the oldest hides something.
        let (delete, dropped) = match self.pending.take() {
            Some(delete) if kind == Kind::Put => (Some(delete), None),
            Some(delete) => (None, Some(Dropped { delete, below: begin })),
            None => (None, None),
        };
        let waits = kind == Kind::Delete && self.oldest_in_sight && begin <= self.retained.horizon;
        if waits {
            self.pending = Some((begin, end));
        }
        Verdict { delete, dropped, is_kept: !waits }
    }
}

#[cfg(test)]
mod tests;
