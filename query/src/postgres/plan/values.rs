//! `VALUES`: the rows of a column get the type that they have in common, as answers of a `CASE` do. The
//! planner has chosen one of its own where the values are of several types; `ast::values` has kept them.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue},
    logical_expr::{Expr, Values},
};

use super::{
    coerce_alone,
    common_types::{converted, unify},
};
use crate::postgres::{exprs::type_of, functions::held_value};

/// Gives the columns of `VALUES` their common types.
pub(super) fn coerce_values(values: Values) -> Result<Values> {
    let empty = DFSchema::empty();
    let Values { schema, mut values } = values;
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut changed = false;
    for (column, field) in fields.iter_mut().enumerate() {
        let held: Vec<Option<Expr>> = values.iter_mut().map(|row| held_value(&mut row[column])).collect();
        if !held.iter().any(Option::is_some) {
            continue;
        }
        for (row, held) in values.iter_mut().zip(held) {
            if let Some(held) = held {
                row[column] = coerce_alone(held, &empty)?;
            }
        }
        unify("VALUES", values.iter_mut().map(|row| &mut row[column]), &empty)?;
        let types = values.iter().map(|row| type_of(&row[column], &empty));
        let mut types = types.filter(|data_type| !data_type.is_null());
        let common = types.next().filter(|first| types.all(|other| other == *first));
        let common = common.unwrap_or_else(|| field.data_type().clone());
        for row in &mut values {
            let value = &mut row[column];
            if type_of(value, &empty) != common {
                *value = typed(std::mem::take(value), &common, &empty)?;
            }
        }
        *field = Arc::new(field.as_ref().clone().with_data_type(common));
        changed = true;
    }
    if !changed {
        return Ok(Values { schema, values });
    }
    let schema = DFSchema::from_unqualified_fields(fields.into(), schema.metadata().clone())?;
    Ok(Values { schema: Arc::new(schema), values })
}

/// A value without a type as one of `common`.
fn typed(value: Expr, common: &DataType, schema: &DFSchema) -> Result<Expr> {
    match value {
        Expr::Literal(value, _) if value.is_null() => Ok(Expr::Literal(ScalarValue::try_from(common)?, None)),
        value => converted(value, common, schema),
    }
}
