//! The `ORDER BY` of an aggregate's arguments. A constant there is a constant, by which nothing is ordered;
//! DataFusion takes a whole number for the position of an argument.

use sqlparser::ast::{DuplicateTreatment, Function, FunctionArgumentClause, FunctionArguments};

use super::long_cases::is_constant;
use crate::error::{Error, Result, SqlState};

/// Takes the constants out of it.
///
/// # Errors
///
/// 42P10 with `DISTINCT`, whose values can be ordered by arguments only.
pub(super) fn without_constants(function: &mut Function) -> Result<()> {
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    for clause in &mut list.clauses {
        let FunctionArgumentClause::OrderBy(keys) = clause else { continue };
        let before = keys.len();
        keys.retain(|key| !is_constant(&key.expr));
        if is_distinct && keys.len() < before {
            return Err(Error::new(
                SqlState::InvalidColumnReference,
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in the argument list",
            ));
        }
    }
    list.clauses.retain(|clause| !matches!(clause, FunctionArgumentClause::OrderBy(keys) if keys.is_empty()));
    Ok(())
}
