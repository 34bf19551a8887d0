//! The rooms of the engine and their order: a room imports those before it, and nobody reaches up.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The folders and files of `src`, lowest first.
const ROOMS: &[&str] = &[
    // Nouns, and what has no noun of the engine in it.
    "types",
    "error",
    "findings",
    "env",
    "byte_cursor",
    "key_head",
    "varint",
    "options",
    "metrics",
    // Bytes on storage.
    "store",
    "manifest",
    "wal",
    "rows",
    "format",
    "memtable",
    "sst",
    // What is kept, and the state of it.
    "pins",
    "state",
    "retention",
    "core",
    // Work.
    "read",
    "write",
    "compaction",
    "collect",
    "space",
    "ingest",
    // From outside.
    "open",
    "check",
    "inspect",
    "stats",
    "engine",
];

#[expect(clippy::disallowed_methods, reason = "a test reads the sources")]
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

/// Code without comments, and without the tests that it ends with.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The first names behind each `crate::`, those in braces one by one.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let mut depth = 0;
        let mut item = String::new();
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => names.push(std::mem::take(&mut item)),
                c if depth <= 1 && !c.is_whitespace() => item.push(c),
                _ => {}
            }
            if depth == 0 && (c == '}' || !(c.is_alphanumeric() || "_:".contains(c))) {
                break;
            }
        }
        names.push(item);
    }
    let first = |name: String| {
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        name[..end].to_owned()
    };
    names.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

/// The room that each name at the top of the crate comes from.
fn exported(lib: &str) -> BTreeMap<String, String> {
    let mut rooms = BTreeMap::new();
    for export in code(lib).split("pub use ").skip(1) {
        let (path, _) = export.split_once(';').unwrap();
        let (room, names) = path.split_once("::").unwrap();
        for name in names.trim_matches(['{', '}', '\n', ' ']).split(',') {
            rooms.insert(name.trim().to_owned(), room.to_owned());
        }
    }
    rooms
}

#[test]
fn rooms_import_only_the_rooms_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exported = exported(&sources(&src).iter().find(|(path, _)| path.ends_with("src/lib.rs")).unwrap().1);
    let level = |room: &str| ROOMS.iter().position(|other| *other == room);
    let mut seen = 0;
    for (path, text) in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let is_of_tests = inside.components().any(|part| part.as_os_str() == "tests");
        if ["lib", "testing"].contains(&room) || is_of_tests || inside.ends_with("tests.rs") {
            continue;
        }
        let own = level(room).unwrap_or_else(|| panic!("{room} has no place in the order yet: add it"));
        for name in named(&code(&text)) {
            let other = exported.get(&name).unwrap_or(&name);
            if other == "testing" || other == room {
                continue;
            }
            let below = level(other).unwrap_or_else(|| panic!("{}: what is {name}?", inside.display()));
            assert!(below < own, "{} imports {name} of {other}, which is not below {room}", inside.display());
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen}");
}
