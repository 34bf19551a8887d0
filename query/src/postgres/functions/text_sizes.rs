//! Functions that make a text much longer than it was: one that no text can have is refused before it takes
//! the memory.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::Result,
    functions::{string, unicode},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::guarded::{Guard, guarded};
use crate::{error::Error, postgres::exprs::is_text};

/// The longest text, in bytes, as in Postgres; and the most that the texts of one batch may take together.
const TEXT_BYTES_MAX: u64 = (1 << 30) - 1;
/// The most bytes that a character has.
const CHAR_BYTES_MAX: u64 = 4;

/// The functions of this module, which replace those of the same names.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [
        (string::repeat(), TextGrowth::Repeated),
        (unicode::lpad(), TextGrowth::Padded),
        (unicode::rpad(), TextGrowth::Padded),
        (string::replace(), TextGrowth::Replaced),
    ]
    .into_iter()
    .map(|(inner, growth)| guarded(inner, growth))
    .collect()
}

/// Growth of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum TextGrowth {
    /// `repeat(text, number)`.
    Repeated,
    /// `lpad(text, length, fill)`.
    Padded,
    /// `replace(text, from, to)`.
    Replaced,
}

impl Guard for TextGrowth {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = args.args.iter().map(TextArgument::of).collect::<Result<Vec<_>>>()?;
        let is_single = arguments.iter().all(|argument| argument.is_single);
        let mut total: u64 = 0;
        for row in 0..if is_single { 1 } else { args.number_rows } {
            let Some(bytes) = self.bytes(&arguments, row) else { continue };
            total = total.saturating_add(bytes);
            if total > TEXT_BYTES_MAX {
                return Err(too_long(inner.name()).into());
            }
        }
        inner.invoke_with_args(args)
    }
}

fn too_long(function: &str) -> Error {
    Error::limit(format!("requested length too large: {function} would make more than 1 GiB of text"))
        .with_hint("make a shorter text, or of fewer rows at once")
}

impl TextGrowth {
    /// The bytes of the text of a row; none where it is NULL.
    fn bytes(self, arguments: &[TextArgument], row: usize) -> Option<u64> {
        let text = arguments.first()?.text(row)?;
        let length = text.len() as u64;
        match self {
            Self::Repeated => {
                let times = u64::try_from(arguments.get(1)?.number(row)?).unwrap_or(0);
                Some(length.saturating_mul(times))
            }
            Self::Padded => {
                let chars = u64::try_from(arguments.get(1)?.number(row)?).unwrap_or(0);
                let fill = match arguments.get(2) {
                    Some(fill) => fill.text(row)?,
                    None => " ",
                };
                let is_ascii = text.is_ascii() && fill.is_ascii();
                let bytes = if is_ascii { chars } else { chars.saturating_mul(CHAR_BYTES_MAX) };
                Some(if fill.is_empty() { length } else { bytes })
            }
            Self::Replaced => {
                let (from, to) = (arguments.get(1)?.text(row)?, arguments.get(2)?.text(row)?);
                if from.is_empty() || to.len() <= from.len() {
                    return Some(length);
                }
                let most = (length / from.len() as u64).saturating_mul(to.len() as u64);
                if most <= TEXT_BYTES_MAX {
                    return Some(length.max(most));
                }
                let found = text.matches(from).count() as u64;
                Some(length.saturating_add(found.saturating_mul((to.len() - from.len()) as u64)))
            }
        }
    }
}

/// An argument of all rows, or one that is the same for each.
struct TextArgument {
    values: ArgumentValues,
    is_single: bool,
}

enum ArgumentValues {
    Texts(StringViewArray),
    Numbers(Int64Array),
}

impl TextArgument {
    fn of(value: &ColumnarValue) -> Result<Self> {
        let (array, is_single): (ArrayRef, bool) = match value {
            ColumnarValue::Array(array) => (Arc::clone(array), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
        };
        let values = if is_text(array.data_type()) || array.data_type().is_null() {
            ArgumentValues::Texts(cast(&array, &DataType::Utf8View)?.as_string_view().clone())
        } else {
            ArgumentValues::Numbers(cast(&array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
        };
        Ok(Self { values, is_single })
    }

    fn text(&self, row: usize) -> Option<&str> {
        let row = if self.is_single { 0 } else { row };
        match &self.values {
            ArgumentValues::Texts(texts) if texts.is_valid(row) => Some(texts.value(row)),
            _ => None,
        }
    }

    fn number(&self, row: usize) -> Option<i64> {
        let row = if self.is_single { 0 } else { row };
        match &self.values {
            ArgumentValues::Numbers(numbers) if numbers.is_valid(row) => Some(numbers.value(row)),
            _ => None,
        }
    }
}
