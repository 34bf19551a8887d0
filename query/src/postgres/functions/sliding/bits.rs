//! `bit_and`, `bit_or`, `bool_and` and `bool_or` of the values in a window.

use arrow::{
    array::{ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::Accumulator,
};

use super::only_of_a_window;

const BITS: usize = 64;

/// The number of values, and of those that have each bit.
#[derive(Debug)]
pub(super) struct BitsOfWindow {
    data_type: DataType,
    /// Whether a bit is set that all values have; else one that any of them has.
    of_all: bool,
    count: u64,
    set: [u64; BITS],
}

impl BitsOfWindow {
    pub(super) fn new(data_type: DataType, of_all: bool) -> Self {
        Self { data_type, of_all, count: 0, set: [0; BITS] }
    }

    /// The values of a batch; those of a truth value are 0 and 1.
    fn for_each(values: &[ArrayRef], mut each: impl FnMut(i64)) -> Result<()> {
        let [values] = values else { return internal_err!("an aggregate of bits has one argument") };
        let values = cast(values, &DataType::Int64)?;
        values.as_primitive::<Int64Type>().iter().flatten().for_each(&mut each);
        Ok(())
    }
}

/// The places of the bits that are set.
fn bits(mut value: i64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (value != 0).then(|| value.trailing_zeros() as usize)?;
        value &= value.wrapping_sub(1);
        Some(place)
    })
}

impl Accumulator for BitsOfWindow {
    only_of_a_window!();

    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        Self::for_each(values, |value| {
            self.count += 1;
            bits(value).for_each(|place| self.set[place] += 1);
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        Self::for_each(values, |value| {
            self.count -= 1;
            bits(value).for_each(|place| self.set[place] -= 1);
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.count == 0 {
            return ScalarValue::try_new_null(&self.data_type);
        }
        let is_set = |count: u64| if self.of_all { count == self.count } else { count > 0 };
        let places = self.set.iter().enumerate().filter(|(_, count)| is_set(**count));
        let value = places.fold(0_i64, |value, (place, _)| value | (1 << place));
        ScalarValue::Int64(Some(value)).cast_to(&self.data_type)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
