//! Operations that a recursive term may not do on the rows of the round before: sum them up, or make up rows
//! beside them. Such a term has rows in every round, so that the query would never end.

use datafusion::{
    catalog::{cte_worktable::CteWorkTable, default_table_source::source_as_provider},
    common::{JoinType, Result},
    logical_expr::{Aggregate, Join, LogicalPlan, RecursiveQuery},
};

use crate::error::{Error, SqlState};

/// Refuses, with 42P19, aggregates and outer joins over the recursive reference.
pub(super) fn check(query: &RecursiveQuery) -> Result<()> {
    refers(&query.recursive_term, &query.name).map(|_| ())
}

/// Whether a plan reads the rows of the round before.
fn refers(plan: &LogicalPlan, name: &str) -> Result<bool> {
    match plan {
        LogicalPlan::TableScan(scan) => Ok(scan.table_name.table() == name
            && source_as_provider(&scan.source).is_ok_and(|provider| provider.is::<CteWorkTable>())),
        LogicalPlan::Join(Join { left, right, join_type, .. }) => {
            let (left, right) = (refers(left, name)?, refers(right, name)?);
            let made_up = match join_type {
                JoinType::Left => right,
                JoinType::Right => left,
                JoinType::Full => left || right,
                _ => false,
            };
            if made_up {
                return Err(invalid(format!(
                    "recursive reference to query {name} must not appear within an outer join"
                ))
                .with_hint("put it on the side whose rows are all kept")
                .into());
            }
            Ok(left || right)
        }
        LogicalPlan::Aggregate(Aggregate { input, aggr_expr, .. }) => {
            let found = refers(input, name)?;
            if found && !aggr_expr.is_empty() {
                return Err(invalid(
                    "aggregate functions are not allowed in the recursive term of a query".to_owned(),
                )
                .with_hint("aggregate the rows of the whole query, outside of WITH RECURSIVE")
                .into());
            }
            Ok(found)
        }
        other => other.inputs().into_iter().try_fold(false, |found, input| Ok(refers(input, name)? || found)),
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::InvalidRecursion, message)
}
