//! The layers of the workspace: a crate may depend on the crates below it and on no other, and `DataFusion`
//! is known to the SQL layer and above only.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Each crate with the crates of the workspace it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("bygone-engine", &[]),
    ("bygone-mvcc", &["bygone-engine"]),
    ("bygone-snapshots", &["bygone-engine", "bygone-mvcc"]),
    ("bygone-query", &["bygone-engine", "bygone-mvcc", "bygone-snapshots"]),
    ("bygone", &["bygone-engine", "bygone-mvcc", "bygone-snapshots", "bygone-query"]),
    ("bygone-cli", &["bygone"]),
];

/// Dependencies with weight, and the only crates that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("datafusion", &["bygone-query"]),
    ("parquet", &["bygone-query"]),
    ("clap", &["bygone-cli"]),
    ("rustyline", &["bygone-cli"]),
    ("indicatif", &["bygone-cli"]),
];

/// What cargo knows of the workspace.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// The direct dependencies of each workspace member, those of tests included.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let text = |value: &Value| value.as_str().expect("a name is text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages are a list");
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"].as_array().expect("dependencies are a list");
            (text(&package["name"]), names.iter().map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_on_the_layers_below_them() {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let members = dependencies();
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    for (member, dependencies) in &members {
        let below =
            layers.get(member.as_str()).unwrap_or_else(|| panic!("{member} has no layer yet: add it"));
        let own: Vec<&str> =
            dependencies.iter().map(String::as_str).filter(|name| names.contains(name)).collect();
        let wrong: Vec<&str> =
            own.into_iter().filter(|name| name != member && !below.contains(name)).collect();
        assert!(wrong.is_empty(), "{member} must not depend on {wrong:?}");
    }
}

#[test]
fn heavy_dependencies_stay_in_their_crates() {
    for (member, dependencies) in dependencies() {
        for (heavy, crates) in CONFINED {
            let is_used =
                dependencies.iter().any(|name| name == heavy || name.starts_with(&format!("{heavy}-")));
            assert!(!is_used || crates.contains(&member.as_str()), "{member} must not depend on {heavy}");
        }
    }
}

/// The text of every Rust file in these folders of a package.
#[expect(clippy::disallowed_methods, reason = "a test reads the sources")]
fn sources(package: &Path, folders: &[&str]) -> String {
    let mut text = String::new();
    let mut pending: Vec<_> = folders.iter().map(|folder| package.join(folder)).collect();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).expect("a source file"));
            }
        }
    }
    text
}

/// A text that names a crate: as the start of a path, in a `use`, or in an attribute.
fn names_crate(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_part(before) && !is_part(after)
    })
}

#[test]
fn every_dependency_is_used_by_the_sources_that_it_is_for() {
    for package in metadata()["packages"].as_array().expect("packages are a list") {
        let manifest = package["manifest_path"].as_str().expect("a path is text");
        let folder = Path::new(manifest).parent().expect("a manifest is in a folder");
        let own = sources(folder, &["src"]);
        let of_tests = sources(folder, &["src", "tests", "benches", "examples", "fuzz"]);
        for dependency in package["dependencies"].as_array().expect("dependencies are a list") {
            let name = dependency["name"].as_str().expect("a name is text");
            let text = if dependency["kind"].is_null() { &own } else { &of_tests };
            let is_used = names_crate(text, &name.replace('-', "_"));
            assert!(is_used, "{} does not use its dependency {name}: remove it", package["name"]);
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the lock file")]
fn the_parser_is_pinned_to_the_one_version_that_the_planner_uses() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages are a list");
    let query = packages.iter().find(|package| package["name"] == "bygone-query").expect("the crate query");
    let dependencies = query["dependencies"].as_array().expect("dependencies are a list");
    let parser = dependencies.iter().find(|dependency| dependency["name"] == "sqlparser");
    let pinned = parser.expect("query names its parser")["req"].as_str().expect("a requirement is text");

    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = std::fs::read_to_string(lock).expect("Cargo.lock");
    let versions: Vec<&str> = lock
        .split("[[package]]")
        .filter(|package| package.contains("name = \"sqlparser\"\n"))
        .filter_map(|package| package.split("version = \"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(versions.len(), 1, "DataFusion and query must use one sqlparser: {versions:?}");
    assert_eq!(pinned, format!("={}", versions[0]));
}
