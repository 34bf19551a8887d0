//! The layers of the workspace: a crate may depend on the crates below it and on no other, and `DataFusion` is known to
//! the SQL layer and above only.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

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

/// The direct dependencies of each workspace member, those of tests included.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
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
