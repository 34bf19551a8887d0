//! `ARRAY[…]`, whose elements get one type, and `x = ANY(array)`, whose sides do.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, tree_node::Transformed},
    logical_expr::{Expr, Operator, expr::ScalarFunction},
};

use super::{
    common_types::{Member, common_type, converted, is_open_text, unify},
    operands::check_types,
    text_literals::read,
    widening::wider,
};
use crate::{
    error::{Error, SqlState},
    postgres::{
        exprs::{cast_in_place, type_of},
        functions::{constructed, is_constructor, is_containment, quantified_operator},
    },
    types::arrays::{element_of, innermost, list_of, with_innermost},
};

/// Gives arrays and what is compared with their elements one type.
pub(super) fn coerce_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = expr else { return Ok(Transformed::no(expr)) };
    if is_constructor(&call) {
        unify("ARRAY", &mut call.args, schema)?;
        return Ok(Transformed::yes(constructed(call.args)));
    }
    if is_containment(&call) {
        let changed = coerce_containment(&mut call, schema)?;
        return Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed));
    }
    let changed = match quantified_operator(&call) {
        Some(op) => coerce_quantified(op, &mut call, schema)?,
        None => false,
    };
    Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed))
}

/// Arrays in any number of dimensions get elements of one type.
fn coerce_containment(call: &mut ScalarFunction, schema: &DFSchema) -> Result<bool> {
    let [left, right] = call.args.as_mut_slice() else { return Ok(false) };
    let (one, other) = (type_of(left, schema), type_of(right, schema));
    if one.is_null() || other.is_null() {
        return Ok(false);
    }
    if element_of(&one).is_none() || element_of(&other).is_none() {
        check_types(&one, Operator::AtArrow, &other)?;
    }
    check_types(innermost(&one), Operator::AtArrow, innermost(&other))?;
    let Some(common) = wider("array", innermost(&one), innermost(&other))? else { return Ok(false) };
    let mut changed = false;
    for (array, data_type) in [(left, one), (right, other)] {
        if *innermost(&data_type) != common {
            let wanted = with_innermost(&data_type, &common);
            *array = converted(std::mem::take(array), &wanted, schema)?;
            changed = true;
        }
    }
    Ok(changed)
}

fn coerce_quantified(op: Operator, call: &mut ScalarFunction, schema: &DFSchema) -> Result<bool> {
    let [value, array] = call.args.as_mut_slice() else { return Ok(false) };
    let value_type = type_of(value, schema);
    if is_open_text(array) && !value_type.is_null() {
        return read(array, &list_of(value_type));
    }
    let array_type = type_of(array, schema);
    if array_type.is_null() {
        return Ok(false);
    }
    let Some(element) = element_of(&array_type) else {
        let message = "op ANY/ALL (array) requires array on right side";
        return Err(Error::new(SqlState::WrongObjectType, message).into());
    };
    // Arrays in an array are looked through, unless arrays are looked for.
    let element = if element_of(&value_type).is_some() { element } else { innermost(element) };
    if !is_open_text(value) {
        check_types(&value_type, op, element)?;
    }
    let members = [Member::of(value, schema), Member::typed(element.clone())];
    let Some(mut common) = common_type("ANY", &members)? else { return Ok(false) };
    // A real beside another number is compared as a double.
    if common == DataType::Float32 && value_type != *element && !is_open_text(value) {
        common = DataType::Float64;
    }
    let (changes_value, changes_array) = (value_type != common && !value_type.is_null(), *element != common);
    if changes_array {
        cast_in_place(array, &with_innermost(&array_type, &common));
    }
    if changes_value {
        *value = converted(std::mem::take(value), &common, schema)?;
    }
    Ok(changes_value || changes_array)
}
