//! Findings of a check.

use std::{collections::BTreeMap, fmt};

use crate::{Error, Result};

/// Findings that are kept of one file: a file that is wrong everywhere needs no line for each of its rows.
const FINDINGS_PER_FILE: usize = 8;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file inside the root, or what else it is about (`table t`).
    pub file: String,
    /// Description of the fault.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.detail)
    }
}

/// Findings, few for each file.
#[derive(Debug, Default)]
pub struct Findings {
    all: Vec<Finding>,
    counts: BTreeMap<String, usize>,
}

impl Findings {
    /// Notes that `file` is not as it must be.
    pub fn add(&mut self, file: &str, detail: impl Into<String>) {
        let count = self.counts.entry(file.to_owned()).or_default();
        *count += 1;
        if *count <= FINDINGS_PER_FILE {
            self.all.push(Finding { file: file.to_owned(), detail: detail.into() });
        }
    }

    /// Notes that `file` is damaged or cannot be read; every other error is passed on.
    ///
    /// # Errors
    /// `error`, unless it is `Corrupt` or `Unavailable`.
    pub fn add_error(&mut self, file: &str, error: Error) -> Result<()> {
        match error {
            Error::Corrupt { file, offset, detail } => self.add(&file, format!("offset {offset}: {detail}")),
            Error::Unavailable { context, source } => self.add(file, format!("{context}: {source}")),
            other => return Err(other),
        }
        Ok(())
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether something was found in `file`.
    pub fn has(&self, file: &str) -> bool {
        self.counts.contains_key(file)
    }

    /// The findings in the order in which they were made, with a last one for each file that has more.
    pub fn into_vec(self) -> Vec<Finding> {
        let mut all = self.all;
        for (file, count) in self.counts {
            if count > FINDINGS_PER_FILE {
                let detail = format!("{} more findings", count - FINDINGS_PER_FILE);
                all.push(Finding { file, detail });
            }
        }
        all
    }
}
