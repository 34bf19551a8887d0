//! The garbage rule: which versions of one key are kept.
//!
//! With the horizon `H` and the pins below it, the readable moments are `[H, ∞) ∪ pins`. A version lives iff
//! one of them lies in `[begin, end)` (I5). Of what lives, a DELETE at or below `H` says nothing when no
//! value is kept below it, and goes as well:
//!
//! ```text
//!   pins          15        ·        50         H=100
//!   key    PUT 10 ──▶ DEL 20 ──▶ DEL 40 ────────▶            kept: PUT 10, DEL 40
//! ```
//!
//! The rule changes no answer at a readable moment and keeps nothing that no readable moment needs. It is
//! applied to the versions of a key as they go by, newest first, and remembers one lifetime: a key may have
//! more versions than memory holds. Only where these versions reach back to the oldest one of the key may
//! deletes go, because a delete must not go before the versions that it hides.
//!
//! A value that leaves for the history tier takes its end with it, and with that the delete that ended it:
//! nothing is left for the delete to hide, and the end says what became of the value
//! ([`crate::read::VersionScan`] lists a delete where a value of history ended and no other version began).
//! So a delete of any age goes with the value below it, unless the value stays. Were it kept, no page with a
//! deleted row could be read as it is stored for as long as a snapshot sees the row. Where versions between
//! the two are gone, the delete is dated by the end of the last value that is kept.
//!
//! A delete behind which nothing goes by goes with the horizon.

use crate::{
    pins::Retained,
    types::{Kind, Timestamp},
};

/// `[begin, end)` of a version.
pub(crate) type Lifetime = (Timestamp, Timestamp);

/// Garbage that a rewriting of runs may leave out, beside the versions that no readable moment needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbage {
    /// None: older versions of a key may exist below, which a delete hides.
    Keep,
    /// Deletes that hide nothing: no older version of a key exists in the current tier than those that go by.
    DropDeletes,
    /// Deletes, and values that have ended leave for history. Only where the output is the oldest run of its
    /// keys (I7).
    MoveEnded,
}

/// The rule, for one key after another. See the module documentation.
#[derive(Debug)]
pub(crate) struct RetentionFilter<'a> {
    retained: &'a Retained,
    garbage: Garbage,
    /// A delete that goes unless the next older version that is kept needs it.
    pending: Option<Lifetime>,
    /// Between here and the delete nobody can read anything.
    reach: Timestamp,
}

/// Verdicts settled by one more version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A delete that went by before and is kept after all; its place is in front of this version.
    pub(crate) delete: Option<Lifetime>,
    /// Whether this version is kept, as far as is known yet.
    pub(crate) is_kept: bool,
}

impl<'a> RetentionFilter<'a> {
    /// A filter that keeps what `retained` can see.
    pub(crate) fn new(retained: &'a Retained, garbage: Garbage) -> Self {
        Self { retained, garbage, pending: None, reach: Timestamp::OPEN }
    }

    /// The next version is the newest of another key. Returns a delete of the last key that is kept.
    #[inline]
    pub(crate) fn begin_key(&mut self) -> Option<Lifetime> {
        self.pending.take().filter(|(begin, _)| *begin > self.retained.horizon)
    }

    /// Whether a delete waits for what is below it.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Judges the next older version of the key, closed as far as its successor is known.
    #[inline]
    pub(crate) fn pass(&mut self, (begin, end): Lifetime, kind: Kind) -> Verdict {
        if end != Timestamp::OPEN && !self.retained.can_see(begin, end) {
            if end == self.reach {
                self.reach = begin;
            }
            return Verdict { delete: None, is_kept: false };
        }
        let (mut delete, mut lifetime) = (self.pending.take(), (begin, end));
        if let Some((deleted, deleted_until)) = delete {
            let is_past = deleted <= self.retained.horizon;
            match kind {
                // Its end says it.
                Kind::Put if self.garbage == Garbage::MoveEnded => delete = None,
                // Of deletes in a row only the oldest hides something. From now on it says what both said: it
                // would go before the value below it once nobody sees its own time any more.
                Kind::Delete if is_past && end == self.reach => (delete, lifetime.1) = (None, deleted_until),
                Kind::Delete if is_past && self.garbage == Garbage::MoveEnded => delete = None,
                _ => {}
            }
        }
        let may_go = match self.garbage {
            Garbage::Keep => false,
            Garbage::DropDeletes => begin <= self.retained.horizon,
            Garbage::MoveEnded => true,
        };
        let waits = kind == Kind::Delete && may_go;
        if waits {
            (self.pending, self.reach) = (Some(lifetime), begin);
        }
        Verdict { delete, is_kept: !waits }
    }
}

#[cfg(test)]
mod tests;
