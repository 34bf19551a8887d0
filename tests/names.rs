//! Names that end a search in one place, and comments that are as wide as the code.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The crates by their folder, with the type names that may be declared twice in each. The number only falls.
const TWICE_MAX: &[(&str, usize)] =
    &[("engine", 0), ("mvcc", 0), ("snapshots", 0), ("query", 4), (".", 0), ("cli", 0)];
/// The folders whose comments are checked.
const WRAPPED: &[&str] =
    &["engine", "mvcc", "snapshots", "query", "src", "cli", "tests", "benches", "examples"];
/// As wide as rustfmt makes the code.
const COLUMNS_MAX: usize = 110;

/// The Rust files below a folder.
#[expect(clippy::disallowed_methods, reason = "a test reads the sources")]
pub(crate) fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                files.push((path, text));
            }
        }
    }
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The type that a line declares; types of traits are indented and none of these.
fn declared(line: &str) -> Option<&str> {
    let unqualified = line.trim_start().trim_start_matches("pub ");
    let unqualified = match unqualified.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => unqualified,
    };
    let (keyword, rest) = unqualified.split_once(' ')?;
    let is_type = match keyword {
        "struct" | "enum" | "union" | "trait" => true,
        "type" => !line.starts_with(' '),
        _ => false,
    };
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (is_type && end > 0).then(|| &rest[..end])
}

/// Whether a file holds tests only.
fn is_of_tests(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

#[test]
fn a_type_name_is_declared_once_in_its_crate() {
    for (folder, twice_max) in TWICE_MAX {
        let source = root().join(folder).join("src");
        let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for (path, text) in sources(&source) {
            let inside = path.strip_prefix(&source).expect("a file of the folder").to_owned();
            if is_of_tests(&inside) {
                continue;
            }
            let code = text.split("#[cfg(test)]\nmod tests {").next().expect("there is a first part");
            for name in code.lines().filter_map(declared) {
                places.entry(name.to_owned()).or_default().push(inside.clone());
            }
        }
        places.retain(|_, places| places.len() > 1);
        assert!(
            places.len() <= *twice_max,
            "names of {folder} that stand for several types, of which there may be {twice_max}: {places:#?}"
        );
    }
}

/// The lines of comments that are too long, but for tables and blocks of text.
fn long_comments(text: &str) -> Vec<usize> {
    let (mut long, mut in_block) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            in_block = false;
            continue;
        };
        let comment = comment.trim_start_matches(['/', '!']).trim_start();
        let is_fence = comment.starts_with("```");
        in_block ^= is_fence;
        let is_free = in_block || is_fence || comment.starts_with('|');
        if !is_free && line.chars().count() > COLUMNS_MAX {
            long.push(number + 1);
        }
    }
    long
}

#[test]
fn comments_are_as_wide_as_the_code() {
    for folder in WRAPPED {
        for (path, text) in sources(&root().join(folder)) {
            let long = long_comments(&text);
            assert!(long.is_empty(), "{}: lines {long:?} are longer than {COLUMNS_MAX}", path.display());
        }
    }
}
