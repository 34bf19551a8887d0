//! The creation of one object, which survives lost replies. Without I/O: [`Creation`] is told the answers and
//! says which request is next.
//!
//! `AlreadyExists` proves nothing: the store may have applied a put whose reply was lost, and the next try
//! then meets our own object; some answer 409 with no object there. So after any answer but success the
//! object is read back:
//!
//! ```text
//!   put ── created ───────────────────────────▶ Created
//!    │
//!    └─ anything else ─▶ get ── our bytes ────▶ Created        (the body carries a nonce)
//!          ▲               ├── other bytes ───▶ Exists
//!          │               └── nothing, error ─┐
//!          └── same bytes again ◀── a pause ◀──┘   until the deadline, then Failed or Unknown
//! ```
//!
//! 1. `Failed` says that nothing was created and nothing will be: every put was refused before it could
//!    count.
//! 2. A put that nobody answered may be applied at any later time: once there was one, only our own bytes or
//!    another's end the creation well.

use super::{backoff::Backoff, failure::RequestFailure};

/// The next step of a creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreationStep {
    /// The put, if there is nothing of the name.
    Put,
    /// A read of the object.
    ReadBack,
    /// A pause of so many microseconds.
    Pause(u64),
    /// The end.
    Done(CreationEnd),
}

/// The end of a creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreationEnd {
    /// The object is there and ours.
    Created,
    /// Another object has the name.
    Exists,
    /// Nothing was created.
    Failed,
    /// The object may be there, or come later.
    Unknown,
}

/// Bytes that a read back found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundObject {
    Own,
    Foreign,
    None,
    /// The read failed.
    Unreadable,
}

/// State of a creation.
#[derive(Debug)]
pub(super) struct Creation {
    backoff: Backoff,
    step: CreationStep,
    /// How long the store wants not to be asked.
    asked_us: Option<u64>,
    /// A put may be applied though it was not answered.
    may_be_applied: bool,
    /// The last put was refused for good.
    is_refused: bool,
}

impl Creation {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, step: CreationStep::Put, asked_us: None, may_be_applied: false, is_refused: false }
    }

    pub(super) fn step(&self) -> CreationStep {
        self.step
    }

    /// Microseconds until the deadline.
    pub(super) fn left_us(&self, now_us: u64) -> u64 {
        self.backoff.left_us(now_us)
    }

    /// The put was answered, or given up (`Unknown`).
    pub(super) fn put_answered(&mut self, answer: Result<(), RequestFailure>) {
        self.asked_us = None;
        self.step = match answer {
            Ok(()) => CreationStep::Done(CreationEnd::Created),
            Err(failure) => {
                match failure {
                    RequestFailure::Throttled(asked_us) => self.asked_us = asked_us,
                    RequestFailure::Refused | RequestFailure::Missing => self.is_refused = true,
                    // Some stores answer so while another put is under way: ours did not count.
                    RequestFailure::Conflict => {}
                    RequestFailure::Unknown => self.may_be_applied = true,
                }
                CreationStep::ReadBack
            }
        };
    }

    /// The object was looked for.
    pub(super) fn read_back(&mut self, now_us: u64, found: FoundObject) {
        self.step = match found {
            FoundObject::Own => CreationStep::Done(CreationEnd::Created),
            FoundObject::Foreign => CreationStep::Done(CreationEnd::Exists),
            FoundObject::None | FoundObject::Unreadable if self.is_refused => self.given_up(),
            FoundObject::None | FoundObject::Unreadable => match self.backoff.pause(now_us, self.asked_us) {
                Some(pause) => CreationStep::Pause(pause),
                None => self.given_up(),
            },
        };
    }

    /// The pause is over.
    pub(super) fn paused(&mut self) {
        self.step = CreationStep::Put;
    }

    fn given_up(&self) -> CreationStep {
        let end = if self.may_be_applied { CreationEnd::Unknown } else { CreationEnd::Failed };
        CreationStep::Done(end)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::backoff::WRITE_DEADLINE_US, *};

    /// What a creation ends with when puts and reads are answered like this, over and over.
    fn end(puts: &[Result<(), RequestFailure>], reads: &[FoundObject]) -> (CreationEnd, u64) {
        let mut creation = Creation::new(Backoff::new(0, WRITE_DEADLINE_US, 1));
        let (mut now, mut put, mut read) = (0, puts.iter().cycle(), reads.iter().cycle());
        loop {
            match creation.step() {
                CreationStep::Put => creation.put_answered(*put.next().unwrap()),
                CreationStep::ReadBack => creation.read_back(now, *read.next().unwrap()),
                CreationStep::Pause(us) => {
                    now += us;
                    creation.paused();
                }
                CreationStep::Done(end) => return (end, now),
            }
        }
    }

    const LOST: Result<(), RequestFailure> = Err(RequestFailure::Unknown);
    const CONFLICT: Result<(), RequestFailure> = Err(RequestFailure::Conflict);
    const THROTTLED: Result<(), RequestFailure> = Err(RequestFailure::Throttled(None));

    #[test]
    fn a_lost_reply_is_found_out_by_reading_back() {
        assert_eq!(end(&[LOST], &[FoundObject::Own]).0, CreationEnd::Created);
        assert_eq!(
            end(&[LOST, CONFLICT], &[FoundObject::Unreadable, FoundObject::Own]).0,
            CreationEnd::Created
        );
        assert_eq!(end(&[CONFLICT], &[FoundObject::Foreign]).0, CreationEnd::Exists);
    }

    #[test]
    fn a_conflict_without_an_object_is_tried_again() {
        assert_eq!(end(&[CONFLICT, Ok(())], &[FoundObject::None]).0, CreationEnd::Created);
    }

    #[test]
    fn puts_that_cannot_have_counted_fail_and_others_leave_it_unknown() {
        let (failed, at) = end(&[THROTTLED], &[FoundObject::None]);
        assert_eq!(failed, CreationEnd::Failed);
        assert!(at > WRITE_DEADLINE_US / 2, "it was given up after {at} us");
        assert_eq!(end(&[LOST, THROTTLED], &[FoundObject::None]).0, CreationEnd::Unknown);
        assert_eq!(end(&[CONFLICT], &[FoundObject::None]).0, CreationEnd::Failed);
    }

    #[test]
    fn a_refusal_is_not_tried_again() {
        assert_eq!(end(&[Err(RequestFailure::Refused)], &[FoundObject::None]), (CreationEnd::Failed, 0));
        let (lost_then_refused, _) = end(&[LOST, Err(RequestFailure::Refused)], &[FoundObject::None]);
        assert_eq!(lost_then_refused, CreationEnd::Unknown);
    }
}
