//! Reading the log back.

use std::{io, sync::Arc};

use bytes::Bytes;

use super::{
    listing::{all, missing, missing_manifest, segments},
    no_log_yet, require_local,
    segment::{
        self, BLOCK, Body, HeaderError, RECORDS_BEGIN, RecordHeader, SECTOR, SLOT, SegmentHeader, Slot,
    },
};
use crate::{
    Error, Result,
    store::{DiskFile, LocalDir, Root, disk_error},
    types::{LogBounds, LogPosition, Timestamp, Write},
    wal::payload,
};

/// Bytes of a segment that are read at once.
const WINDOW: u64 = 1 << 20;

/// End of a replay, and what it saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayEnd {
    /// The first segment; `None` when there was no segment at all.
    pub first: Option<LogPosition>,
    /// The last segment and the offset behind its last record.
    pub last: Option<(LogPosition, u64)>,
    /// Commits handed to `apply`.
    pub commits: u64,
    /// The newest of them.
    pub last_timestamp: Option<Timestamp>,
    /// Whether a record that was never acknowledged was left out at the end.
    pub torn: bool,
    /// Id of the newest manifest that a record knows of; 0 if none does.
    pub newest_manifest: u64,
}

/// Hands every commit in the log that `bounds` describes to `apply`, in order, through all later epochs.
///
/// Commits that are handed on are durable. The keys and values of a commit share the memory of their record.
///
/// # Errors
///
/// [`Error::Corrupt`] naming segment and offset when acknowledged bytes are damaged or a segment is missing,
/// or a manifest that was published and has gone; what was applied before is a prefix of the commits. Errors
/// of `apply` are passed on.
///
/// # Cost
///
/// Reads the log once, in order; one sync per epoch.
pub(crate) async fn replay(
    root: &Root,
    bounds: LogBounds,
    mut apply: impl FnMut(Timestamp, Vec<Write>) -> Result<()>,
) -> Result<ReplayEnd> {
    let mut end = ReplayEnd::default();
    let Some(local) = log_of(root).await? else { return Ok(end) };
    let segments = segments(local, bounds)?;
    end.first = segments.first().copied();
    let mut before: Option<LogPosition> = None;
    for (index, position) in segments.iter().enumerate() {
        let segment = ReplaySegment::open(local, *position)?;
        if let Some((previous, _)) = segment.header.previous
            && previous >= bounds.from
            && before != Some(previous)
        {
            return Err(missing(previous));
        }
        if segment.header.manifest > bounds.manifest {
            return Err(missing_manifest(segment.header.manifest, &segment.name));
        }
        before = Some(*position);
        let expected_end = match segments.get(index + 1) {
            None => None,
            Some(next) => {
                let next_segment = ReplaySegment::open(local, *next)?;
                next_segment.header.previous.filter(|(previous, _)| previous == position).map(|(_, end)| end)
            }
        };
        let is_sealed = segments.get(index + 1).is_some_and(|next| next.epoch == position.epoch);
        if is_sealed && expected_end.is_none() {
            return Err(segment.corrupt(0, "the next segment does not follow this one"));
        }
        if !is_sealed {
            segment.make_durable(local)?;
        }
        segment.read(expected_end, &mut end, &mut apply)?;
        if end.newest_manifest > bounds.manifest {
            return Err(missing_manifest(end.newest_manifest, &segment.name));
        }
    }
    Ok(end)
}

/// Whether the log still ends where a replay of it did: nothing was written since. After a torn record
/// nothing is sure.
///
/// # Errors
///
/// As [`replay`].
pub(crate) fn ends_there(root: &Root, bounds: LogBounds, end: &ReplayEnd) -> Result<bool> {
    let Some(local) = require_local(root)? else { return Ok(true) };
    let newest = segments(local, bounds)?.pop();
    let Some((last, offset)) = end.last else { return Ok(newest.is_none()) };
    if newest != Some(last) || end.torn {
        return Ok(false);
    }
    let segment = ReplaySegment::open(local, last)?;
    let is_end = ReadAhead::new(&segment).get(offset, SLOT)?.iter().all(|byte| *byte == 0);
    Ok(is_end)
}

