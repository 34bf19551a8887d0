//! The bytes of a manifest. No I/O; decoding never panics and bounds every length by what is there.
//!
//! ```text
//!   magic │ major minor │ features ×3 │ id │ raw len │ stored len │ body checksum │ header checksum │ zstd body
//! ```
//!
//! Numbers of the header are fixed-width little-endian, those of the body are varints. Records of the body
//! that may grow (file, run's keyspace) carry their length, and a reader of an older minor version passes
//! over what it does not know.

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::{FileId, FileMeta, HistoryGroup, KeyspaceManifest, Manifest, Run};
use crate::{
    Error, Result,
    types::{KEY_BYTES_MAX, KeyspaceId, LogPosition, Timestamp},
    varint,
};

const MAGIC: [u8; 8] = *b"BYGONEMF";
const MAJOR: u16 = 1;
const MINOR: u16 = 1;
/// A feature that a reader must know: the body goes on behind the settings. In every manifest since version
/// 1.1.
const GOES_ON: u64 = 1;
const HEADER: usize = 72;
/// Largest body, before compression.
const BODY_BYTES_MAX: usize = 1 << 30;
/// Largest body of a damaged manifest that room is made for: its length may be damaged too.
const DAMAGED_BODY_BYTES_MAX: usize = 64 << 20;
const NAME_BYTES_MAX: usize = 4 << 10;
const SETTING_BYTES_MAX: usize = 64 << 20;
const ZSTD_LEVEL: i32 = 1;

/// The hash by which the next manifest names this one: of the whole object.
pub(crate) fn hash(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

/// The object that holds `manifest`.
///
/// # Errors
///
/// [`Error::Invalid`] when the state is larger than a manifest can be.
pub fn encode(manifest: &Manifest) -> Result<Bytes> {
    let mut body = Encoder::default();
    body.manifest(manifest);
    seal(manifest.id, &body.0)
}

/// The object with this body.
pub(crate) fn seal(id: u64, body: &[u8]) -> Result<Bytes> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::Invalid(format!("the manifest is too large: bytes={}", body.len())));
    }
    let stored = zstd::bulk::compress(body, ZSTD_LEVEL)
        .map_err(|error| Error::unavailable("compressing the manifest", error))?;
    let mut out = Vec::with_capacity(HEADER + stored.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&MAJOR.to_le_bytes());
    out.extend_from_slice(&MINOR.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&GOES_ON.to_le_bytes());
    out.extend_from_slice(&[0; 2 * 8]);
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
    out.extend_from_slice(&xxh3_64_with_seed(&stored, id).to_le_bytes());
    let checksum = xxh3_64_with_seed(&out, id);
    out.extend_from_slice(&checksum.to_le_bytes());
    assert_eq!(out.len(), HEADER, "the header has a fixed length");
    out.extend_from_slice(&stored);
    Ok(out.into())
}

/// Reads the manifest `id` from the object `name`.
///
/// # Errors
///
/// [`Error::Corrupt`] naming `name` and the offset; [`Error::Invalid`] when it was written by a newer
/// version.
pub fn decode(name: &str, id: u64, bytes: &[u8]) -> Result<Manifest> {
    let corrupt = |offset: usize, detail: &str| Error::corrupt(name, offset as u64, detail);
    let Some((header, stored)) = bytes.split_at_checked(HEADER) else {
        return Err(corrupt(bytes.len(), "the manifest is shorter than its header"));
    };
    if header[..8] != MAGIC {
        return Err(corrupt(0, "this is no manifest"));
    }
    if u64_at(header, 64) != xxh3_64_with_seed(&header[..64], id) {
        return Err(corrupt(64, "checksum of the manifest header, or a manifest under another's name"));
    }
    let major = u16::from_le_bytes([header[8], header[9]]);
    let features = (u64_at(header, 16) & !GOES_ON) | u64_at(header, 24);
    if major > MAJOR || features != 0 {
        let what =
            format!("manifest {name} was written by a newer version: major={major} features={features:#x}");
        return Err(Error::Invalid(what));
    }
    let (raw_len, stored_len) = (u32_at(header, 48) as usize, u32_at(header, 52) as usize);
    if u64_at(header, 40) != id {
        return Err(corrupt(40, "the manifest belongs under another name"));
    }
    if stored.len() != stored_len || raw_len > BODY_BYTES_MAX {
        return Err(corrupt(48, "the length of the manifest is not what its header says"));
    }
    if u64_at(header, 56) != xxh3_64_with_seed(stored, id) {
        return Err(corrupt(HEADER, "checksum of the manifest"));
    }
    let body = zstd::bulk::decompress(stored, raw_len)
        .map_err(|_| corrupt(HEADER, "the manifest does not unpack"))?;
    if body.len() != raw_len {
        return Err(corrupt(HEADER, "the manifest unpacks to another length"));
    }
    let mut decoder = Decoder { bytes: &body };
    match decoder.manifest(id, goes_on(header)) {
        Some(manifest) if decoder.bytes.is_empty() => Ok(manifest),
        // The offset is in the unpacked body: that is where the reader stopped.
        _ => Err(corrupt(body.len() - decoder.bytes.len(), "the body of the manifest makes no sense")),
    }
}

