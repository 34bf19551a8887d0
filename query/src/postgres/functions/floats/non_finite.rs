//! Inputs of an aggregate that are no finite numbers, kept apart from those that it computes with.

use arrow::array::{Array, Float64Array};

/// Number of infinite values, by their sign, and of NaNs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NonFiniteCounts {
    nans: i64,
    positive: i64,
    negative: i64,
}

impl NonFiniteCounts {
    /// Counts a value if it is not finite; `sign` is -1 for one that leaves.
    pub(super) fn add(&mut self, value: f64, sign: i64) {
        if value.is_nan() {
            self.nans += sign;
        } else if value == f64::INFINITY {
            self.positive += sign;
        } else if value == f64::NEG_INFINITY {
            self.negative += sign;
        }
    }

    /// Sum of the values; none if all were finite.
    pub(super) fn sum(self) -> Option<f64> {
        match (self.nans, self.positive, self.negative) {
            (0, 0, 0) => None,
            (0, 1.., 0) => Some(f64::INFINITY),
            (0, 0, 1..) => Some(f64::NEG_INFINITY),
            _ => Some(f64::NAN),
        }
    }
}

/// The array with zeros for what is not finite; none if all is.
pub(super) fn finite_part(values: &Float64Array) -> Option<Float64Array> {
    if values.values().iter().all(|value| value.is_finite()) {
        return None;
    }
    Some(values.unary(|value| if value.is_finite() { value } else { 0.0 }))
}

/// Calls `each` with the rows whose value is not finite.
pub(super) fn for_non_finite(values: &Float64Array, mut each: impl FnMut(usize, f64)) {
    for (row, value) in values.values().iter().enumerate() {
        if !value.is_finite() && values.is_valid(row) {
            each(row, *value);
        }
    }
}
