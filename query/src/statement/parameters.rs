//! Parameters of a statement: their values, and how they get into a plan.

use datafusion::{
    common::{ParamValues, ScalarValue, metadata::ScalarAndMetadata, tree_node::Transformed},
    logical_expr::{Expr, LogicalPlan},
};

use crate::{
    error::{Error, Result, SqlState},
    parse::placeholder_index,
    postgres::{plan::coerce, walk::rewrite_exprs},
};

/// The values that a statement is planned with.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'p> {
    pub values: &'p [ScalarValue],
    /// So many of them, the first ones, give the plan their types only.
    pub open: usize,
}

impl<'p> Parameters<'p> {
    /// All of them have their values.
    pub(crate) fn bound(values: &'p [ScalarValue]) -> Self {
        Self { values, open: 0 }
    }

    /// Binds the parameters of a plan, but for the open ones, and gives operands the types that follow.
    pub(crate) fn bind(self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if self.open == 0 {
            return bind(plan, self.values);
        }
        if self.open == self.values.len() {
            return Ok(plan);
        }
        let plan = rewrite_exprs(plan, |expr, _| {
            let Expr::Placeholder(placeholder) = &expr else { return Ok(Transformed::no(expr)) };
            if placeholder_index(&placeholder.id).is_none_or(|index| index < self.open) {
                return Ok(Transformed::no(expr));
            }
            let value = parameter(self.values, &placeholder.id)?;
            Ok(Transformed::yes(Expr::Literal(value, None)))
        })?;
        Ok(coerce(plan)?)
    }
}

/// Binds the parameters of a plan, and gives operands the types that follow.
pub(crate) fn bind(plan: LogicalPlan, parameters: &[ScalarValue]) -> Result<LogicalPlan> {
    let wanted = plan.get_parameter_names()?;
    for name in &wanted {
        parameter(parameters, name)?;
    }
    if wanted.is_empty() {
        return Ok(plan);
    }
    let values = parameters.iter().cloned().map(ScalarAndMetadata::from).collect();
    Ok(coerce(plan.with_param_values(ParamValues::List(values))?)?)
}

/// The bound value of `$n`.
pub(crate) fn parameter(parameters: &[ScalarValue], id: &str) -> Result<ScalarValue> {
    let missing = || {
        Error::new(SqlState::ProtocolViolation, format!("parameter {id} has no value"))
            .with_hint(format!("{} parameters were bound", parameters.len()))
    };
    let value = placeholder_index(id).and_then(|index| parameters.get(index)).cloned().ok_or_else(missing)?;
    match value.try_as_str() {
        Some(Some(text)) if text.contains('\0') => Err(Error::null_character()),
        _ => Ok(value),
    }
}
