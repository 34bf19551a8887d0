//! The end of a file: section table, identity, features, version, checksum, magic.

use super::{ByteCursor, Damage, FileSeed};

/// Files with another major version are refused.
pub(crate) const VERSION_MAJOR: u16 = 1;
/// A higher minor version is readable.
pub(crate) const VERSION_MINOR: u16 = 1;
const MAGIC: [u8; 8] = *b"bygoneT\n";
const SECTION_BYTES: usize = 40;
const TRAILER_BYTES: usize = 72;
/// Behind the trailer's fields: checksum and magic.
const CHECK_BYTES: usize = 16;
const SECTIONS_MAX: usize = 64;

/// Features that a reader must know to make use of a file, as three sets of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// An unknown bit: the file cannot be read.
    pub required: u64,
    /// An unknown bit: the file can be read, but a database that holds it must not be written.
    pub required_to_write: u64,
    /// An unknown bit changes nothing.
    pub optional: u64,
}

impl Features {
    /// The bits that this version knows: none are needed yet.
    pub const KNOWN: Self = Self { required: 0, required_to_write: 0, optional: 0 };

    /// Bits that a reader would have to know and this version does not.
    pub fn unknown_required(self) -> u64 {
        self.required & !Self::KNOWN.required
    }

    /// Whether a database that holds such a file must be opened read-only.
    pub fn forbid_writing(self) -> bool {
        self.required_to_write & !Self::KNOWN.required_to_write != 0
    }
}

/// Names a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionKind(pub u32);

impl SectionKind {
    /// Page index and chunk directory.
    pub const PAGE_INDEX: Self = Self(1);
    /// Minimum, maximum and null count of each page and value column.
    pub const ZONE_MAPS: Self = Self(2);
    /// Filter on the keys.
    pub const FILTER: Self = Self(3);
    /// Properties of the file.
    pub const PROPERTIES: Self = Self(4);
    /// The columns of the rows, in the columnar layout.
    pub const ROW_SCHEMA: Self = Self(5);
    /// Bytes of the keys and values of each page.
    pub const PAGE_BYTES: Self = Self(6);
}

/// Location of one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Kind of the section.
    pub kind: SectionKind,
    /// Number of the codec.
    pub codec: u8,
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub stored_len: u64,
    /// Bytes after decompression.
    pub raw_len: u64,
    /// Checksum of the stored bytes.
    pub checksum: u64,
}

/// The decoded footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Epoch of the file's id.
    pub epoch: u64,
    /// Number of the file's id.
    pub number: u64,
    /// Feature bits.
    pub features: Features,
    /// Length of the whole file.
    pub file_len: u64,
    /// Version of the format: major, minor.
    pub version: (u16, u16),
    /// The sections, in the order of their offsets.
    pub sections: Vec<Section>,
}

impl Footer {
    /// Appends the footer of a file of which `offset` bytes are written; `file_len` is filled in.
    pub fn encode(&self, offset: u64, out: &mut Vec<u8>) {
        assert!(self.sections.len() <= SECTIONS_MAX, "a file has a handful of sections");
        let start = out.len();
        for section in &self.sections {
            out.extend_from_slice(&section.kind.0.to_le_bytes());
            out.extend_from_slice(&[section.codec, 0, 0, 0]);
            for number in [section.offset, section.stored_len, section.raw_len, section.checksum] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        let len = self.sections.len() * SECTION_BYTES + TRAILER_BYTES;
        let Features { required, required_to_write, optional } = self.features;
        for number in [self.epoch, self.number, required, required_to_write, optional, offset + len as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.version.0.to_le_bytes());
        out.extend_from_slice(&self.version.1.to_le_bytes());
        let checksum = FileSeed::new(self.epoch, self.number).checksum(offset, &out[start..]);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&MAGIC);
    }

