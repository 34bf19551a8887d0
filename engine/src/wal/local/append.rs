//! Appending to the log.

use std::{io, sync::Arc};

use super::{
    ReplayEnd, require_local,
    segment::{self, BLOCK, PAYLOAD_BYTES_MAX, RECORDS_BEGIN, SLOT, SegmentHeader, SlotAddress},
};
use crate::{
    Error, Result,
    store::{DiskFile, Linked, LocalDir, Root, disk_error},
    types::{Durability, LogPosition},
    wal::{StampedBatch, payload},
};

/// A file grows by multiples of this. One more sync per chunk, so that no commit pays for growing the file.
/// Small in tests, so that they cross its boundaries and fill no megabytes of simulated disk for every
/// segment.
const CHUNK: u64 =
    if cfg!(any(test, all(feature = "testing", debug_assertions))) { 16 << 10 } else { 4 << 20 };
/// The part of the room on the disk that a file takes ahead of its records, where that is less than a chunk.
const ROOM_PART: u64 = 8;
/// Buffers above this are given back after a large group.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

/// The log of one epoch, open for appending; owned by the committing leader.
#[derive(Debug)]
pub struct LocalLog {
    local: Arc<LocalDir>,
    position: LogPosition,
    segment: OpenSegment,
    /// Id of the newest manifest, which every record carries: so it is seen when a manifest has gone.
    manifest: u64,
    poisoned: Option<String>,
    /// Payload and laid-out record, kept from append to append.
    payload: Vec<u8>,
    record: Vec<u8>,
}

#[derive(Debug)]
struct OpenSegment {
    file: Arc<dyn DiskFile>,
    seed: u64,
    /// Offset of the next record.
    end: u64,
    /// Everything before this offset is durable.
    synced: u64,
    allocated: u64,
}

impl LocalLog {
    /// Creates the log of `epoch` with its first segment.
    ///
    /// An empty log of the epoch, left by a process that died before it wrote to it, is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the epoch has a log with records, or the root can have no log.
    pub fn create(root: &Root, epoch: u64) -> Result<Self> {
        Self::create_after(root, epoch, 0, &ReplayEnd::default())
    }

    /// Like [`LocalLog::create`], and records where the log that was just replayed ends, so that a later
    /// replay can tell a damaged tail from a torn one. `manifest` is the id of the newest manifest.
    ///
    /// # Errors
    ///
    /// As [`LocalLog::create`].
    pub fn create_after(root: &Root, epoch: u64, manifest: u64, replayed: &ReplayEnd) -> Result<Self> {
        let Some(local) = require_local(root)?.cloned() else {
            return Err(Error::Invalid("a root in memory keeps no log".into()));
        };
        let (position, previous) = (LogPosition::first(epoch), replayed.last);
        remove_empty_log(&local, epoch)?;
        let segment = OpenSegment::create(&local, SegmentHeader { position, previous, manifest })?;
        let (payload, record) = (Vec::new(), Vec::new());
        Ok(Self { local, position, segment, manifest, poisoned: None, payload, record })
    }

    /// The current segment.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// Bytes of the current segment, header included.
    pub fn bytes(&self) -> u64 {
        self.segment.end
    }

    /// Id of the newest manifest that the log knows of.
    pub(crate) fn manifest(&self) -> u64 {
        self.manifest
    }

