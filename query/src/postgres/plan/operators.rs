//! Operands that the planner itself would refuse: a literal of text in arithmetic, beside an array or in one
//! of other values, is read as their type before it looks; and operators that look for elements of arrays.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, Result, ScalarValue},
    logical_expr::{
        Case, Expr, GetFieldAccess, lit,
        planner::{
            ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawFieldAccessExpr, RawWindowExpr,
        },
    },
};
use sqlparser::ast::BinaryOperator;

use super::{
    coerce_alone,
    common_types::{converted, is_open_text, unify},
    named_casts::{with_named_casts_of_aggregate, with_named_casts_of_window},
    text_literals::read,
    widening::wider,
};
use crate::{
    error::{Error, SqlState},
    postgres::{
        exprs::type_of,
        functions::{contains_elements, overlaps},
    },
    types::{
        arrays::{element_of, with_innermost},
        sql_name,
    },
};

/// Reads literals of text beside numbers.
#[derive(Debug)]
pub(crate) struct Literals;

impl ExprPlanner for Literals {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, mut left, mut right } = expr;
        if is_open_text(&left) != is_open_text(&right) {
            let (text, other) = if is_open_text(&left) { (&mut left, &right) } else { (&mut right, &left) };
            let data_type = type_of(other, schema);
            if data_type.is_numeric() && is_arithmetic(&op) {
                read(text, &data_type)?;
            } else if element_of(&data_type).is_some() && takes_arrays(&op) {
                // An array that is written out may have no type yet.
                read(text, &type_of(&coerce_alone(other.clone(), schema)?, schema))?;
            }
        }
        let is_array = |expr: &Expr| element_of(&type_of(expr, schema)).is_some();
        if op == BinaryOperator::StringConcat && is_array(&left) != is_array(&right) {
            let (array, element) =
                if is_array(&left) { (&mut left, &mut right) } else { (&mut right, &mut left) };
            join_element(array, element, schema)?;
        }
        match op {
            BinaryOperator::AtArrow if is_array(&left) || is_array(&right) => {
                Ok(PlannerResult::Planned(contains_elements().call(vec![left, right])))
            }
            BinaryOperator::ArrowAt if is_array(&left) || is_array(&right) => {
                Ok(PlannerResult::Planned(contains_elements().call(vec![right, left])))
            }
            BinaryOperator::PGOverlap if is_array(&left) || is_array(&right) => {
                Ok(PlannerResult::Planned(overlaps().call(vec![left, right])))
            }
            op => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        }
    }

    fn plan_aggregate(&self, expr: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        if expr.func.name() == "count" && expr.args.is_empty() {
            let message = "count(*) must be used to call a parameterless aggregate function";
            return Err(Error::new(SqlState::WrongObjectType, message).into());
        }
        Ok(PlannerResult::Original(with_named_casts_of_aggregate(expr)?))
    }

    fn plan_window(&self, mut expr: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let counted = match expr.func_def.name() {
            "ntile" => expr.args.first_mut(),
            "lead" | "lag" | "nth_value" => expr.args.get_mut(1),
            _ => None,
        };
        if let Some(number) = counted.filter(|number| is_open_text(number)) {
            read(number, &DataType::Int64)?;
        }
        Ok(PlannerResult::Original(with_named_casts_of_window(expr)?))
    }

    /// Counts subscripts from one: none is below.
    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = expr;
        let field_access = match field_access {
            GetFieldAccess::ListIndex { key } => {
                GetFieldAccess::ListIndex { key: Box::new(subscript(*key, schema)) }
            }
            GetFieldAccess::NamedStructField { name } => {
                GetFieldAccess::NamedStructField { name: field_of(&name, &type_of(&expr, schema))? }
            }
            range @ GetFieldAccess::ListRange { .. } => range,
        };
        Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }))
    }

    fn plan_array_literal(
        &self,
        mut exprs: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        unify("ARRAY", &mut exprs, schema)?;
        Ok(PlannerResult::Original(exprs))
    }
}

/// The name of a row's field; those of a row that is written out are called `f1`, `f2`, ….
fn field_of(name: &ScalarValue, row: &DataType) -> Result<ScalarValue> {
    let fields = match row {
        DataType::Struct(fields) => fields,
        DataType::Map(..) | DataType::Null => return Ok(name.clone()),
        other => {
            let message = format!(
                "column notation .{} applied to type {}, which is not a composite type",
                name.try_as_str().flatten().unwrap_or_default(),
                sql_name(other)
            );
            return Err(Error::new(SqlState::WrongObjectType, message).into());
        }
    };
    let written = name.try_as_str().flatten().unwrap_or_default();
    if fields.find(written).is_some() {
        return Ok(name.clone());
    }
    let position = written.strip_prefix('f').and_then(|number| number.parse::<usize>().ok());
    let field = position.and_then(|position| fields.get(position.checked_sub(1)?));
    field.map(|field| ScalarValue::from(field.name().as_str())).ok_or_else(|| {
        let message = format!("column {written} not found in record data type");
        Error::new(SqlState::UndefinedColumn, message).into()
    })
}

fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}

fn takes_arrays(op: &BinaryOperator) -> bool {
    use BinaryOperator::{ArrowAt, AtArrow, Eq, Gt, GtEq, Lt, LtEq, NotEq, PGOverlap, StringConcat};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | StringConcat | AtArrow | ArrowAt | PGOverlap)
}

/// Gives an array, and a number that becomes an element of it, the type that holds the numbers of both.
fn join_element(array: &mut Expr, element: &mut Expr, schema: &DFSchema) -> Result<()> {
    let added = type_of(element, schema);
    if !added.is_numeric() {
        return Ok(());
    }
    *array = coerce_alone(std::mem::take(array), schema)?;
    let array_type = type_of(array, schema);
    let Some(known) = element_of(&array_type).filter(|known| known.is_numeric()) else { return Ok(()) };
    let Some(common) = wider("ARRAY", known, &added)? else { return Ok(()) };
    if *known != common {
        *array = converted(std::mem::take(array), &with_innermost(&array_type, &common), schema)?;
    }
    if added != common {
        *element = converted(std::mem::take(element), &common, schema)?;
    }
    Ok(())
}

/// A subscript that is NULL where it is not above zero.
fn subscript(key: Expr, schema: &DFSchema) -> Expr {
    if matches!(&key, Expr::Literal(ScalarValue::Int64(Some(1..)), _)) || !type_of(&key, schema).is_integer()
    {
        return key;
    }
    let is_above = key.clone().gt(lit(0_i64));
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(is_above), Box::new(key))],
        else_expr: None,
    })
}
