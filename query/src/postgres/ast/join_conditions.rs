//! Conditions of joins that have to be there: DataFusion makes a product of `a JOIN b` without one.

use sqlparser::ast::{Join, JoinConstraint, JoinOperator, ObjectName, TableFactor, TableWithJoins};

use crate::{
    error::{Error, Result, SqlState},
    parse::folded_ident,
};

/// Fails where a join of a FROM has no condition, or names a column twice.
pub(super) fn check_conditions(from: &[TableWithJoins]) -> Result<()> {
    for tables in from {
        check_factor(&tables.relation)?;
        for join in &tables.joins {
            check_factor(&join.relation)?;
            check_join(join)?;
        }
    }
    Ok(())
}

fn check_factor(factor: &TableFactor) -> Result<()> {
    match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => {
            check_conditions(std::slice::from_ref(table_with_joins))
        }
        _ => Ok(()),
    }
}

fn check_join(join: &Join) -> Result<()> {
    let (JoinOperator::Join(constraint)
    | JoinOperator::Inner(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::LeftOuter(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::RightOuter(constraint)
    | JoinOperator::FullOuter(constraint)) = &join.join_operator
    else {
        return Ok(());
    };
    match constraint {
        JoinConstraint::None => Err(Error::syntax("syntax error: a join without ON or USING")
            .with_hint("write what the tables are joined by, or CROSS JOIN for each row with each")),
        JoinConstraint::Using(columns) => {
            let names: Vec<String> = columns.iter().filter_map(last_name).collect();
            let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
            match twice {
                Some((_, name)) => Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column {name} appears more than once in USING"),
                )),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn last_name(name: &ObjectName) -> Option<String> {
    Some(folded_ident(name.0.last()?.as_ident()?))
}
