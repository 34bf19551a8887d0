//! The structure of a file as text, for people: also of damaged files, as far as they can be read.
//!
//! Input are the bytes and the name, because checksums know which file they belong to. No I/O.

mod log;
mod manifest;
mod table;

use std::fmt::{self, Write as _};

use bytes::Bytes;

use crate::{
    manifest::{FileId, parse_name},
    types::{LogPosition, Timestamp},
};

/// Bytes of a key or value that are shown.
const SHOWN_BYTES: usize = 48;

/// Description of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Its structure, line by line. Lines that begin with `DAMAGED` say what does not fit.
    pub text: String,
    /// Number of such lines.
    pub damages: usize,
}

impl Inspection {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a String cannot fail");
    }

    fn damaged(&mut self, what: fmt::Arguments<'_>) {
        self.damages += 1;
        self.line(format_args!("DAMAGED {what}"));
    }
}

/// Sort of a file, by its first and last bytes, or else by its name.
enum Sort {
    Table,
    Manifest,
    Log,
}

/// Describes the file at `path` (of which the last parts count: `data/…`, `manifest/…`, `wal/…/…`) with these
/// bytes. `None` when neither bytes nor name are those of a file of a database.
pub fn inspect(path: &str, bytes: &Bytes) -> Option<Inspection> {
    let name = Name::of(path);
    let mut out = Inspection::default();
    match name.sort(bytes)? {
        Sort::Table => table::describe(name.file, bytes, &mut out),
        Sort::Manifest => manifest::describe(name.manifest, bytes, &mut out),
        Sort::Log => log::describe(name.segment, bytes, &mut out),
    }
    Some(out)
}

/// Identity of the file by its path.
#[derive(Debug, Default)]
struct Name {
    file: Option<FileId>,
    manifest: Option<u64>,
    segment: Option<LogPosition>,
}

impl Name {
    fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let Some(last) = parts.last() else { return Self::default() };
        let parent = parts.len().checked_sub(2).map_or("", |index| parts[index]);
        Self {
            file: FileId::parse(&format!("data/{last}")),
            manifest: parse_name(&format!("manifest/{last}")).filter(|_| parent.parse::<u64>().is_err()),
            segment: LogPosition::parse(&format!("wal/{parent}/{last}")),
        }
    }

    fn sort(&self, bytes: &[u8]) -> Option<Sort> {
        if bytes.starts_with(b"BYGONEMF") {
            return Some(Sort::Manifest);
        }
        if bytes.starts_with(b"BYGONEWL") {
            return Some(Sort::Log);
        }
        if bytes.ends_with(b"bygoneT\n") || self.file.is_some() {
            return Some(Sort::Table);
        }
        if self.segment.is_some() {
            return Some(Sort::Log);
        }
        self.manifest.map(|_| Sort::Manifest)
    }
}

/// Bytes in quotes, cut when they are long.
fn quoted(bytes: &[u8]) -> String {
    let cut = bytes.len() > SHOWN_BYTES;
    let shown = bytes[..bytes.len().min(SHOWN_BYTES)].escape_ascii();
    if cut { format!("\"{shown}\"… ({} bytes)", bytes.len()) } else { format!("\"{shown}\"") }
}

/// A span of times; `-` when it is empty.
fn span(least: Timestamp, most: Timestamp) -> String {
    if least > most { "-".into() } else { format!("{least}..{most}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_shows_in_its_bytes_or_else_in_its_name() {
        let sort = |path: &str, bytes: &[u8]| Name::of(path).sort(bytes);
        assert!(matches!(sort("x", b"BYGONEMF..."), Some(Sort::Manifest)));
        assert!(matches!(sort("x", b"...bygoneT\n"), Some(Sort::Table)));
        assert!(matches!(sort("db/data/0000000001-0000000002.sst", b""), Some(Sort::Table)));
        assert!(matches!(sort("db/manifest/00000000000000000007", b""), Some(Sort::Manifest)));
        let segment = "db/wal/00000000000000000001/00000000000000000007";
        assert!(matches!(sort(segment, b""), Some(Sort::Log)));
        assert!(sort("letter.txt", b"dear reader").is_none());
    }

    #[test]
    fn random_bytes_are_described_without_a_panic() {
        let mut random = crate::testing::SeededRandom::new(7);
        for length in 0..200_usize {
            let mut bytes: Vec<u8> = (0..length * 7).map(|_| random.next_u64() as u8).collect();
            for (head, tail) in [(&b"BYGONEMF"[..], &b""[..]), (b"BYGONEWL", b""), (b"", b"bygoneT\n")] {
                bytes.splice(..head.len().min(bytes.len()), head.iter().copied());
                bytes.extend_from_slice(tail);
                let described = inspect("x", &Bytes::from(bytes.clone())).expect("it has a magic number");
                assert!(described.damages > 0);
            }
        }
    }
}