/// Gives the disk back what the last segment of the manifest's epoch has taken ahead of its records; false
/// where that is nothing. Only of a log that nobody writes.
///
/// # Errors
///
/// As [`replay`].
pub(crate) fn give_back(root: &Root, bounds: LogBounds) -> Result<bool> {
    let Some(local) = require_local(root)? else { return Ok(false) };
    let last = all(local)?.into_iter().rfind(|position| position.epoch <= bounds.epoch);
    let Some(last) = last else { return Ok(false) };
    let segment = ReplaySegment::open(local, last)?;
    let mut end = ReplayEnd::default();
    segment.read(None, &mut end, &mut |_, _| Ok(()))?;
    let Some((_, offset)) = end.last.filter(|_| !end.torn) else { return Ok(false) };
    // Behind the end there may be what was never synced: only zeros are cut off.
    let needed = segment.last_used(offset)?.next_multiple_of(BLOCK);
    if needed >= segment.len {
        return Ok(false);
    }
    let cut = || local.disk().open(&local.path(&segment.name)?)?.truncate(needed);
    cut().map(|()| true).map_err(|error| disk_error("cutting", &segment.name, error))
}

/// The newest manifest that the segment knows of, as far as it can be read: proof for an error, never of
/// soundness.
pub(super) fn newest_manifest(local: &LocalDir, position: LogPosition) -> u64 {
    let Ok(segment) = ReplaySegment::open(local, position) else { return 0 };
    let mut end = ReplayEnd::default();
    // Faults of the segment are reported by its replay.
    let _ = segment.read(None, &mut end, &mut |_, _| Ok(()));
    end.newest_manifest.max(segment.header.manifest)
}

/// The directory with the log, or `None` when there is nothing to replay.
async fn log_of(root: &Root) -> Result<Option<&Arc<LocalDir>>> {
    if root.local_dir().is_none() && !root.is_memory() {
        // Nothing of ours writes a log there. Should there be one, it must not be passed over.
        return if root.list("wal/").await?.is_empty() { Ok(None) } else { Err(no_log_yet()) };
    }
    require_local(root)
}

/// Whether the segment holds no record at all.
pub(super) fn is_empty_segment(local: &LocalDir, position: LogPosition) -> Result<bool> {
    let segment = ReplaySegment::open(local, position)?;
    let mut end = ReplayEnd::default();
    segment.read(None, &mut end, &mut |_, _| Ok(()))?;
    Ok(end.commits == 0 && !end.torn)
}

struct ReplaySegment {
    name: String,
    file: Arc<dyn DiskFile>,
    len: u64,
    seed: u64,
    header: SegmentHeader,
}

impl ReplaySegment {
    fn open(local: &LocalDir, position: LogPosition) -> Result<Self> {
        let name = position.object_name();
        let read = || -> io::Result<(Arc<dyn DiskFile>, u64, Vec<u8>)> {
            let file = local.disk().open_read(&local.path(&name)?)?;
            let len = file.len()?;
            let header = file.read_vec_at(0, len.min(SECTOR) as usize)?;
            Ok((file, len, header))
        };
        let (file, len, header) = read().map_err(|error| disk_error("reading", &name, error))?;
        match SegmentHeader::decode(&header, position) {
            Ok(header) => Ok(Self { name, file, len, seed: segment::seed(position), header }),
            Err(HeaderError::Corrupt(detail)) => Err(Error::corrupt(name, 0, detail)),
            Err(HeaderError::Newer(what)) => {
                Err(Error::Invalid(format!("log segment {name} was written by a newer version: {what}")))
            }
        }
    }

    fn corrupt(&self, offset: u64, detail: &str) -> Error {
        Error::corrupt(&self.name, offset, detail)
    }

    /// Syncs the segment and its name: a killed process may have left both unsynced.
    fn make_durable(&self, local: &LocalDir) -> Result<()> {
        let sync = || -> io::Result<()> {
            self.file.sync_all()?;
            local.sync_parent(&local.path(&self.name)?)
        };
        sync().map_err(|error| disk_error("syncing", &self.name, error))
    }