fn goes_on(header: &[u8]) -> bool {
    u64_at(header, 16) & GOES_ON != 0
}

/// Header of a manifest as it is written, whether true or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u64,
    pub(crate) version: (u16, u16),
    pub(crate) raw_len: u32,
    pub(crate) stored_len: u32,
}

/// The header in front of `bytes`, unless they are too short for one. For people: nothing is checked.
pub(crate) fn header_of(bytes: &[u8]) -> Option<Header> {
    let header = bytes.get(..HEADER)?;
    let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    Some(Header {
        id: u64_at(header, 40),
        version: (number(8), number(10)),
        raw_len: u32_at(header, 48),
        stored_len: u32_at(header, 52),
    })
}

/// Manifest whose checksums do not fit, as far as it can be decoded. For people: nothing may rely on it.
pub(crate) fn decode_damaged(id: u64, bytes: &[u8]) -> Option<Manifest> {
    let raw_len = header_of(bytes)?.raw_len as usize;
    if raw_len > DAMAGED_BODY_BYTES_MAX {
        return None;
    }
    let body = zstd::bulk::decompress(bytes.get(HEADER..)?, raw_len).ok()?;
    Decoder { bytes: &body }.manifest(id, goes_on(bytes))
}

#[derive(Default)]
struct Encoder(Vec<u8>);

impl Encoder {
    fn number(&mut self, value: u64) {
        varint::put(&mut self.0, value);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn timestamp(&mut self, at: Timestamp) {
        self.number(at.as_micros());
    }

    fn wide(&mut self, value: u128) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn many<'i, T: 'i>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'i T>,
        write: impl Fn(&mut Self, &T),
    ) {
        self.number(items.len() as u64);
        items.for_each(|item| write(self, item));
    }

    /// A record with its length, so that older readers can pass over fields they do not know.
    fn record(&mut self, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(&inner.0);
    }

    fn manifest(&mut self, manifest: &Manifest) {
        self.number(manifest.epoch);
        self.wide(manifest.nonce);
        self.option(manifest.parent, |out, (id, hash)| {
            out.number(id);
            out.wide(hash);
        });
        self.timestamp(manifest.last_timestamp);
        self.number(manifest.log.epoch);
        self.number(manifest.log.sequence);
        self.number(manifest.next_file);
        self.timestamp(manifest.horizon);
        self.number(manifest.retention_us);
        self.number(manifest.keyspaces.len() as u64);
        for (id, keyspace) in &manifest.keyspaces {
            self.number(id.get());
            self.record(|out| out.keyspace(keyspace));
        }
        self.number(manifest.settings.len() as u64);
        for (name, value) in &manifest.settings {
            self.bytes(name.as_bytes());
            self.bytes(value);
        }
        self.record(|out| out.number(manifest.log_begun));
    }

    fn keyspace(&mut self, keyspace: &KeyspaceManifest) {
        self.0.push(keyspace.layout);
        self.timestamp(keyspace.horizon);
        self.option(keyspace.retention_us, Self::number);
        self.option(keyspace.dropped_at, Self::timestamp);
        self.many(keyspace.level0.iter(), Self::run);
        self.many(keyspace.levels.iter(), Self::run);
        self.many(keyspace.history.iter(), |out, group| {
            out.timestamp(group.newest_pin);
            out.many(group.runs.iter(), Self::run);
        });
    }

    fn run(&mut self, run: &Run) {
        self.many(run.files.iter(), |out, file| out.record(|out| out.file(file)));
    }

