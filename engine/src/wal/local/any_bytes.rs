//! The decoders of a segment over any bytes, for fuzzers and their tests.

use bytes::Bytes;

use super::segment::{
    Body, RECORDS_BEGIN, SECTOR, SLOT, SegmentHeader, Slot, SlotAddress, decode_body, decode_slot,
    encode_record, seed,
};
use crate::{Error, types::LogPosition, wal::payload};

/// Reads `bytes` as the payload of a record, as the header of a segment and as a slot; then lays them out as
/// a record, which must come back.
///
/// # Panics
///
/// A decoder fails otherwise than by its error, or a record does not come back.
pub(crate) fn decode_any_bytes(bytes: &[u8]) {
    let position = LogPosition::first(1);
    let _ = payload::decode(&Bytes::copy_from_slice(bytes), |_, _| Ok::<(), Error>(()));
    let _ = SegmentHeader::decode(bytes, position);
    let place = SlotAddress {
        position,
        segment_seed: seed(position),
        offset: RECORDS_BEGIN + slots_in(bytes) * SLOT,
    };
    if let Some(slot) = bytes.get(..SLOT as usize) {
        let _ = decode_slot(slot, position, place.segment_seed, place.offset);
    }
    comes_back(place, bytes);
}

/// A place within a sector that the bytes choose: stamps fall elsewhere for each.
fn slots_in(bytes: &[u8]) -> u64 {
    u64::from(bytes.first().copied().unwrap_or_default()) % (SECTOR / SLOT)
}

fn comes_back(place: SlotAddress, payload: &[u8]) {
    let mut record = Vec::new();
    encode_record(&mut record, place, 0, 0, payload);
    let (slot, body) = record.split_at(SLOT as usize);
    let Slot::Record(header) = decode_slot(slot, place.position, place.segment_seed, place.offset) else {
        panic!("the header of a record comes back");
    };
    let whole = decode_body(&header, place.segment_seed, place.offset, body);
    assert_eq!(whole, Body::Whole(payload.to_vec()), "the payload of a record comes back");
    let mut damaged = body.to_vec();
    if let Some(byte) = damaged.get_mut(slots_in(payload) as usize * 7) {
        *byte ^= 0x10;
        let found = decode_body(&header, place.segment_seed, place.offset, &damaged);
        assert!(!matches!(found, Body::Whole(_)), "a record with a changed byte is none");
    }
}
