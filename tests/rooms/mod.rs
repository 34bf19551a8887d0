//! The rooms of the engine and of SQL, and their order: a file imports its own room and those before it, and
//! no more than two files import each other.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use imports::{ModulePath, imports};

/// The crates with their rooms, lowest first. A room is a folder or a file of `src`; one with a slash is a
/// part of a room that stands higher than the rest of it.
const ORDERS: &[(&str, &[&str])] = &[("engine", ENGINE), ("query", QUERY)];

const ENGINE: &[&str] = &[
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

const QUERY: &[&str] = &[
    // Nouns, text and bytes.
    "error",
    "types",
    "time",
    "parse",
    "names",
    "error/convert",
    "error/layers",
    "values",
    "value_text",
    "rows",
    "copy",
    "memory",
    // What Postgres means.
    "postgres",
    // Tables at a moment.
    "catalog",
    "moment",
    "scan",
    "execution",
    "lookup",
    // One statement, and its plan.
    "statement",
    "check",
    "functions",
    "system",
    "plan",
    // The families of statements.
    "read",
    "define",
    "change",
    "explain",
    "past",
    "show",
    // The session, which dispatches them.
    "session",
];

/// The place in the order of the room that a module is in.
fn level(rooms: &[&str], module: &ModulePath) -> Option<usize> {
    let path = module.join("/");
    let holds =
        |room: &str| path == room || path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'));
    (0..rooms.len()).filter(|place| holds(rooms[*place])).max_by_key(|place| rooms[*place].len())
}

fn of_crate(name: &str) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("src"))
}

#[test]
fn rooms_import_only_the_rooms_below_them() {
    for (name, rooms) in ORDERS {
        let (mut upward, mut seen) = (Vec::new(), 0);
        for (module, targets) in of_crate(name).iter().filter(|(module, _)| !module.is_empty()) {
            let place = |module: &ModulePath| {
                level(rooms, module).unwrap_or_else(|| panic!("{module:?} of {name} is in no room: add it"))
            };
            let own = place(module);
            seen += targets.len();
            upward.extend(
                targets
                    .iter()
                    .filter(|target| place(target) > own)
                    .map(|target| (module.clone(), target.clone())),
            );
        }
        assert!(upward.is_empty(), "imports of {name} that lead upward: {upward:#?}");
        assert!(seen > 300, "only {seen} imports of {name} were found: are the sources still read?");
    }
}

/// The modules that lie on a circle with each other, by the first of them.
fn circles(imports: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> Vec<BTreeSet<ModulePath>> {
    let reached = |from: &ModulePath| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = open.pop() {
            // A name of a folder that a file of it uses is looked up, not imported.
            let further = imports[&module].iter().filter(|target| !module.starts_with(target));
            open.extend(further.filter(|target| seen.insert((*target).clone())).cloned());
        }
        seen
    };
    let reach: BTreeMap<&ModulePath, BTreeSet<ModulePath>> =
        imports.keys().map(|module| (module, reached(module))).collect();
    let on_circle = |module: &ModulePath| -> BTreeSet<ModulePath> {
        reach[module].iter().filter(|other| reach[other].contains(module)).cloned().collect()
    };
    let all = imports.keys().map(|module| (module, on_circle(module)));
    all.filter(|(module, circle)| circle.first() == Some(module)).map(|(_, circle)| circle).collect()
}

#[test]
fn no_more_than_two_files_import_each_other() {
    for (name, _) in ORDERS {
        let large: Vec<_> = circles(&of_crate(name)).into_iter().filter(|circle| circle.len() > 2).collect();
        assert!(large.is_empty(), "circles of {name}: {large:#?}");
    }
}

#[test]
fn a_circle_and_an_import_that_leads_upward_are_found() {
    let module = |name: &str| vec![name.to_owned()];
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let mut imports: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
    for (from, to) in edges {
        imports.entry(module(from)).or_default().insert(module(to));
    }
    assert_eq!(circles(&imports), [["a", "b", "c"].map(module).into()]);
    let rooms = ["error", "names", "error/convert"];
    let inside = |path: &str| level(&rooms, &path.split('/').map(str::to_owned).collect());
    assert_eq!([inside("error/kind"), inside("error/convert"), inside("errors")], [Some(0), Some(2), None]);
}
