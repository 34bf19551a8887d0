//! A segment part by part, for people: goes on behind damage where another record is found. No I/O.

use bytes::Bytes;

use super::segment::{self, Body, HeaderError, RECORDS_BEGIN, RecordHeader, SLOT, SegmentHeader, Slot};
use crate::{
    Error,
    types::{LogPosition, Timestamp, Write},
    wal::payload,
};

/// One thing found in a segment.
#[derive(Debug)]
pub(crate) enum SegmentPart {
    Header {
        position: LogPosition,
        previous: Option<(LogPosition, u64)>,
        manifest: u64,
    },
    Record {
        offset: u64,
        len: u32,
        synced: u64,
        manifest: u64,
    },
    /// The end of a segment that is followed by another.
    Seal {
        offset: u64,
    },
    Commit {
        at: Timestamp,
        writes: Vec<Write>,
    },
    Torn {
        offset: u64,
    },
    /// An empty slot: the end, unless there is a record behind it.
    End {
        offset: u64,
        next_record: Option<u64>,
    },
    Damaged {
        offset: u64,
        detail: String,
    },
}

/// Hands the parts of the segment in `bytes` to `found`, in order. `named`: the position that the file's name
/// says.
pub(crate) fn read_segment(named: Option<LogPosition>, bytes: &Bytes, found: &mut impl FnMut(SegmentPart)) {
    let position = named.unwrap_or_else(|| SegmentHeader::position_said(bytes));
    match SegmentHeader::decode(bytes, position) {
        Ok(SegmentHeader { position, previous, manifest }) => {
            found(SegmentPart::Header { position, previous, manifest });
        }
        Err(HeaderError::Corrupt(detail)) => {
            found(SegmentPart::Damaged { offset: 0, detail: detail.to_owned() });
        }
        Err(HeaderError::Newer(what)) => {
            let detail = format!("written by a newer version: {what}");
            found(SegmentPart::Damaged { offset: 0, detail });
        }
    }
    let reader = SegmentReader { bytes, position, seed: segment::seed(position) };
    let mut offset = RECORDS_BEGIN;
    while let Some(slot) = reader.slot(offset) {
        let next = match slot {
            Slot::Empty => {
                let next_record = reader.next_record(offset);
                found(SegmentPart::End { offset, next_record });
                next_record
            }
            Slot::Seal => {
                found(SegmentPart::Seal { offset });
                return;
            }
            Slot::Damaged(detail) => {
                found(SegmentPart::Damaged { offset, detail: detail.to_owned() });
                reader.next_record(offset)
            }
            Slot::Record(header) => reader.record(offset, &header, found),
        };
        match next {
            Some(next) => offset = next,
            None => return,
        }
    }
    found(SegmentPart::Damaged { offset, detail: "the segment was cut".into() });
}

struct SegmentReader<'b> {
    bytes: &'b Bytes,
    position: LogPosition,
    seed: u64,
}

impl SegmentReader<'_> {
    fn get(&self, start: u64, len: u64) -> Option<&[u8]> {
        let start = usize::try_from(start).ok()?;
        self.bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
    }

    fn slot(&self, offset: u64) -> Option<Slot> {
        let slot = self.get(offset, SLOT)?;
        Some(segment::decode_slot(slot, self.position, self.seed, offset))
    }

    /// The next slot behind `offset` that holds a record.
    fn next_record(&self, offset: u64) -> Option<u64> {
        let mut at = offset + SLOT;
        loop {
            match self.slot(at)? {
                Slot::Record(_) => return Some(at),
                Slot::Empty | Slot::Seal | Slot::Damaged(_) => at += SLOT,
            }
        }
    }

    /// Returns where to go on; nowhere behind a torn record.
    fn record(&self, offset: u64, header: &RecordHeader, found: &mut impl FnMut(SegmentPart)) -> Option<u64> {
        let RecordHeader { len, synced, manifest, .. } = *header;
        found(SegmentPart::Record { offset, len, synced, manifest });
        let extent = segment::extent(offset, u64::from(len));
        let Some(body) = self.get(offset + SLOT, extent - SLOT) else {
            found(SegmentPart::Damaged {
                offset,
                detail: "the segment was cut inside of this record".into(),
            });
            return None;
        };
        match segment::decode_body(header, self.seed, offset, body) {
            Body::Whole(payload) => {
                let decoded = payload::decode(&payload.into(), |at, writes| {
                    found(SegmentPart::Commit { at, writes });
                    Ok(())
                });
                if let Err(Error::Corrupt { detail, .. }) = decoded {
                    found(SegmentPart::Damaged { offset, detail });
                }
            }
            Body::Torn => {
                found(SegmentPart::Torn { offset });
                return self.next_record(offset);
            }
            Body::Damaged(at) => {
                found(SegmentPart::Damaged { offset: at, detail: "checksum of the record".into() });
            }
        }
        Some(segment::next_slot(offset + extent))
    }
}

impl SegmentHeader {
    /// The position that a segment says it has, whether that is so or not.
    fn position_said(bytes: &[u8]) -> LogPosition {
        let field = |at: usize| {
            bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        LogPosition { epoch: field(40), sequence: field(48) }
    }
}
