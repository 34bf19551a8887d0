//! `PREPARE`, `EXECUTE`, `DEALLOCATE`: the statement's tree is kept and planned anew at every execution, so that it
//! sees what was committed since, and its points are those of the execution.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use datafusion::{common::ScalarValue, logical_expr::planner::TypePlanner};

use super::{Context, Outcome, Ready};
use crate::{
    error::{Error, Result},
    parse::{Execute, Prepare},
    postgres::functions::cast_value,
    types::Types,
};

/// The prepared statements of a session.
#[derive(Debug, Default)]
pub(crate) struct PreparedStatements {
    by_name: BTreeMap<String, Arc<Prepared>>,
}

#[derive(Debug)]
struct Prepared {
    types: Vec<Option<DataType>>,
    body: Arc<Ready>,
    /// Whether the body may nest deeply.
    deep: bool,
}

/// `PREPARE`.
pub(super) fn prepare(context: &mut Context<'_>, prepare: &Prepare) -> Result<Outcome> {
    let statements = &mut context.inner.prepared.by_name;
    if statements.contains_key(&prepare.name) {
        return Err(Error::prepared_exists(&prepare.name));
    }
    let types = prepare
        .types
        .iter()
        .map(|sql_type| Ok(Types.plan_type_field(sql_type)?.map(|field| field.data_type().clone())))
        .collect::<Result<Vec<_>>>()?;
    let body = Arc::new(Ready::new(Arc::clone(&prepare.body)));
    let prepared = Prepared { types, body, deep: context.inner.depth.is_large() };
    statements.insert(prepare.name.clone(), Arc::new(prepared));
    Ok(Outcome::done("PREPARE"))
}

/// The statement of an `EXECUTE`, its parameters, and whether it may nest deeply.
pub(super) fn execute(
    context: &Context<'_>,
    execute: &Execute,
) -> Result<(Arc<Ready>, Vec<ScalarValue>, bool)> {
    let prepared =
        context.inner.prepared.by_name.get(&execute.name).ok_or_else(|| Error::no_prepared(&execute.name))?;
    let mut values = Vec::with_capacity(execute.arguments.len());
    for (index, argument) in execute.arguments.iter().enumerate() {
        let value = context.constant(argument)?;
        values.push(match prepared.types.get(index) {
            Some(Some(data_type)) => cast_value(&value, data_type, context.zone())?,
            _ => value,
        });
    }
    if !prepared.types.is_empty() && values.len() != prepared.types.len() {
        return Err(Error::new(
            crate::error::ErrorKind::Invalid,
            "42601",
            format!("{} takes {} parameters, not {}", execute.name, prepared.types.len(), values.len()),
        ));
    }
    Ok((Arc::clone(&prepared.body), values, prepared.deep))
}

/// `DEALLOCATE`.
pub(super) fn deallocate(context: &mut Context<'_>, name: Option<&str>) -> Result<Outcome> {
    let statements = &mut context.inner.prepared.by_name;
    match name {
        None => statements.clear(),
        Some(name) => {
            statements.remove(name).ok_or_else(|| Error::no_prepared(name))?;
        }
    }
    Ok(Outcome::done("DEALLOCATE"))
}
