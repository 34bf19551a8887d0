//! Opening a table file: its tail, from the page index to the footer.

use bytes::Bytes;

use crate::{
    error::{Error, Result},
    format::{
        ByteCursor, Codec, Damage, FileSeed, Footer, KeyFilter, LAYOUT_COLUMNAR, LAYOUT_OPAQUE, PageIndex,
        Properties, Section, SectionKind, VERSION_MAJOR, decompress,
    },
    manifest::FileMeta,
    rows::RowSchema,
};

/// Largest section after decompression.
const SECTION_BYTES_MAX: u64 = 4 << 30;

/// The end of a file while it is being opened.
pub(super) struct Tail<'a> {
    pub(super) name: &'a str,
    pub(super) meta: &'a FileMeta,
    pub(super) seed: FileSeed,
    pub(super) bytes: &'a Bytes,
}

impl Tail<'_> {
    /// Decodes the footer and judges version and features.
    pub(super) fn footer(&self) -> Result<Footer> {
        let Self { name, meta, bytes, .. } = self;
        let footer = Footer::decode(bytes, meta.tail_offset, meta.id.epoch, meta.id.number)
            .map_err(|damage| self.corrupt(meta.tail_offset, damage))?;
        let (major, minor) = footer.version;
        if major != VERSION_MAJOR {
            return Err(Error::Invalid(format!(
                "{name} has format {major}.{minor}, which this version cannot read"
            )));
        }
        let unknown = footer.features.unknown_required();
        if unknown != 0 {
            return Err(Error::Invalid(format!(
                "{name} needs features this version does not know bits={unknown:#x}"
            )));
        }
        Ok(footer)
    }

    /// The decompressed bytes of a section; none where the file has none of this kind.
    fn section(&self, footer: &Footer, kind: SectionKind) -> Result<Option<(Bytes, Section)>> {
        let Some(section) = footer.section(kind) else { return Ok(None) };
        let corrupt = |detail: String| {
            Error::corrupt(self.name, section.offset, format!("section {}: {detail}", kind.0))
        };
        // The footer's decoder checked that sections lie inside the tail.
        let start = (section.offset - self.meta.tail_offset) as usize;
        let stored = &self.bytes[start..start + section.stored_len as usize];
        if self.seed.checksum(section.offset, stored) != section.checksum {
            return Err(corrupt("checksum does not match".into()));
        }
        let codec = Codec::from_u8(section.codec)
            .ok_or_else(|| Error::Invalid(format!("{} has unknown codec {}", self.name, section.codec)))?;
        if section.raw_len > SECTION_BYTES_MAX {
            return Err(corrupt(format!("{} bytes are too many", section.raw_len)));
        }
        let raw =
            decompress(codec, stored, section.raw_len as usize).map_err(|damage| corrupt(damage.detail))?;
        Ok(Some((Bytes::from(raw), *section)))
    }

    fn needed(&self, footer: &Footer, kind: SectionKind) -> Result<(Bytes, Section)> {
        self.section(footer, kind)?.ok_or_else(|| {
            Error::corrupt(self.name, self.meta.tail_offset, format!("section {} is missing", kind.0))
        })
    }

    /// Decodes the page index and compares it with the manifest.
    pub(super) fn index(&self, footer: &Footer) -> Result<PageIndex> {
        let (raw, section) = self.needed(footer, SectionKind::PAGE_INDEX)?;
        let index = PageIndex::decode(&raw, self.meta.tail_offset)
            .map_err(|damage| self.corrupt(section.offset, damage))?;
        let last = index.len() - 1;
        let fits = index.row_start(last + 1) == self.meta.rows
            && index.first_key(0) == self.meta.min_key
            && index.last_key(last) == self.meta.max_key;
        if fits {
            Ok(index)
        } else {
            Err(Error::corrupt(self.name, section.offset, "page index does not match the manifest"))
        }
    }

    /// Decodes the filter, if there is one of a known kind.
    pub(super) fn filter(&self, footer: &Footer) -> Result<Option<KeyFilter>> {
        match self.section(footer, SectionKind::FILTER)? {
            None => Ok(None),
            Some((raw, section)) => {
                KeyFilter::decode(&raw).map_err(|damage| self.corrupt(section.offset, damage))
            }
        }
    }

    /// Properties that the file states.
    pub(super) fn properties(&self, footer: &Footer) -> Result<Properties> {
        let (raw, section) = self.needed(footer, SectionKind::PROPERTIES)?;
        Properties::decode(&raw).map_err(|damage| self.corrupt(section.offset, damage))
    }

    /// The columns of the rows, in the columnar layout.
    pub(super) fn schema(&self, footer: &Footer) -> Result<Option<RowSchema>> {
        if self.meta.layout != LAYOUT_COLUMNAR {
            return Ok(None);
        }
        let (raw, section) = self.needed(footer, SectionKind::ROW_SCHEMA)?;
        RowSchema::decode(&raw).map(Some).map_err(|damage| self.corrupt(section.offset, damage))
    }

    /// The decompressed section of zone maps, and its offset.
    pub(super) fn zone_section(&self, footer: &Footer) -> Result<Option<(Bytes, u64)>> {
        let section = self.section(footer, SectionKind::ZONE_MAPS)?;
        Ok(section.map(|(raw, section)| (raw, section.offset)))
    }

    /// Bytes of the keys and values of each page, where the file says so.
    pub(super) fn page_bytes(&self, footer: &Footer, pages: usize) -> Result<Option<Vec<u32>>> {
        let Some((raw, section)) = self.section(footer, SectionKind::PAGE_BYTES)? else { return Ok(None) };
        let mut cursor = ByteCursor::new(&raw);
        let bytes = cursor.u32s(pages).and_then(|bytes| cursor.finish().map(|()| bytes));
        bytes.map(Some).map_err(|damage| self.corrupt(section.offset, damage))
    }

    /// Properties that the file states, compared with its entry in the manifest.
    pub(super) fn checked_properties(&self, footer: &Footer) -> Result<Properties> {
        let properties = self.properties(footer)?;
        let meta = self.meta;
        let same = properties.layout == meta.layout
            && properties.rows == meta.rows
            && properties.puts == meta.puts
            && properties.closed == meta.closed
            && properties.distinct_keys == meta.distinct_keys
            && properties.min_key == meta.min_key
            && properties.max_key == meta.max_key;
        if !same {
            return Err(Error::corrupt(
                self.name,
                meta.tail_offset,
                "file is not the one that the manifest describes",
            ));
        }
        if !matches!(properties.layout, LAYOUT_OPAQUE | LAYOUT_COLUMNAR) {
            let layout = properties.layout;
            return Err(Error::Invalid(format!(
                "{} has value layout {layout}, which is not known",
                self.name
            )));
        }
        Ok(properties)
    }

    fn corrupt(&self, offset: u64, damage: Damage) -> Error {
        Error::corrupt(self.name, offset + damage.offset, damage.detail)
    }
}
