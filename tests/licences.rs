//! What the database is built from may be given away with it: every dependency comes from the registry and
//! under a licence of `deny.toml`. (`cargo deny` reads the same file; it also asks for advisories, which
//! needs the network.)

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn allowed() -> BTreeSet<String> {
    let text = include_str!("../deny.toml");
    let list =
        text.split_once("[licenses]").and_then(|(_, rest)| rest.split_once("allow = [")).expect("a list").1;
    let list = list.split_once(']').expect("the list ends").0;
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether a licence expression (`A OR B`, `(A OR B) AND C`, the old `A/B`) can be met with the allowed
/// licences.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced =
        expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let met = any(&mut rest, allowed);
    assert!(rest.is_empty(), "not a licence expression: {expression}");
    met
}

fn any(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = all(tokens, allowed);
    while let Some((&"OR", rest)) = tokens.split_first() {
        *tokens = rest;
        met |= all(tokens, allowed);
    }
    met
}

fn all(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = one(tokens, allowed);
    while let Some((&"AND", rest)) = tokens.split_first() {
        *tokens = rest;
        met &= one(tokens, allowed);
    }
    met
}

fn one(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let (first, rest) = tokens.split_first().expect("a licence");
    *tokens = rest;
    if *first != "(" {
        return allowed.contains(&first.replace("+WITH+", " WITH "));
    }
    let met = any(tokens, allowed);
    assert_eq!(tokens.first(), Some(&")"), "a bracket is closed");
    *tokens = &tokens[1..];
    met
}

/// The platform the tests run on: the crates of other platforms are not here to be asked.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

#[test]
fn every_dependency_is_free_to_give_away_and_comes_from_the_registry() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", &host()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let allowed = allowed();
    for package in metadata["packages"].as_array().expect("packages are a list") {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or_default());
        assert!(!licence.is_empty(), "{name} states no licence");
        assert!(is_met(licence, &allowed), "{name} is under {licence}");
        assert!(
            package["source"].as_str().is_none_or(|source| source.starts_with("registry+")),
            "{name} comes from {}",
            package["source"]
        );
    }
}

#[test]
fn licence_expressions_are_read_as_written() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for met in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in ["GPL-3.0", "MIT AND GPL-3.0", "MIT AND (GPL-3.0 OR Apache-2.0)"] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}
