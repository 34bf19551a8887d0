//! `AND` and `OR` whose right side is evaluated for the rows that the left side leaves open, and for no
//! others: in `d <> 0 AND n / d > 5` no row with `d = 0` is divided.
//!
//! | | false on the left | NULL on the left | true on the left |
//! |---|---|---|---|
//! | `AND` | false | the right side is asked | the right side is asked |
//! | `OR` | the right side is asked | the right side is asked | true |
//!
//! DataFusion evaluates both sides for all rows, unless the left side decides for nearly all of them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch},
    buffer::BooleanBuffer,
    compute::{
        filter_record_batch,
        kernels::boolean::{and_kleene, or_kleene},
    },
    datatypes::{DataType, Schema},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, Operator},
    physical_expr::{
        PhysicalExpr,
        expressions::{BinaryExpr, Column},
        utils::collect_columns,
    },
    physical_expr_common::utils::scatter,
};

/// `left AND right`, or `left OR right`.
#[derive(Debug)]
pub(super) struct ShortCircuit {
    /// The condition as DataFusion has it, for whom it is shown to.
    written: BinaryExpr,
    /// The columns that the right side needs, in their order.
    needed: Vec<usize>,
    /// The right side over the needed columns alone.
    narrow_right: Arc<dyn PhysicalExpr>,
}

impl ShortCircuit {
    /// The condition, evaluated so; none if it is no `AND` and no `OR`.
    pub(super) fn of(written: &BinaryExpr) -> Result<Option<Self>> {
        if !matches!(written.op(), Operator::And | Operator::Or) {
            return Ok(None);
        }
        let mut needed: Vec<usize> = collect_columns(written.right()).iter().map(Column::index).collect();
        needed.sort_unstable();
        needed.dedup();
        let narrow_right = super::columns::at_places(written.right(), &needed)?;
        Ok(Some(Self { written: written.clone(), needed, narrow_right }))
    }

    /// The rows that the left side does not decide.
    fn open_rows(&self, left: &BooleanArray) -> BooleanBuffer {
        let values = left.values();
        let open = if self.is_and() { values.clone() } else { !values };
        match left.nulls() {
            Some(nulls) => &open | &!nulls.inner(),
            None => open,
        }
    }

    fn is_and(&self) -> bool {
        *self.written.op() == Operator::And
    }

    fn both(&self, left: &BooleanArray, right: &BooleanArray) -> Result<ColumnarValue> {
        let both = if self.is_and() { and_kleene(left, right) } else { or_kleene(left, right) };
        Ok(ColumnarValue::Array(Arc::new(both?)))
    }
}

impl PartialEq for ShortCircuit {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for ShortCircuit {}

impl Hash for ShortCircuit {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl fmt::Display for ShortCircuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl PhysicalExpr for ShortCircuit {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.written.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let left = self.written.left().evaluate(batch)?;
        if let ColumnarValue::Scalar(ScalarValue::Boolean(Some(left))) = left {
            let is_open = left == self.is_and();
            return if is_open {
                self.written.right().evaluate(batch)
            } else {
                Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(left))))
            };
        }
        let left = left.into_array(batch.num_rows())?;
        let Some(truths) = left.as_boolean_opt() else {
            return internal_err!("a condition is a truth value, not {}", left.data_type());
        };
        let open = self.open_rows(truths);
        let count = open.count_set_bits();
        if count == 0 {
            return Ok(ColumnarValue::Array(left));
        }
        if count == batch.num_rows() {
            let right = self.written.right().evaluate(batch)?.into_array(count)?;
            return self.both(truths, right.as_boolean());
        }
        let open = BooleanArray::new(open, None);
        let asked = filter_record_batch(&batch.project(&self.needed)?, &open)?;
        let right = self.narrow_right.evaluate(&asked)?.into_array(count)?;
        // Where the left side decides, NULL on the right changes nothing.
        self.both(truths, scatter(&open, &right)?.as_boolean())
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![self.written.left(), self.written.right()]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let (Some(right), Some(left)) = (children.pop(), children.pop()) else {
            return internal_err!("a condition has two sides");
        };
        let Some(made) = Self::of(&BinaryExpr::new(left, *self.written.op(), right))? else {
            return internal_err!("a condition stays one");
        };
        Ok(Arc::new(made))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt_sql(f)
    }
}
