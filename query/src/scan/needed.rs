//! Conditions of a predicate on single columns: to be equal to a value, or to one of a few.

use std::sync::Arc;

use bygone_engine::{Bound, OneOf};
use datafusion::{
    common::ScalarValue,
    logical_expr::Operator,
    physical_expr::{
        PhysicalExpr,
        expressions::{BinaryExpr, Column, InListExpr, Literal},
        split_conjunction,
    },
};

use crate::rows::RowLayout;

/// More values of a list than these are not looked for: every page would have one.
const VALUES_MAX: usize = 16;

/// Values that all rows have which a predicate keeps.
pub(super) fn needed(predicate: &Arc<dyn PhysicalExpr>, layout: &RowLayout) -> Vec<OneOf> {
    let of = |part: &Arc<dyn PhysicalExpr>| {
        let (column, literals) = one_of(part).filter(|(_, literals)| literals.len() <= VALUES_MAX)?;
        let column = layout.columns().iter().find(|known| known.name == column.name())?;
        let data_type = column.column_type.arrow();
        let values = literals.into_iter().map(|value| {
            // A comparison of other types is one of casts.
            Some(value).filter(|value| value.data_type() == data_type).and_then(stored)
        });
        Some(OneOf { column: column.id, values: values.collect::<Option<_>>()? })
    };
    split_conjunction(predicate).into_iter().filter_map(of).collect()
}

/// A column that is equal to a literal, or to one of several.
fn one_of(expr: &Arc<dyn PhysicalExpr>) -> Option<(&Column, Vec<&ScalarValue>)> {
    if let Some(list) = expr.downcast_ref::<InListExpr>().filter(|list| !list.negated()) {
        let values = list.list().iter().map(|value| Some(value.downcast_ref::<Literal>()?.value()));
        return Some((list.expr().downcast_ref::<Column>()?, values.collect::<Option<_>>()?));
    }
    let binary = expr.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (binary.left(), binary.right());
    match binary.op() {
        Operator::Eq => {
            let (column, literal) = match left.downcast_ref::<Column>() {
                Some(column) => (column, right),
                None => (right.downcast_ref::<Column>()?, left),
            };
            Some((column, vec![literal.downcast_ref::<Literal>()?.value()]))
        }
        // Short lists become these.
        Operator::Or => {
            let ((column, mut values), (other, more)) = (one_of(left)?, one_of(right)?);
            values.extend(more);
            (column == other).then_some((column, values))
        }
        _ => None,
    }
}

/// A value as columns are stored; none of types whose equal values may be stored differently.
fn stored(value: &ScalarValue) -> Option<Bound> {
    Some(match value {
        ScalarValue::Boolean(Some(value)) => Bound::Int(i64::from(*value)),
        ScalarValue::Int16(Some(value)) => Bound::Int(i64::from(*value)),
        ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => Bound::Int(i64::from(*value)),
        ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => {
            Bound::Int(*value)
        }
        ScalarValue::Decimal128(Some(value), _, _) => Bound::Int(i64::try_from(*value).ok()?),
        ScalarValue::Utf8View(Some(value)) => Bound::Bytes(value.as_bytes().to_vec()),
        ScalarValue::Binary(Some(value)) => Bound::Bytes(value.clone()),
        _ => return None,
    })
}
