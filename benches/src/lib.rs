//! End-to-end benchmarks: the harness, the workloads, and Bygone under them.
//!
//! `README.md` beside this crate says what is measured and how. Other stores implement [`KeyValue`] in the
//! package `rivals`, so that the same work runs in the same process.

use std::time::{Duration, Instant};

pub mod bygone;
#[cfg(feature = "sql")]
pub mod changes;
pub mod comparison;
pub mod contest;
pub mod data;
pub mod kernels;
pub mod machine;
#[cfg(feature = "sql")]
pub mod orders;
#[cfg(feature = "sql")]
pub mod planning;
pub mod report;
#[cfg(feature = "sql")]
pub mod sql;
pub mod targets;

pub use bygone::Bygone;
pub use comparison::Comparison;
pub use contest::KeyValue;
pub use data::{Data, Key, Value};
pub use report::Report;

/// Duration for which one piece of work is repeated.
const PATIENCE: Duration = Duration::from_secs(10);

/// Amount of work.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rows of the ordinary data set.
    pub rows: usize,
    /// Rows of the large one, for memory and opening.
    pub large_rows: usize,
    /// Repetitions, of which the median counts.
    pub runs: usize,
    /// Directory in which databases are made; a real disk.
    pub dir: std::path::PathBuf,
}

impl Default for Plan {
    fn default() -> Self {
        Self { rows: 2_000_000, large_rows: 10_000_000, runs: 5, dir: std::env::temp_dir() }
    }
}

impl Plan {
    /// Reads `--rows`, `--large-rows`, `--runs` and `--dir` from the command line; the rest are names of
    /// workloads.
    ///
    /// # Errors
    /// Fault of an option.
    pub fn from_args(args: impl Iterator<Item = String>) -> Result<(Self, Vec<String>), String> {
        let (mut plan, mut names) = (Self::default(), Vec::new());
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut number = || -> Result<usize, String> {
                let text = args.next().ok_or(format!("{arg} needs a number"))?;
                text.replace('_', "").parse().map_err(|_| format!("{text} is not a number"))
            };
            match arg.as_str() {
                "--rows" => plan.rows = number()?,
                "--large-rows" => plan.large_rows = number()?,
                "--runs" => plan.runs = number()?,
                "--dir" => plan.dir = args.next().ok_or("--dir needs a directory")?.into(),
                option if option.starts_with("--") => return Err(format!("unknown option {option}")),
                _ => names.push(arg),
            }
        }
        Ok((plan, names))
    }

    /// Does a piece of work so many times as there are runs; fewer times, but once, when it takes long.
    pub fn repeat(&self, mut work: impl FnMut()) {
        let start = Instant::now();
        for run in 0..self.runs {
            if run > 0 && start.elapsed() > PATIENCE {
                break;
            }
            work();
        }
    }

    /// A fresh directory on the disk under test.
    pub fn fresh_dir(&self) -> tempfile::TempDir {
        tempfile::Builder::new()
            .prefix("bygone-bench-")
            .tempdir_in(&self.dir)
            .expect("a directory can be made")
    }
}
