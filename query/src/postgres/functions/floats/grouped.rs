//! Checked aggregates of many groups at once.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array},
    datatypes::Float64Type,
};
use datafusion::{
    common::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};

use super::{
    aggregates::InfiniteAnswer,
    non_finite::{NonFiniteCounts, finite_part, for_non_finite},
    range::overflow,
};

/// A function's groups, and what of them was not finite.
pub(super) struct CheckedGroups {
    inner: Box<dyn GroupsAccumulator>,
    answer: InfiniteAnswer,
    /// By group, up to the last one that has any.
    counts: Vec<NonFiniteCounts>,
}

impl CheckedGroups {
    pub(super) fn new(inner: Box<dyn GroupsAccumulator>, answer: InfiniteAnswer) -> Self {
        Self { inner, answer, counts: Vec::new() }
    }

    /// The arrays with what is not finite counted in its group and replaced.
    fn finite(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Vec<ArrayRef> {
        let counts = &mut self.counts;
        let part = |array: &ArrayRef| {
            let Some(values) = array.as_primitive_opt::<Float64Type>() else { return Arc::clone(array) };
            let Some(finite) = finite_part(values) else { return Arc::clone(array) };
            for_non_finite(values, |row, value| {
                if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                    let group = groups[row];
                    if counts.len() <= group {
                        counts.resize(group + 1, NonFiniteCounts::default());
                    }
                    counts[group].add(value, 1);
                }
            });
            Arc::new(finite) as ArrayRef
        };
        arrays.iter().map(part).collect()
    }

    /// The counts of the groups that are given out.
    fn taken(&mut self, emit_to: EmitTo) -> Vec<NonFiniteCounts> {
        match emit_to {
            EmitTo::All => std::mem::take(&mut self.counts),
            EmitTo::First(groups) => self.counts.drain(..groups.min(self.counts.len())).collect(),
        }
    }

    fn checked(&self, answers: ArrayRef, counts: &[NonFiniteCounts]) -> Result<ArrayRef> {
        let Some(values) = answers.as_primitive_opt::<Float64Type>() else { return Ok(answers) };
        if counts.is_empty() && values.values().iter().all(|value| value.is_finite()) {
            return Ok(answers);
        }
        let answer = |(group, value): (usize, Option<f64>)| match value {
            None => Ok(None),
            Some(value) => match counts.get(group).and_then(|counts| self.answer.of(*counts)) {
                Some(answer) => Ok(Some(answer)),
                None if value.is_finite() => Ok(Some(value)),
                None => Err(overflow()),
            },
        };
        let answers = values.iter().enumerate().map(answer).collect::<Result<Float64Array>>()?;
        Ok(Arc::new(answers))
    }
}

impl GroupsAccumulator for CheckedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = self.finite(values, group_indices, opt_filter);
        self.inner.update_batch(&values, group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = self.taken(emit_to);
        let answers = self.inner.evaluate(emit_to)?;
        self.checked(answers, &counts)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let counts = self.taken(emit_to);
        let states = self.inner.state(emit_to)?;
        states.into_iter().map(|state| self.checked(state, &counts)).collect()
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let values = self.finite(values, group_indices, None);
        self.inner.merge_batch(&values, group_indices, total_num_groups)
    }

    /// Values that are not finite stay in the states, where merging finds them.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(values, opt_filter)
    }

    fn size(&self) -> usize {
        self.inner.size() + self.counts.capacity() * size_of::<NonFiniteCounts>()
    }
}
