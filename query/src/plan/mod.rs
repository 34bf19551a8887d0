//! Planning: from a parsed statement to DataFusion's plans, with every name looked up at its point.
//!
//! ```text
//!   AST ──resolve (async: points, snapshots, view texts)──▶ Resolution ──Names (sync)──▶ LogicalPlan
//! ```
//!
//! 1. Every point of a statement is evaluated and resolved once, before planning, with the parameters bound.
//!    The AST then holds the resolved timestamps, and planning is synchronous and touches no storage.
//! 2. A table at a point that is not the statement's own is scanned under the internal name
//!    `database@timestamp` and aliased back: DataFusion compares scans by name, and would otherwise take two
//!    points of one table for the same.
//! 3. A version clause that planning cannot resolve is an error, never ignored.
//! 4. Planning changes nothing.

mod context;
mod extent;
mod growth;
mod names;
mod relation;
mod resolve;
mod stored;
mod trees;
mod views;

pub(crate) use names::Names;
pub(crate) use resolve::{Resolution, Resolver};
pub(crate) use views::view_columns;
