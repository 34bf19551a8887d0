//! A table file: footer, sections, properties, pages and their chunks.

use bytes::Bytes;

use super::{Inspection, quoted, span};
use crate::{
    format::{
        Bound, ChunkEntry, Codec, Column, ColumnChunk, Damage, Encoding, FileSeed, Footer, HAS_MISSING,
        HAS_NULLS, KeyChunk, KeyFilter, KindChunk, NumberChunk, PageIndex, Properties, Section, SectionKind,
        ValueChunk, Zone, ZoneMaps, decompress,
    },
    manifest::FileId,
    rows::RowSchema,
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
    let mut schema = None;
    for (section, raw) in &sections {
        let Some(raw) = raw else { continue };
        let outcome = match section.kind {
            SectionKind::PROPERTIES => {
                Properties::decode(raw).map(|properties| describe_properties(&properties, out))
            }
            SectionKind::ROW_SCHEMA => RowSchema::decode(raw).map(|decoded| {
                describe_schema(&decoded, out);
                schema = Some(decoded);
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
    let raw_of = |kind: SectionKind| {
        let found = sections.iter().find(|(section, raw)| section.kind == kind && raw.is_some());
        found.and_then(|(section, raw)| Some((section.offset, raw.clone()?)))
    };
    let Some((offset, raw)) = raw_of(SectionKind::PAGE_INDEX) else { return };
    let index = match PageIndex::decode(&raw, offset) {
        Ok(index) => index,
        Err(damage) => return out.damaged(format_args!("page index: {}", damage.detail)),
    };
    let zones = match (&schema, raw_of(SectionKind::ZONE_MAPS)) {
        (Some(schema), Some((_, raw))) => Some(ZoneMaps::decode(&raw, schema, index.len())),
        _ => None,
    };
    let zones = zones.and_then(|zones| match zones {
        Ok(zones) => Some(zones),
        Err(damage) => {
            out.damaged(format_args!("zone maps: {}", damage.detail));
            None
        }
    });
    describe_pages(&index, schema.as_ref().zip(zones.as_ref()), seed, file, out);
}

fn describe_schema(schema: &RowSchema, out: &mut Inspection) {
    out.line(format_args!("row schema: version {}", schema.version()));
    for (place, column) in schema.columns().iter().enumerate() {
        let part = schema.key().iter().position(|key| *key == place);
        let part = part.map(|part| format!(", part {} of the key", part + 1)).unwrap_or_default();
        out.line(format_args!("  column {}: {:?}{part}", column.id, column.kind));
    }
}

/// Schema and zone maps of a file in the columnar layout.
type Layout<'a> = Option<(&'a RowSchema, &'a ZoneMaps)>;

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
        SectionKind::ROW_SCHEMA => "row schema".into(),
        SectionKind::PAGE_BYTES => "page bytes".into(),
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
        "properties: layout {layout}, schema {schema_id} version {schema_version}, {}written by {}",
        if properties.is_dense { "dense, " } else { "" },
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

fn describe_pages(index: &PageIndex, layout: Layout<'_>, seed: FileSeed, file: &Bytes, out: &mut Inspection) {
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
            describe_chunk(page, *column, entry, (index.rows(page), layout), seed, file, out);
        }
    }
}

fn column_name(column: Column) -> String {
    match column {
        Column::KEYS => "keys".into(),
        Column::BEGINS => "begins".into(),
        Column::ENDS => "ends".into(),
        Column::KINDS => "kinds".into(),
        Column::VALUES => "values".into(),
        Column::TAG_COUNTS => "tag counts".into(),
        other => match other.value_id() {
            Some(id) => format!("column {id}"),
            None => format!("chunk {}", other.0),
        },
    }
}

/// `shape`: rows of the page, and what is known of its values.
fn describe_chunk(
    page: usize,
    column: Column,
    entry: &ChunkEntry,
    shape: (usize, Layout<'_>),
    seed: FileSeed,
    file: &Bytes,
    out: &mut Inspection,
) {
    let name = column_name(column);
    if entry.is_absent() {
        out.line(format_args!("  {name}: absent"));
        return;
    }
    let bitmaps = if column.value_id().is_some() { HAS_NULLS | HAS_MISSING } else { 0 };
    let mut encoding = Encoding::from_u8(entry.encoding & !bitmaps)
        .map_or_else(|| format!("encoding {}", entry.encoding), |known| format!("{known:?}").to_lowercase());
    for (flag, name) in [(HAS_NULLS, " with nulls"), (HAS_MISSING, " with missing rows")] {
        encoding.push_str(if entry.encoding & bitmaps & flag != 0 { name } else { "" });
    }
    let ChunkEntry { offset, stored_len, raw_len, .. } = *entry;
    let zone = column
        .value_id()
        .zip(shape.1)
        .and_then(|(id, (schema, zones))| Some(describe_zone(zones.zone(page, schema.place(id)?))));
    out.line(format_args!(
        "  {name}: {encoding}, {}, offset {offset}, {stored_len} bytes of {raw_len}{}",
        codec_name(entry.codec),
        zone.unwrap_or_default(),
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

fn describe_zone(zone: &Zone) -> String {
    let bound = |bound: &Option<Bound>| match bound {
        None => "?".into(),
        Some(Bound::Int(number)) => number.to_string(),
        Some(Bound::Wide(number)) => number.to_string(),
        Some(Bound::Float(number)) => number.to_string(),
        Some(Bound::Bytes(bytes)) => quoted(bytes),
    };
    format!(", values {}..{}, {} null", bound(&zone.min), bound(&zone.max), zone.nulls)
}

fn decode(
    column: Column,
    encoding: u8,
    raw: &Bytes,
    (rows, layout): (usize, Layout<'_>),
) -> Result<(), Damage> {
    if let (Some(id), Some((schema, _))) = (column.value_id(), layout) {
        let place = schema.place(id).ok_or_else(|| Damage::new(0, "the row schema does not have it"))?;
        return ColumnChunk::decode(schema.columns()[place].kind, encoding, raw, rows).map(drop);
    }
    let Some(encoding) = Encoding::from_u8(encoding) else {
        return Err(Damage::new(0, format!("unknown encoding {encoding}")));
    };
    match column {
        Column::KEYS => KeyChunk::decode(encoding, raw, rows).map(drop),
        Column::BEGINS | Column::ENDS | Column::TAG_COUNTS => {
            NumberChunk::decode(encoding, raw, rows).map(drop)
        }
        Column::KINDS => KindChunk::decode(encoding, raw, rows).map(drop),
        Column::VALUES => ValueChunk::decode(encoding, raw, rows).map(drop),
        _ => Ok(()),
    }
}
