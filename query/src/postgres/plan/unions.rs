//! `UNION`: a column that is a `DOUBLE` in one branch and a `DECIMAL` in another is a `DOUBLE`, and the types of the whole
//! follow those of branches that passes have changed.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchemaRef, Result, tree_node::Transformed},
    logical_expr::{LogicalPlan, Union},
};

use super::decimals::floats;
use crate::postgres::exprs::is_float;

pub(super) fn coerce_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let width = union.schema.fields().len();
    let marked: Vec<bool> = (0..width)
        .map(|column| {
            let types = || union.inputs.iter().filter_map(|input| input.schema().fields().get(column));
            types().any(|field| is_float(field.data_type()))
                && types().any(|field| field.data_type().is_decimal())
        })
        .collect();
    let current = union.inputs.first().is_some_and(|first| {
        let types = |schema: &DFSchemaRef| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        union.inputs.iter().all(|input| types(input.schema()) == types(first.schema()))
            && types(&union.schema) != types(first.schema())
    });
    if !marked.contains(&true) && !current {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs = union
        .inputs
        .into_iter()
        .map(|input| {
            if marked.contains(&true) {
                floats(Arc::unwrap_or_clone(input), &marked).map(Arc::new)
            } else {
                Ok(input)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}
