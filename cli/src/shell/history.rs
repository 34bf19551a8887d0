//! The file of the shell's history.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the history file in the user's state directory, which is created (0700) if need be; `None` when
/// the system does not say where that is, or it cannot be made.
pub(super) fn path() -> Option<PathBuf> {
    let directory =
        state_directory(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))?;
    create_private(&directory).ok()?;
    Some(directory.join("history"))
}

fn state_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let base = variable("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".local").join("state")))?;
    Some(base.join("bygone"))
}

fn create_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_follows_the_system_conventions() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/ada"));
        assert_eq!(state_directory(home), Some(PathBuf::from("/home/ada/.local/state/bygone")));
        let state = |name: &str| (name == "XDG_STATE_HOME").then(|| PathBuf::from("/state"));
        assert_eq!(state_directory(state), Some(PathBuf::from("/state/bygone")));
        let relative = |name: &str| (name == "XDG_STATE_HOME").then(|| PathBuf::from("state"));
        assert_eq!(state_directory(relative), None);
    }
}