    /// The end of the last byte behind `offset` that is not zero, and of the zero slot there.
    fn last_used(&self, mut offset: u64) -> Result<u64> {
        let mut window = ReadAhead::new(self);
        let mut used = (offset + SLOT).min(self.len);
        while offset < self.len {
            let len = WINDOW.min(self.len - offset);
            let bytes = window.get(offset, len)?;
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                used = used.max(offset + last as u64 + 1);
            }
            offset += len;
        }
        Ok(used)
    }

    /// Reads the records up to `expected_end`, or to wherever the log ends if that is not known.
    fn read(
        &self,
        expected_end: Option<u64>,
        end: &mut ReplayEnd,
        apply: &mut impl FnMut(Timestamp, Vec<Write>) -> Result<()>,
    ) -> Result<()> {
        let mut window = ReadAhead::new(self);
        let mut offset = RECORDS_BEGIN;
        end.torn = false;
        loop {
            if expected_end == Some(offset) {
                break;
            }
            match self.record(&mut window, offset)? {
                NextRecord::Record(header, body) => {
                    end.newest_manifest = end.newest_manifest.max(header.manifest);
                    self.apply(offset, &body, end, apply)?;
                    offset = segment::next_slot(offset + segment::extent(offset, u64::from(header.len)));
                }
                NextRecord::Seal => {
                    let LogPosition { epoch, sequence } = self.header.position;
                    return Err(missing(LogPosition { epoch, sequence: sequence + 1 }));
                }
                NextRecord::End { torn } => {
                    if let Some(expected) = expected_end {
                        let detail = format!("the segment ends here and should end at {expected}");
                        return Err(self.corrupt(offset, &detail));
                    }
                    self.check_nothing_acknowledged_behind(&mut window, offset)?;
                    end.torn = torn;
                    break;
                }
            }
        }
        end.last = Some((self.header.position, offset));
        Ok(())
    }

    fn record(&self, window: &mut ReadAhead<'_>, offset: u64) -> Result<NextRecord> {
        if offset + SLOT > self.len {
            return Err(self.corrupt(offset, "the segment was cut"));
        }
        let slot = window.get(offset, SLOT)?;
        let header = match segment::decode_slot(slot, self.header.position, self.seed, offset) {
            Slot::Empty => return Ok(NextRecord::End { torn: false }),
            Slot::Seal => return Ok(NextRecord::Seal),
            Slot::Damaged(detail) => return Err(self.corrupt(offset, detail)),
            Slot::Record(header) => header,
        };
        let extent = segment::extent(offset, u64::from(header.len));
        if offset + extent > self.len {
            return Err(self.corrupt(offset, "the segment was cut inside of this record"));
        }
        let body = window.get(offset + SLOT, extent - SLOT)?;
        match segment::decode_body(&header, self.seed, offset, body) {
            Body::Whole(payload) => Ok(NextRecord::Record(header, payload.into())),
            Body::Torn => Ok(NextRecord::End { torn: true }),
            Body::Damaged(at) => Err(self.corrupt(at, "checksum of the record")),
        }
    }

    fn apply(
        &self,
        offset: u64,
        payload: &Bytes,
        end: &mut ReplayEnd,
        apply: &mut impl FnMut(Timestamp, Vec<Write>) -> Result<()>,
    ) -> Result<()> {
        let decoded = payload::decode(payload, |timestamp, writes| {
            if end.last_timestamp.is_some_and(|last| last >= timestamp) {
                return Err(self.corrupt(offset, "commit timestamps do not rise"));
            }
            end.commits += 1;
            end.last_timestamp = Some(timestamp);
            apply(timestamp, writes)
        });
        match decoded {
            Err(Error::Corrupt { file, detail, .. }) if file.is_empty() => Err(self.corrupt(offset, &detail)),
            other => other,
        }
    }

    /// A record behind the end that was written when the end was synced shows that the end is damage.
    fn check_nothing_acknowledged_behind(&self, window: &mut ReadAhead<'_>, end: u64) -> Result<()> {
        let mut offset = end + SLOT;
        while offset + SLOT <= self.len {
            let len = WINDOW.min(self.len - offset) / SLOT * SLOT;
            let bytes = window.get(offset, len)?;
            for (index, slot) in bytes.chunks_exact(SLOT as usize).enumerate() {
                let at = offset + index as u64 * SLOT;
                let found = segment::decode_slot(slot, self.header.position, self.seed, at);
                if matches!(found, Slot::Record(RecordHeader { synced, .. }) if synced > end) {
                    return Err(self.corrupt(end, "a record is missing before others that were acknowledged"));
                }
            }
            offset += len;
        }
        Ok(())
    }
}

enum NextRecord {
    Record(RecordHeader, Bytes),
    /// The next segment was there; it is not, or the seal would not have been read.
    Seal,
    End {
        torn: bool,
    },
}

/// Reads a segment forwards in large steps.
struct ReadAhead<'s> {
    segment: &'s ReplaySegment,
    start: u64,
    bytes: Vec<u8>,
}

impl<'s> ReadAhead<'s> {
    fn new(segment: &'s ReplaySegment) -> Self {
        Self { segment, start: 0, bytes: Vec::new() }
    }

    /// The `len` bytes at `offset`, which must be inside the file.
    fn get(&mut self, offset: u64, len: u64) -> Result<&[u8]> {
        let have = self.start..self.start + self.bytes.len() as u64;
        if offset < have.start || offset + len > have.end {
            let size = len.max(WINDOW.min(self.segment.len - offset)) as usize;
            let read = self.segment.file.read_vec_at(offset, size);
            self.bytes = read.map_err(|error| disk_error("reading", &self.segment.name, error))?;
            self.start = offset;
        }
        let begin = (offset - self.start) as usize;
        Ok(&self.bytes[begin..begin + len as usize])
    }
}
