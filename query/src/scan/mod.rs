//! Scans: how DataFusion reads a table at a point.
//!
//! ```text
//!   TableAt (TableProvider) ──filters on key columns──▶ KeyRange ─┐
//!   Reader (view, or transaction up to a statement) ──────────────┼─▶ TableScan (DataSource) ─▶ RecordBatches
//!   filters of joins, top-k and WHERE, pushed by the optimizer ───┘
//! ```
//!
//! 1. A scan holds its [`crate::moment::Reader`], and with it the pin of its view, until its stream is
//!    dropped.
//! 2. Filters used for the key range are applied again exactly; a pushed filter is applied on the decoded
//!    rows.
//! 3. Rows come in key order where the plan makes use of it; large scans under anything else give them as
//!    they lie ([`RelaxOrder`]).
//! 4. Nothing is claimed exactly that could be wrong of the rows that the scan would give ([`statistics`]).

mod conditions;
mod cursor;
mod needed;
mod order;
mod provider;
mod prune;
mod range;
mod source;
mod statistics;

pub(crate) use conditions::BalanceConditions;
pub(crate) use order::RelaxOrder;
pub(crate) use provider::TableAt;
