//! A table file: footer, sections, properties, pages and their chunks.

use bytes::Bytes;

use super::{Inspection, quoted, span};
use crate::{
    format::{
        ChunkEntry, Codec, Column, Damage, Encoding, FileSeed, Footer, KeyChunk, KeyFilter, KindChunk,
        NumberChunk, PageIndex, Properties, Section, SectionKind, ValueChunk, decompress,
    },
    manifest::FileId,
};

/// Bytes that a chunk or a section may have after decompression to be looked into.
const RAW_BYTES_MAX: u64 = 1 << 30;

/// `named`: the id that the file's name says.
pub(super) fn describe(named: Option<FileId>, file: &Bytes, out: &mut Inspection) {
    out.line(format_args!("table file, {} bytes", file.len()));
    let footer = match Footer::read(file) {
        Ok(footer) => footer,
        Err(damage) => {
            out.damaged(format_args!("footer: {}", damage.detail));
            return;
        }
    };
    describe_footer(&footer, named, file, out);
    let id = named.unwrap_or(FileId { epoch: footer.epoch, number: footer.number });
    let seed = FileSeed::new(id.epoch, id.number);
    let sections: Vec<(Section, Option<Bytes>)> = footer
        .sections
        .iter()
        .map(|section| (*section, describe_section(section, seed, file, out)))
        .collect();
    let mut layout = None;
    for (section, raw) in &sections {
        let Some(raw) = raw else { continue };
        let outcome = match section.kind {
            SectionKind::PROPERTIES => Properties::decode(raw).map(|properties| {
                layout = Some(properties.layout);
                describe_properties(&properties, out);
            }),
            SectionKind::FILTER => KeyFilter::decode(raw).map(|filter| match filter {
                Some(filter) => out.line(format_args!("filter: {} bytes in memory", filter.weight())),
                None => out.line(format_args!("filter: of a kind that this version does not know")),
            }),
            _ => Ok(()),
        };
        if let Err(damage) = outcome {
            out.damaged(format_args!("{}: {}", section_name(section.kind), damage.detail));
        }
    }
    for (section, raw) in sections {
        if let (SectionKind::PAGE_INDEX, Some(raw)) = (section.kind, raw) {
            match PageIndex::decode(&raw, section.offset) {
                Ok(index) => describe_pages(&index, layout == Some(0), seed, file, out),
                Err(damage) => out.damaged(format_args!("page index: {}", damage.detail)),
            }
        }
    }
}

fn describe_footer(footer: &Footer, named: Option<FileId>, file: &Bytes, out: &mut Inspection) {
    let id = FileId { epoch: footer.epoch, number: footer.number };
    let (major, minor) = footer.version;
    let features = footer.features;
    out.line(format_args!(
        "footer: file {id}, format {major}.{minor}, features required={:#x} required_to_write={:#x} optional={:#x}",
        features.required, features.required_to_write, features.optional
    ));
    let id = named.unwrap_or(id);
    let tail_offset = footer.sections.first().map_or(file.len() as u64, |section| section.offset);
    let tail = usize::try_from(tail_offset).ok().and_then(|start| file.get(start..)).unwrap_or_default();
    if let Err(damage) = Footer::decode(tail, tail_offset, id.epoch, id.number) {
        out.damaged(format_args!("footer: {}", damage.detail));
    }
}

fn section_name(kind: SectionKind) -> String {
    match kind {
        SectionKind::PAGE_INDEX => "page index".into(),
        SectionKind::ZONE_MAPS => "zone maps".into(),
        SectionKind::FILTER => "filter".into(),
        SectionKind::PROPERTIES => "properties".into(),
        SectionKind(other) => format!("section {other}"),
    }
}

fn codec_name(codec: u8) -> String {
    Codec::from_u8(codec)
        .map_or_else(|| format!("codec {codec}"), |codec| format!("{codec:?}").to_lowercase())
}

/// The stored bytes, if they lie in the file, and whether their checksum fits.
fn stored(file: &Bytes, seed: FileSeed, offset: u64, len: u64, checksum: u64) -> Option<(Bytes, bool)> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?).filter(|end| *end <= file.len())?;
    let bytes = file.slice(start..end);
    let fits = seed.checksum(offset, &bytes) == checksum;
    Some((bytes, fits))
}

/// Returns the unpacked bytes of a section that is whole.
fn describe_section(section: &Section, seed: FileSeed, file: &Bytes, out: &mut Inspection) -> Option<Bytes> {
    let name = section_name(section.kind);
    let Section { codec, offset, stored_len, raw_len, checksum, .. } = *section;
    out.line(format_args!(
        "section {name}: offset {offset}, {stored_len} bytes of {raw_len}, {}",
        codec_name(codec)
    ));
    let Some((bytes, fits)) = stored(file, seed, offset, stored_len, checksum) else {
        out.damaged(format_args!("{name}: it lies outside of the file"));
        return None;
    };
    if !fits {
        out.damaged(format_args!("{name}: checksum does not match"));
    }
    match unpack(codec, &bytes, raw_len) {
        Ok(raw) => Some(raw),
        Err(damage) => {
            out.damaged(format_args!("{name}: {}", damage.detail));
            None
        }
    }
}