    /// Appends one record with the commits of `groups`, and syncs it and everything before it if `durability`
    /// asks.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the group is larger than 1 GiB, [`Error::Unavailable`] with [`Error::is_full`]
    /// when the disk has no room for the segment to grow: nothing was written, the log goes on. Any other
    /// failure poisons the log: this and every later call fails with [`Error::Poisoned`].
    ///
    /// # Cost
    ///
    /// One positioned write, and one sync with [`Durability::Sync`]. No allocation once the buffers have
    /// grown.
    pub fn append(&mut self, groups: &[StampedBatch<'_>], durability: Durability) -> Result<()> {
        let estimate: usize = groups.iter().map(|group| group.batch.bytes()).sum();
        if estimate as u64 > PAYLOAD_BYTES_MAX {
            return Err(too_large(estimate as u64));
        }
        self.payload.clear();
        payload::encode(&mut self.payload, groups);
        if self.payload.len() as u64 > PAYLOAD_BYTES_MAX {
            return Err(too_large(self.payload.len() as u64));
        }
        self.write_record()?;
        match durability {
            Durability::Sync => self.sync(),
            Durability::Buffered => Ok(()),
        }
    }

    /// Says in the log that `manifest` is the newest one from now on. It becomes durable with what follows:
    /// until then a crash leaves the manifest without the proof that it was there.
    ///
    /// # Errors
    ///
    /// As [`LocalLog::append`].
    pub fn note_manifest(&mut self, manifest: u64) -> Result<()> {
        self.manifest = manifest;
        self.payload.clear();
        payload::encode(&mut self.payload, &[]);
        self.write_record()
    }

    /// Appends the record with `self.payload`, unsynced.
    fn write_record(&mut self) -> Result<()> {
        self.check_alive()?;
        let segment = &mut self.segment;
        let (offset, segment_seed) = (segment.end, segment.seed);
        let end = segment::next_slot(offset + segment::extent(offset, self.payload.len() as u64));
        match segment.make_room(end) {
            Ok(()) => {}
            Err(Grow::Full(error)) => return Err(disk_error("growing", &self.position.object_name(), error)),
            Err(Grow::Broken(error)) => return Err(self.poison("growing the log", &error)),
        }
        let place = SlotAddress { position: self.position, segment_seed, offset };
        segment::encode_record(&mut self.record, place, segment.synced, self.manifest, &self.payload);
        if let Err(error) = segment.file.write_all_at(&self.record, offset) {
            return Err(self.poison("writing the log", &error));
        }
        segment.end = end;
        self.payload.shrink_to(BUFFER_BYTES_KEPT);
        self.record.shrink_to(BUFFER_BYTES_KEPT);
        Ok(())
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`]: the log takes nothing more.
    pub fn sync(&mut self) -> Result<()> {
        self.check_alive()?;
        let segment = &mut self.segment;
        if segment.synced == segment.end {
            return Ok(());
        }
        if let Err(error) = segment.file.sync_data() {
            return Err(self.poison("syncing the log", &error));
        }
        segment.synced = segment.end;
        Ok(())
    }

    /// Syncs the current segment and starts a new one; returns its position.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] with [`Error::is_full`] when the disk has no room: the log goes on in the old
    /// segment. Any other failure poisons the log.
    pub fn rotate(&mut self) -> Result<LogPosition> {
        self.sync()?;
        let next = LogPosition { sequence: self.position.sequence + 1, ..self.position };
        let created = match self.create_next(next) {
            Err(error) if error.is_full() && self.give_back()? => self.create_next(next),
            outcome => outcome,
        };
        let created = match created {
            Ok(created) => created,
            Err(error) if error.is_full() => return Err(error),
            Err(error) => return Err(self.poison("starting a log segment", &error)),
        };
        // From here on the new segment cannot be missing unseen.
        if let Err(error) = self.segment.seal(self.position) {
            return Err(self.poison("sealing the log segment", &error));
        }
        self.segment = created;
        self.position = next;
        Ok(next)
    }

    /// The segment behind the current one.
    fn create_next(&self, position: LogPosition) -> Result<OpenSegment> {
        let previous = Some((self.position, self.segment.end));
        OpenSegment::create(&self.local, SegmentHeader { position, previous, manifest: self.manifest })
    }

    /// Gives the disk back what the segment has taken ahead of its records; false where that is nothing.
    ///
    /// # Errors
    ///
    /// As [`LocalLog::append`].
    pub(crate) fn give_back(&mut self) -> Result<bool> {
        self.check_alive()?;
        let segment = &mut self.segment;
        let needed = (segment.end + SLOT).next_multiple_of(BLOCK);
        if needed >= segment.allocated {
            return Ok(false);
        }
        // Less first: after a failure nobody may believe that there is room.
        segment.allocated = needed;
        match segment.file.truncate(needed) {
            Ok(()) => Ok(true),
            Err(error) => Err(self.poison("cutting the room ahead off the log", &error)),
        }
    }

    fn check_alive(&self) -> Result<()> {
        match &self.poisoned {
            None => Ok(()),
            Some(reason) => Err(Error::Poisoned(reason.clone())),
        }
    }

    fn poison(&mut self, doing: &str, error: &dyn std::error::Error) -> Error {
        let reason = format!("{doing} {}: {error}", self.position.object_name());
        self.poisoned = Some(reason.clone());
        Error::Poisoned(reason)
    }
}

enum Grow {
    Full(io::Error),
    Broken(io::Error),
}

impl OpenSegment {
    /// Creates a segment with its header and first chunk, durably. It has its name only when it is complete.
    fn create(local: &LocalDir, header: SegmentHeader) -> Result<Self> {
        let name = header.position.object_name();
        let create = || -> io::Result<(Linked, Arc<dyn DiskFile>, u64)> {
            let path = local.path_to_create(&name)?;
            let temporary = local.temporary()?;
            let file = Arc::clone(temporary.file());
            let allocated = allocate(file.as_ref(), RECORDS_BEGIN + SLOT)?;
            file.write_all_at(&header.encode(), 0)?;
            Ok((temporary.link(&path)?, file, allocated))
        };
        let (linked, file, allocated) = create().map_err(|error| disk_error("creating", &name, error))?;
        match linked {
            Linked::Created => {}
            Linked::Exists => return Err(Error::Invalid(format!("log segment {name} exists already"))),
            Linked::Unknown(error) => return Err(Error::CommitUnknown(format!("creating {name}: {error}"))),
        }
        Ok(Self {
            file,
            seed: segment::seed(header.position),
            end: RECORDS_BEGIN,
            synced: RECORDS_BEGIN,
            allocated,
        })
    }

    /// Writes behind the last record that the next segment is there. The seal replaces the zero slot.
    fn seal(&self, position: LogPosition) -> io::Result<()> {
        let place = SlotAddress { position, segment_seed: self.seed, offset: self.end };
        self.file.write_all_at(&segment::encode_seal(place), self.end)?;
        self.file.sync_data()
    }

    /// Grows the file, durably, until a zero slot fits behind `end`.
    fn make_room(&mut self, end: u64) -> Result<(), Grow> {
        if end + SLOT <= self.allocated {
            return Ok(());
        }
        let wanted = allocate(self.file.as_ref(), end + SLOT)
            .map_err(|error| if is_full(&error) { Grow::Full(error) } else { Grow::Broken(error) })?;
        // This also makes everything written so far durable.
        self.file.sync_all().map_err(Grow::Broken)?;
        self.allocated = wanted;
        self.synced = self.end;
        Ok(())
    }
}

/// Makes the file at least `least` bytes long, by a whole chunk where that leaves enough for others; returns
/// its length.
fn allocate(file: &dyn DiskFile, least: u64) -> io::Result<u64> {
    let ahead = (file.room()? / ROOM_PART / BLOCK * BLOCK).clamp(BLOCK, CHUNK);
    for wanted in [least.next_multiple_of(ahead), least.next_multiple_of(BLOCK)] {
        match file.allocate(wanted) {
            Ok(()) => return Ok(wanted),
            Err(error) if is_full(&error) && wanted > least.next_multiple_of(BLOCK) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::StorageFull.into())
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn too_large(bytes: u64) -> Error {
    Error::Invalid(format!(
        "a commit of this size does not fit into the log: bytes={bytes} max={PAYLOAD_BYTES_MAX}"
    ))
}

/// Removes a log of `epoch` that was never written to.
fn remove_empty_log(local: &LocalDir, epoch: u64) -> Result<()> {
    let position = LogPosition::first(epoch);
    let name = position.object_name();
    let directory = format!("wal/{epoch:020}");
    let found = local.list(&directory).map_err(|error| disk_error("listing", &directory, error))?;
    if found.is_empty() {
        return Ok(());
    }
    if found.len() > 1 || !super::replay::is_empty_segment(local, position)? {
        return Err(Error::Invalid(format!("the log of epoch {epoch} exists already")));
    }
    local.remove(&name).map_err(|error| disk_error("deleting", &name, error))
}