    /// Decodes the footer at the end of `tail`, which starts at `tail_offset` of the file with this id.
    ///
    /// # Errors
    /// Magic, checksum or identity do not fit, or the sections do not fill the tail. The version is not
    /// judged here.
    pub fn decode(tail: &[u8], tail_offset: u64, epoch: u64, number: u64) -> Result<Self, Damage> {
        let said = Self::read(tail)?;
        let trailer_at = tail.len() - TRAILER_BYTES;
        let footer_at = trailer_at - said.sections.len() * SECTION_BYTES;
        let checksum = ByteCursor::new(&tail[tail.len() - CHECK_BYTES..]).u64()?;
        let checked = &tail[footer_at..tail.len() - CHECK_BYTES];
        let offset = tail_offset + footer_at as u64;
        if FileSeed::new(epoch, number).checksum(offset, checked) != checksum {
            return Err(Damage::new(footer_at, "checksum of the footer does not match"));
        }
        if (said.epoch, said.number) != (epoch, number) {
            return Err(Damage::new(trailer_at, format!("file says it is {}-{}", said.epoch, said.number)));
        }
        if said.file_len != tail_offset + tail.len() as u64 {
            return Err(Damage::new(trailer_at, format!("file says it has {} bytes", said.file_len)));
        }
        check_sections(&said.sections, tail_offset, offset)?;
        Ok(said)
    }

    /// The footer of a whole `file` as it stands there, for people: checksum, identity, length and the places
    /// of the sections are not judged.
    ///
    /// # Errors
    /// The file does not end as a table file ends, or has no room for the sections that it says it has.
    pub fn read(file: &[u8]) -> Result<Self, Damage> {
        let Some(trailer_at) = file.len().checked_sub(TRAILER_BYTES) else {
            return Err(Damage::new(0, "file is too short for a footer"));
        };
        let trailer = &file[trailer_at..];
        if trailer[TRAILER_BYTES - MAGIC.len()..] != MAGIC {
            return Err(Damage::new(file.len() - MAGIC.len(), "magic number of a table file is missing"));
        }
        let mut cursor = ByteCursor::new(trailer);
        let (epoch, number) = (cursor.u64()?, cursor.u64()?);
        let features =
            Features { required: cursor.u64()?, required_to_write: cursor.u64()?, optional: cursor.u64()? };
        let file_len = cursor.u64()?;
        let count = cursor.u32()? as usize;
        let version = (cursor.u16()?, cursor.u16()?);
        if count > SECTIONS_MAX || count * SECTION_BYTES > trailer_at {
            return Err(Damage::new(trailer_at, format!("{count} sections are too many")));
        }
        let mut cursor = ByteCursor::new(&file[trailer_at - count * SECTION_BYTES..trailer_at]);
        let sections = (0..count).map(|_| decode_section(&mut cursor)).collect::<Result<_, _>>()?;
        Ok(Self { epoch, number, features, file_len, version, sections })
    }

    /// The section of this kind, if the file has one.
    pub fn section(&self, kind: SectionKind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }
}

fn decode_section(cursor: &mut ByteCursor<'_>) -> Result<Section, Damage> {
    let kind = SectionKind(cursor.u32()?);
    let [codec, ..] = cursor.array::<4>()?;
    let (offset, stored_len) = (cursor.u64()?, cursor.u64()?);
    let (raw_len, checksum) = (cursor.u64()?, cursor.u64()?);
    Ok(Section { kind, codec, offset, stored_len, raw_len, checksum })
}

/// Sections lie one after another from `start` to `end`, so that a checksum covers every byte of the tail.
fn check_sections(sections: &[Section], start: u64, end: u64) -> Result<(), Damage> {
    let mut expected = start;
    for Section { kind, offset, stored_len, .. } in sections {
        let next = offset.checked_add(*stored_len).filter(|&next| *offset == expected && next <= end);
        expected = next.ok_or_else(|| Damage::new(0, format!("section {} is out of place", kind.0)))?;
    }
    if expected == end { Ok(()) } else { Err(Damage::new(0, "sections do not reach the footer")) }
}
