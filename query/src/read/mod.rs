//! Statements that read: `SELECT` and its kin, `COPY … TO`.

mod copy_to;
mod lookup;
mod query;

pub(crate) use lookup::{
    KnownLookup, LookupRequest, PreparedLookup, compile_lookup, is_lookup, known_lookup,
};
pub(crate) use query::plan_query;

use crate::{
    error::Result,
    parse::ReadStatement,
    statement::{Context, Outcome},
};

/// Runs a statement that reads.
pub(crate) async fn run(context: &mut Context<'_>, statement: &ReadStatement) -> Result<Outcome> {
    match statement {
        ReadStatement::Query(query) => query::select(context, query).await,
        ReadStatement::CopyTo(copy) => copy_to::copy_to(context, copy).await,
    }
}
