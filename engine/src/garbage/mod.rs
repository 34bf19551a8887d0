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
//! The rule changes no answer at a readable moment and keeps nothing that no readable moment needs. It is given the
//! versions of one key that the caller has in sight: only when these reach back to the oldest version of the key may
//! deletes go, because a delete must not go before the versions that it hides.

use crate::{
    pins::Retained,
    types::{Kind, Timestamp, Version},
};

/// Removes from `versions` (one key, newest first, closed as far as successors are known) what no readable moment
/// needs. `oldest_in_sight`: no older version of the key exists elsewhere.
pub(crate) fn collect_key(versions: &mut Vec<Version>, retained: &Retained, oldest_in_sight: bool) {
    if let [only] = versions.as_slice()
        && only.end == Timestamp::OPEN
        && only.kind == Kind::Put
    {
        // The newest value of a key always stays: most keys have nothing else.
        return;
    }
    versions.retain(|version| version.end == Timestamp::OPEN || retained.can_see(version.begin, version.end));
    if !oldest_in_sight {
        return;
    }
    let mut hides_a_value = false;
    let mut keep = vec![true; versions.len()];
    for (index, version) in versions.iter().enumerate().rev() {
        match version.kind {
            Kind::Put => hides_a_value = true,
            Kind::Delete if version.begin <= retained.horizon && !hides_a_value => keep[index] = false,
            Kind::Delete | Kind::Absent => hides_a_value = false,
        }
    }
    let mut keep = keep.into_iter();
    versions.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests;