    fn file(&mut self, file: &FileMeta) {
        self.number(file.id.epoch);
        self.number(file.id.number);
        self.option(file.owner.as_deref(), |out, owner| out.bytes(owner.as_bytes()));
        self.number(file.len);
        self.wide(file.hash);
        let counts = [file.tail_offset, file.rows, file.puts, file.deletes, file.closed, file.distinct_keys];
        for count in counts.into_iter().chain([file.raw_bytes]) {
            self.number(count);
        }
        self.bytes(&file.min_key);
        self.bytes(&file.max_key);
        for at in [file.min_begin, file.max_begin, file.min_end, file.max_end] {
            self.timestamp(at);
        }
        self.option(file.begin_override, Self::timestamp);
        self.option(file.begin_bound, Self::timestamp);
        self.0.push(file.layout);
        self.number(u64::from(file.schema_version));
    }
}

/// Reads a body; `None` when it makes no sense.
struct Decoder<'b> {
    bytes: &'b [u8],
}

impl<'b> Decoder<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        varint::take(&mut self.bytes)
    }

    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }

    fn bytes(&mut self, max: usize) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        if len > max { None } else { self.take(len) }
    }

    fn text(&mut self) -> Option<String> {
        Some(std::str::from_utf8(self.bytes(NAME_BYTES_MAX)?).ok()?.to_owned())
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp::from_micros)
    }

    fn wide(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.take(16)?.try_into().ok()?))
    }

    #[expect(clippy::option_option, reason = "outside: whether it makes sense; inside: whether it is there")]
    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(read(self)?)),
            _ => None,
        }
    }

    /// A count of things that each take at least one byte of what is left.
    fn many<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        if count > self.bytes.len() as u64 {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// A record with its length; what follows the fields we know is passed over.
    fn record<T>(&mut self, read: impl FnOnce(&mut Decoder<'b>) -> Option<T>) -> Option<T> {
        read(&mut Decoder { bytes: self.bytes(BODY_BYTES_MAX)? })
    }

    fn manifest(&mut self, id: u64, goes_on: bool) -> Option<Manifest> {
        let mut manifest = self.manifest_1_0(id)?;
        if goes_on {
            manifest.log_begun = self.record(Decoder::number)?;
        }
        Some(manifest)
    }

    fn manifest_1_0(&mut self, id: u64) -> Option<Manifest> {
        Some(Manifest {
            id,
            epoch: self.number()?,
            nonce: self.wide()?,
            parent: self.option(|from| Some((from.number()?, from.wide()?)))?,
            last_timestamp: self.timestamp()?,
            log: LogPosition { epoch: self.number()?, sequence: self.number()? },
            next_file: self.number()?,
            horizon: self.timestamp()?,
            retention_us: self.number()?,
            keyspaces: {
                let keyspaces = self
                    .many(|from| Some((KeyspaceId::new(from.number()?), from.record(Decoder::keyspace)?)))?;
                keyspaces.into_iter().collect()
            },
            settings: {
                let read = |from: &mut Self| Some((from.text()?, from.bytes(SETTING_BYTES_MAX)?.to_vec()));
                self.many(read)?.into_iter().collect()
            },
            log_begun: 0,
        })
    }

    fn keyspace(&mut self) -> Option<KeyspaceManifest> {
        Some(KeyspaceManifest {
            layout: self.byte()?,
            horizon: self.timestamp()?,
            retention_us: self.option(Self::number)?,
            dropped_at: self.option(Self::timestamp)?,
            level0: self.many(Self::run)?,
            levels: self.many(Self::run)?,
            history: self.many(|from| {
                Some(HistoryGroup { newest_pin: from.timestamp()?, runs: from.many(Self::run)? })
            })?,
        })
    }

    fn run(&mut self) -> Option<Run> {
        Some(Run { files: self.many(|from| from.record(Decoder::file))? })
    }

    fn file(&mut self) -> Option<FileMeta> {
        Some(FileMeta {
            id: FileId { epoch: self.number()?, number: self.number()? },
            owner: self.option(Self::text)?,
            len: self.number()?,
            hash: self.wide()?,
            tail_offset: self.number()?,
            rows: self.number()?,
            puts: self.number()?,
            deletes: self.number()?,
            closed: self.number()?,
            distinct_keys: self.number()?,
            raw_bytes: self.number()?,
            min_key: Bytes::copy_from_slice(self.bytes(KEY_BYTES_MAX)?),
            max_key: Bytes::copy_from_slice(self.bytes(KEY_BYTES_MAX)?),
            min_begin: self.timestamp()?,
            max_begin: self.timestamp()?,
            min_end: self.timestamp()?,
            max_end: self.timestamp()?,
            begin_override: self.option(Self::timestamp)?,
            begin_bound: self.option(Self::timestamp)?,
            layout: self.byte()?,
            schema_version: u32::try_from(self.number()?).ok()?,
        })
    }
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(out)
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(out)
}
