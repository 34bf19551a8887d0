//! The bytes of a segment: header, slots, record headers, stamped sectors. No I/O.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::types::LogPosition;

/// Bytes that a disk writes whole or not at all.
pub(super) const SECTOR: u64 = 512;
/// Records begin at multiples of this; also the length of a record's header.
pub(super) const SLOT: u64 = 64;
/// The first record.
pub(super) const RECORDS_BEGIN: u64 = SECTOR;
/// A file is made of so many bytes at least, and of a multiple of them.
pub(super) const BLOCK: u64 = 4 << 10;
/// Bytes at the start of each further sector of a record.
const STAMP: u64 = 4;
/// Longest payload of a record.
pub(super) const PAYLOAD_BYTES_MAX: u64 = 1 << 30;

const SEGMENT_MAGIC: [u8; 8] = *b"BYGONEWL";
const RECORD_MAGIC: u32 = u32::from_le_bytes(*b"BYGR");
const SEAL_MAGIC: u32 = u32::from_le_bytes(*b"BYGE");
const MAJOR: u16 = 1;
const MINOR: u16 = 1;

/// Header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) position: LogPosition,
    /// The segment before this one and the offset at which it ends, if known.
    pub(super) previous: Option<(LogPosition, u64)>,
    /// Id of the newest manifest when the segment was made; 0 if not known.
    pub(super) manifest: u64,
}

/// Why a segment's header was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    Corrupt(&'static str),
    /// Written by a newer version of the engine.
    Newer(String),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SECTOR as usize] {
        let mut out = [0; SECTOR as usize];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..10].copy_from_slice(&MAJOR.to_le_bytes());
        out[10..12].copy_from_slice(&MINOR.to_le_bytes());
        // 16..40: the three feature sets, all empty.
        let (previous, end) = self.previous.unwrap_or_default();
        let LogPosition { epoch, sequence } = self.position;
        let fields = [epoch, sequence, previous.epoch, previous.sequence, end, self.manifest];
        for (slot, field) in out[40..88].chunks_exact_mut(8).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        let checksum = xxh3_64_with_seed(&out[..504], seed(self.position));
        out[504..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8], position: LogPosition) -> Result<Self, HeaderError> {
        if bytes.len() < SECTOR as usize {
            return Err(HeaderError::Corrupt("the segment is shorter than its header"));
        }
        if bytes[..8] != SEGMENT_MAGIC {
            return Err(HeaderError::Corrupt("this is no log segment"));
        }
        if u64_at(bytes, 504) != xxh3_64_with_seed(&bytes[..504], seed(position)) {
            return Err(HeaderError::Corrupt(
                "checksum of the segment header, or a segment under another's name",
            ));
        }
        let major = u16::from_le_bytes([bytes[8], bytes[9]]);
        let (refuse, read_only) = (u64_at(bytes, 16), u64_at(bytes, 24));
        if major > MAJOR || refuse | read_only != 0 {
            let features = refuse | read_only;
            return Err(HeaderError::Newer(format!("major={major} features={features:#x}")));
        }
        let field = |index: usize| u64_at(bytes, 40 + 8 * index);
        let found = LogPosition { epoch: field(0), sequence: field(1) };
        if found != position {
            return Err(HeaderError::Corrupt("the segment belongs under another name"));
        }
        let previous = LogPosition { epoch: field(2), sequence: field(3) };
        let previous = (previous != LogPosition::default()).then_some((previous, field(4)));
        Ok(Self { position, previous, manifest: field(5) })
    }
}

/// Seeds every checksum of a segment with its identity, so a record of another segment does not fit.
pub(super) fn seed(position: LogPosition) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&position.epoch.to_le_bytes());
    bytes[8..].copy_from_slice(&position.sequence.to_le_bytes());
    xxh3_64_with_seed(&bytes, u64::from_le_bytes(SEGMENT_MAGIC))
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    /// Length of the payload, without stamps.
    pub(super) len: u32,
    /// The segment was synced up to here when the record was written.
    pub(super) synced: u64,
    /// Id of the newest manifest when it was written; 0 if not known.
    pub(super) manifest: u64,
    payload_checksum: u64,
}

/// Content of a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// All zero: never written.
    Empty,
    Record(RecordHeader),
    /// The last of a segment: the next one of the epoch is there.
    Seal,
    /// Neither.
    Damaged(&'static str),
}

impl RecordHeader {
    fn encode(&self, place: SlotAddress) -> [u8; SLOT as usize] {
        let fields = [self.synced, self.payload_checksum, self.manifest];
        encode_slot(RECORD_MAGIC, self.len, place, fields)
    }
}

/// Address of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotAddress {
    pub(super) position: LogPosition,
    pub(super) segment_seed: u64,
    pub(super) offset: u64,
}

