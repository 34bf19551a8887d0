//! The memory of queries: how much there is, who has it, and what happens at the limit.
//!
//! 1. `query_memory` is one setting: of the database ([`MemoryOptions`]), and of a session, which can only
//!    lower it for each of its statements.
//! 2. Memory that grows with the rows of a query is counted against it. Sorts, aggregations, sorted joins and
//!    most nested loops write temporary files when they would exceed it; what cannot fails with 53200.
//! 3. Memory that does not grow (a batch of a scan, a page, a buffer of a load) is bounded by constants and
//!    not counted.

mod held;
mod merge_room;
mod pool;
mod size;
mod sorts;

pub(crate) use held::CountWindows;
pub(crate) use pool::Limited;
use size::parse_size;
pub(crate) use size::show_size;
pub(crate) use sorts::{FitSorts, fit_sorts};

use crate::error::{Error, Result};

/// The least that `query_memory` can be: less holds no batches.
pub(crate) const QUERY_MEMORY_MIN: usize = 1 << 20;

/// Memory that queries may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Bytes that sorts, joins, aggregations and windows of all sessions may hold at one time; beyond, what
    /// can writes temporary files, and what cannot fails with 53200. 1 MiB and more; default 1 GiB. In SQL
    /// `query_memory`, for the command `--query-memory`.
    pub query_memory: usize,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { query_memory: 1 << 30 }
    }
}

impl MemoryOptions {
    /// Refuses a limit that no query could keep.
    pub(crate) fn check(self) -> Result<Self> {
        check_least(self.query_memory)?;
        Ok(self)
    }
}

/// The bytes of a `query_memory` such as `512 MiB`, `1.5GiB` or `65536`. `MB` is the same as `MiB`, as in
/// Postgres; capitals do not count.
///
/// # Errors
/// 22023 when it is no size or less than 1 MiB.
pub fn parse_query_memory(text: &str) -> Result<usize> {
    let bytes = parse_size(text)?;
    check_least(bytes)?;
    Ok(bytes)
}

fn check_least(bytes: usize) -> Result<()> {
    if bytes >= QUERY_MEMORY_MIN {
        return Ok(());
    }
    let least = show_size(QUERY_MEMORY_MIN);
    Err(Error::invalid_value(format!("query_memory is at least {least}, not {}", show_size(bytes))))
}
