//! `VALUES`: DataFusion's planner puts casts to the type that the rows of a column have in common; where
//! doubles and decimals are among them, that type is a `DOUBLE` here.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue},
    logical_expr::{Expr, ExprSchemable, Values},
};

use super::decimals::float;
use crate::postgres::exprs::{is_float, type_of};

/// Gives the columns of `VALUES` their common types.
pub(super) fn coerce_values(values: Values) -> Result<Values> {
    let empty = DFSchema::empty();
    let Values { schema, mut values } = values;
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut changed = false;
    for (column, field) in fields.iter_mut().enumerate() {
        let from_float = |expr: &Expr| match expr {
            Expr::Cast(cast) => is_float(&type_of(&cast.expr, &empty)),
            _ => false,
        };
        let decimal_type = field.data_type().clone();
        if !decimal_type.is_decimal() || !values.iter().any(|row| from_float(&row[column])) {
            continue;
        }
        changed = true;
        *field = Arc::new(field.as_ref().clone().with_data_type(DataType::Float64));
        for row in &mut values {
            let value = match std::mem::take(&mut row[column]) {
                Expr::Cast(cast) if *cast.field.data_type() == decimal_type => *cast.expr,
                other => other,
            };
            row[column] = match value {
                Expr::Literal(value, _) if value.is_null() => Expr::Literal(ScalarValue::Float64(None), None),
                value => float(value, &empty).cast_to(&DataType::Float64, &empty)?,
            };
        }
    }
    if !changed {
        return Ok(Values { schema, values });
    }
    let schema = DFSchema::from_unqualified_fields(fields.into(), schema.metadata().clone())?;
    Ok(Values { schema: Arc::new(schema), values })
}