fn unpack(codec: u8, stored: &[u8], raw_len: u64) -> Result<Bytes, Damage> {
    let codec = Codec::from_u8(codec).ok_or_else(|| Damage::new(0, format!("unknown codec {codec}")))?;
    if raw_len > RAW_BYTES_MAX {
        return Err(Damage::new(0, format!("{raw_len} bytes are too many")));
    }
    decompress(codec, stored, raw_len as usize).map(Bytes::from)
}

fn describe_properties(properties: &Properties, out: &mut Inspection) {
    let Properties { layout, schema_id, schema_version, rows, puts, deletes, closed, .. } = properties;
    out.line(format_args!(
        "properties: layout {layout}, schema {schema_id} version {schema_version}, written by {}",
        properties.writer.escape_debug()
    ));
    out.line(format_args!(
        "  versions {rows}, puts {puts}, deletes {deletes}, closed {closed}, distinct keys {}, {} bytes before encoding",
        properties.distinct_keys, properties.raw_bytes
    ));
    out.line(format_args!(
        "  begins {}, ends {}",
        span(properties.min_begin, properties.max_begin),
        span(properties.min_end, properties.max_end)
    ));
    out.line(format_args!("  keys {}..{}", quoted(&properties.min_key), quoted(&properties.max_key)));
}

fn describe_pages(index: &PageIndex, is_opaque: bool, seed: FileSeed, file: &Bytes, out: &mut Inspection) {
    for page in 0..index.len() {
        let summary = index.summary(page);
        let flags = [
            (summary.flags.all_open, "all open"),
            (summary.flags.all_put, "all puts"),
            (summary.flags.unique_keys, "unique keys"),
        ];
        let flags: Vec<&str> =
            flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
        out.line(format_args!(
            "page {page}: versions {}, puts {}, closed {}, begins {}, ends {}, keys {}..{}{}{}",
            summary.rows,
            summary.puts,
            summary.closed,
            span(summary.min_begin, summary.max_begin),
            span(summary.min_end, summary.max_end),
            quoted(index.first_key(page)),
            quoted(index.last_key(page)),
            if flags.is_empty() { "" } else { ", " },
            flags.join(", "),
        ));
        for (column, entry) in index.columns().iter().zip(index.page_chunks(page)) {
            describe_chunk(page, *column, entry, (index.rows(page), is_opaque), seed, file, out);
        }
    }
}

fn column_name(column: Column) -> String {
    match column {
        Column::KEYS => "keys".into(),
        Column::BEGINS => "begins".into(),
        Column::ENDS => "ends".into(),
        Column::KINDS => "kinds".into(),
        Column(other) => format!("column {other}"),
    }
}

/// `shape`: rows of the page, and whether its values are opaque.
fn describe_chunk(
    page: usize,
    column: Column,
    entry: &ChunkEntry,
    shape: (usize, bool),
    seed: FileSeed,
    file: &Bytes,
    out: &mut Inspection,
) {
    let name = column_name(column);
    if entry.is_absent() {
        out.line(format_args!("  {name}: absent"));
        return;
    }
    let encoding = Encoding::from_u8(entry.encoding)
        .map_or_else(|| format!("encoding {}", entry.encoding), |known| format!("{known:?}").to_lowercase());
    let ChunkEntry { offset, stored_len, raw_len, .. } = *entry;
    out.line(format_args!(
        "  {name}: {encoding}, {}, offset {offset}, {stored_len} bytes of {raw_len}",
        codec_name(entry.codec)
    ));
    match stored(file, seed, offset, u64::from(stored_len), entry.checksum) {
        None => out.damaged(format_args!("page {page} {name}: it lies outside of the file")),
        Some((bytes, fits)) => {
            if !fits {
                out.damaged(format_args!("page {page} {name}: checksum does not match"));
            }
            let decoded = unpack(entry.codec, &bytes, u64::from(raw_len))
                .and_then(|raw| decode(column, entry.encoding, &raw, shape));
            if let Err(damage) = decoded {
                out.damaged(format_args!("page {page} {name}: {}", damage.detail));
            }
        }
    }
}

fn decode(column: Column, encoding: u8, raw: &Bytes, (rows, is_opaque): (usize, bool)) -> Result<(), Damage> {
    let Some(encoding) = Encoding::from_u8(encoding) else {
        return Err(Damage::new(0, format!("unknown encoding {encoding}")));
    };
    match column {
        Column::KEYS => KeyChunk::decode(encoding, raw, rows).map(drop),
        Column::BEGINS | Column::ENDS => NumberChunk::decode(encoding, raw, rows).map(drop),
        Column::KINDS => KindChunk::decode(encoding, raw, rows).map(drop),
        Column::VALUES if is_opaque => ValueChunk::decode(encoding, raw, rows).map(drop),
        _ => Ok(()),
    }
}
