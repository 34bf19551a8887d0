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
    /// Whether this version is kept, as far as is known yet.
    pub(crate) is_kept: bool,
}

impl<'a> Sieve<'a> {
    /// `oldest_in_sight`: no older version of a key exists than those that will go by.
    pub(crate) fn new(retained: &'a Retained, oldest_in_sight: bool) -> Self {
        Self { retained, oldest_in_sight, pending: None }
    }

    /// The next version is the newest of another key.
    #[inline]
    pub(crate) fn begin_key(&mut self) {
        // Nothing is kept below a delete that waits here.
        self.pending = None;
    }

    /// Judges the next older version of the key, closed as far as its successor is known.
    #[inline]
    pub(crate) fn pass(&mut self, (begin, end): Lifetime, kind: Kind) -> Verdict {
        if end != Timestamp::OPEN && !self.retained.can_see(begin, end) {
            return Verdict { delete: None, is_kept: false };
        }
        // Of deletes in a row only the oldest hides something.
        let delete = self.pending.take().filter(|_| kind == Kind::Put);
        let waits = kind == Kind::Delete && self.oldest_in_sight && begin <= self.retained.horizon;
        if waits {
            self.pending = Some((begin, end));
        }
        Verdict { delete, is_kept: !waits }
    }
}

#[cfg(test)]
mod tests;
