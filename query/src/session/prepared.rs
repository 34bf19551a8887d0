//! `PREPARE`, `EXECUTE`, `DEALLOCATE`: the statement's tree is kept and planned anew at every execution, so
//! that it sees what was committed since, and its points are those of the execution.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::DataType;
use datafusion::{common::ScalarValue, logical_expr::planner::TypePlanner};

use super::texts::Ready;
use crate::{
    error::{Error, Result, SqlState},
    parse::{Execute, Prepare, parameter_count},
    postgres::functions::cast_value,
    statement::{Context, Outcome},
    types::Types,
};

/// The prepared statements of a session.
#[derive(Debug, Default)]
pub(super) struct PreparedStatements {
    by_name: BTreeMap<String, Arc<Prepared>>,
}

#[derive(Debug)]
struct Prepared {
    types: Vec<Option<DataType>>,
    /// Number of values that an `EXECUTE` gives.
    parameters: usize,
    body: Arc<Ready>,
    /// Whether the body may nest deeply.
    deep: bool,
}

impl PreparedStatements {
    /// `PREPARE`; `deep` when the body may nest deeply.
    pub(super) fn prepare(&mut self, prepare: &Prepare, deep: bool) -> Result<Outcome> {
        if self.by_name.contains_key(&prepare.name) {
            return Err(Error::prepared_exists(&prepare.name));
        }
        let types = prepare
            .types
            .iter()
            .map(|sql_type| Ok(Types.plan_type_field(sql_type)?.map(|field| field.data_type().clone())))
            .collect::<Result<Vec<_>>>()?;
        let parameters = parameter_count(&prepare.body.text)?.max(types.len());
        let body = Arc::new(Ready::new(Arc::clone(&prepare.body)));
        self.by_name.insert(prepare.name.clone(), Arc::new(Prepared { types, parameters, body, deep }));
        Ok(Outcome::done("PREPARE"))
    }

    /// The statement of an `EXECUTE`, its parameters, and whether it may nest deeply.
    pub(super) fn execute(
        &self,
        context: &Context<'_>,
        execute: &Execute,
    ) -> Result<(Arc<Ready>, Vec<ScalarValue>, bool)> {
        let prepared = self.by_name.get(&execute.name).ok_or_else(|| Error::no_prepared(&execute.name))?;
        if execute.arguments.len() != prepared.parameters {
            return Err(wrong_count(execute, prepared.parameters));
        }
        let mut values = Vec::with_capacity(execute.arguments.len());
        for (index, argument) in execute.arguments.iter().enumerate() {
            let value = context.constant(argument)?;
            values.push(match prepared.types.get(index) {
                Some(Some(data_type)) => cast_value(&value, data_type, context.zone())?,
                _ => value,
            });
        }
        Ok((Arc::clone(&prepared.body), values, prepared.deep))
    }

    /// `DEALLOCATE`.
    pub(super) fn deallocate(&mut self, name: Option<&str>) -> Result<Outcome> {
        match name {
            None => self.by_name.clear(),
            Some(name) => {
                self.by_name.remove(name).ok_or_else(|| Error::no_prepared(name))?;
            }
        }
        Ok(Outcome::done("DEALLOCATE"))
    }
}

fn wrong_count(execute: &Execute, expected: usize) -> Error {
    let given = execute.arguments.len();
    Error::new(
        SqlState::SyntaxError,
        format!("wrong number of parameters for prepared statement {}", execute.name),
    )
    .with_hint(format!("it takes {expected}, and is given {given}"))
}