fn encode_slot(magic: u32, len: u32, place: SlotAddress, fields: [u64; 3]) -> [u8; SLOT as usize] {
    let mut out = [0; SLOT as usize];
    out[..4].copy_from_slice(&magic.to_le_bytes());
    out[4..8].copy_from_slice(&len.to_le_bytes());
    let own = [place.position.epoch, place.position.sequence, place.offset];
    for (slot, field) in out[8..56].chunks_exact_mut(8).zip(own.into_iter().chain(fields)) {
        slot.copy_from_slice(&field.to_le_bytes());
    }
    let checksum = xxh3_64_with_seed(&out[..56], place.segment_seed);
    out[56..].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// The slot behind the last record of a segment whose successor is there.
pub(super) fn encode_seal(place: SlotAddress) -> [u8; SLOT as usize] {
    encode_slot(SEAL_MAGIC, 0, place, [0; 3])
}

/// Reads the slot at `offset`.
pub(super) fn decode_slot(bytes: &[u8], position: LogPosition, segment_seed: u64, offset: u64) -> Slot {
    if bytes.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    let is_seal = bytes[..4] == SEAL_MAGIC.to_le_bytes();
    if !is_seal && bytes[..4] != RECORD_MAGIC.to_le_bytes() {
        return Slot::Damaged("this is no record");
    }
    if u64_at(bytes, 56) != xxh3_64_with_seed(&bytes[..56], segment_seed) {
        return Slot::Damaged("checksum of the record header");
    }
    let field = |index: usize| u64_at(bytes, 8 + 8 * index);
    if (field(0), field(1), field(2)) != (position.epoch, position.sequence, offset) {
        return Slot::Damaged("the record belongs somewhere else");
    }
    if is_seal {
        return Slot::Seal;
    }
    let len = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    if u64::from(len) > PAYLOAD_BYTES_MAX {
        return Slot::Damaged("the record is longer than any can be");
    }
    Slot::Record(RecordHeader { len, synced: field(3), payload_checksum: field(4), manifest: field(5) })
}

/// Bytes of payload in the sector that holds the header at `offset`.
fn first_room(offset: u64) -> u64 {
    SECTOR - offset % SECTOR - SLOT
}

/// Length on disk of a record at `offset` with `len` bytes of payload.
pub(super) fn extent(offset: u64, len: u64) -> u64 {
    let rest = len.saturating_sub(first_room(offset));
    SLOT + len + rest.div_ceil(SECTOR - STAMP) * STAMP
}

/// Offset of the next record.
pub(super) fn next_slot(end: u64) -> u64 {
    end.next_multiple_of(SLOT)
}

fn stamp(payload_checksum: u64, sector: u64) -> [u8; STAMP as usize] {
    // Two bytes that are never zero, so no change of a single byte makes a stamp look unwritten.
    let mixed = (payload_checksum ^ sector).to_le_bytes();
    [mixed[0] | 1, mixed[1] | 1, mixed[2], mixed[3]]
}

/// Lays the record for `place` out in `out`, which is cleared first.
pub(super) fn encode_record(
    out: &mut Vec<u8>,
    place: SlotAddress,
    synced: u64,
    manifest: u64,
    payload: &[u8],
) {
    out.clear();
    let payload_checksum = xxh3_64_with_seed(payload, place.segment_seed ^ place.offset);
    let header = RecordHeader { len: payload.len() as u32, synced, manifest, payload_checksum };
    out.extend_from_slice(&header.encode(place));
    let (first, rest) = payload.split_at(payload.len().min(first_room(place.offset) as usize));
    out.extend_from_slice(first);
    for (index, part) in rest.chunks((SECTOR - STAMP) as usize).enumerate() {
        out.extend_from_slice(&stamp(payload_checksum, index as u64));
        out.extend_from_slice(part);
    }
}

/// Body of a record, as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Whole(Vec<u8>),
    /// At least one sector was never written.
    Torn,
    /// All sectors were written and they are wrong, from about this offset.
    Damaged(u64),
}

/// Takes the payload out of `body`, the bytes of a record behind its header.
pub(super) fn decode_body(header: &RecordHeader, segment_seed: u64, offset: u64, body: &[u8]) -> Body {
    let mut payload = Vec::with_capacity(header.len as usize);
    let (first, rest) = body.split_at(body.len().min(first_room(offset) as usize));
    payload.extend_from_slice(first);
    let mut damaged = None;
    for (index, sector) in rest.chunks(SECTOR as usize).enumerate() {
        if sector.iter().all(|byte| *byte == 0) {
            return Body::Torn;
        }
        let (mark, part) = sector.split_at(STAMP as usize);
        if mark != stamp(header.payload_checksum, index as u64) {
            let at = offset + SLOT + first.len() as u64 + index as u64 * SECTOR;
            damaged.get_or_insert(at);
        }
        payload.extend_from_slice(part);
    }
    if let Some(at) = damaged {
        return Body::Damaged(at);
    }
    if xxh3_64_with_seed(&payload, segment_seed ^ offset) != header.payload_checksum {
        return Body::Damaged(offset + SLOT);
    }
    Body::Whole(payload)
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(out)
}
