//! Names of objects inside a root, and the only function that turns one into a path.

use std::path::{Path, PathBuf};

/// Directory of files that are being written; never part of a name.
pub(super) const TEMPORARY: &str = "tmp";
/// The lock file; never the name of an object.
pub(super) const LOCK: &str = "LOCK";

/// Directory of the manifests, the first objects of a database.
pub(super) const MANIFESTS: &str = "manifest";
/// End of the second name of a temporary file, by which hard links are tried out.
pub(super) const SECOND_LINK: &str = "link";

const PART_BYTES_MAX: usize = 200;

/// Checks that `name` stays inside the root: relative, parts that are not empty, `.` or `..`, no backslash
/// and no control character, and not one of the root's own files.
pub(super) fn check(name: &str) -> Result<(), &'static str> {
    let mut parts = name.split('/');
    if matches!(parts.next(), Some(TEMPORARY | LOCK)) {
        return Err("the name is reserved");
    }
    for part in name.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return Err("a part of the name is empty, `.` or `..`");
        }
        if part.len() > PART_BYTES_MAX {
            return Err("a part of the name is too long");
        }
        if part.chars().any(|character| character.is_control() || character == '\\') {
            return Err("the name has a control character or a backslash");
        }
    }
    Ok(())
}

/// Whether a file in [`TEMPORARY`] can be ours: a number, or one with [`SECOND_LINK`].
pub(super) fn is_temporary(name: &str) -> bool {
    let stem = name.strip_suffix(SECOND_LINK).and_then(|stem| stem.strip_suffix('.')).unwrap_or(name);
    stem.parse::<u64>().is_ok_and(|number| number.to_string() == stem)
}

/// The path of `name` under `root`.
pub(super) fn path(root: &Path, name: &str) -> Result<PathBuf, &'static str> {
    check(name)?;
    Ok(name.split('/').fold(root.to_owned(), |path, part| path.join(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_leave_the_root() {
        for name in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "tmp/x",
            "LOCK",
            "a\\b",
            "a\0b",
        ] {
            assert!(check(name).is_err(), "{name:?} was accepted");
        }
        assert!(check(&"x".repeat(201)).is_err());
    }

    #[test]
    fn ordinary_names_map_to_paths_below_the_root() {
        let path = path(Path::new("/r"), "wal/00000000000000000001/00000000000000000002").unwrap();
        assert_eq!(path, Path::new("/r/wal/00000000000000000001/00000000000000000002"));
    }
}
