//! A directory of its own for each test, with the repository's examples in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A working directory that is removed with the test.
pub(crate) struct Workplace {
    directory: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").canonicalize().unwrap();
        std::os::unix::fs::symlink(examples, directory.path().join("examples")).unwrap();
        Self { directory }
    }

    /// A workplace with the extract imported into the database `flights.db`.
    pub(crate) fn with_flights() -> Self {
        let workplace = Self::new();
        workplace.ok(&["flights.db", "-f", "examples/schema.sql", "-f", "examples/import.sql"]);
        workplace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a test prepares its files")]
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The command, with nothing on standard input.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bygone"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed without a word on standard error; returns its rows.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        let notices = |line: &str| line.starts_with("notice: ");
        assert!(errors.lines().all(notices), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs one statement on `flights.db` and returns its rows without the header.
    pub(crate) fn rows(&self, sql: &str) -> String {
        let text = self.ok(&["flights.db", sql]);
        text.split_once('\n').map(|(_, rows)| rows.to_owned()).unwrap_or_default()
    }

    /// Runs what must fail with this exit status; returns standard error.
    pub(crate) fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {errors}");
        errors
    }
}
