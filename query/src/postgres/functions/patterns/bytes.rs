//! `LIKE` of bytes.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// Whether bytes match a pattern of bytes, in which `%` stands for any of them and `_` for one.
pub(crate) fn bytes_like() -> ScalarUDF {
    ScalarUDF::new_from_impl(BytesLike { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BytesLike {
    signature: Signature,
}

impl ScalarUDFImpl for BytesLike {
    fn name(&self) -> &'static str {
        "bytes_like"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let arrays = arrays.iter().map(|array| cast(array, &DataType::BinaryView));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let [values, patterns] = arrays.as_slice() else { return internal_err!("LIKE has two operands") };
        let pairs = values.as_binary_view().iter().zip(patterns.as_binary_view());
        let matches: BooleanArray =
            pairs.map(|(value, pattern)| Some(is_like(value?, &parts_of(pattern?)))).collect();
        let matches: ArrayRef = Arc::new(matches);
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&matches, 0)?));
        }
        Ok(ColumnarValue::Array(matches))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternByte {
    Byte(u8),
    One,
    Any,
}

fn parts_of(pattern: &[u8]) -> Vec<PatternByte> {
    let mut bytes = pattern.iter();
    let mut parts = Vec::with_capacity(pattern.len());
    while let Some(&byte) = bytes.next() {
        parts.push(match byte {
            b'%' => PatternByte::Any,
            b'_' => PatternByte::One,
            b'\\' => PatternByte::Byte(*bytes.next().unwrap_or(&b'\\')),
            byte => PatternByte::Byte(byte),
        });
    }
    parts
}

/// Goes back to the last `%` where the rest does not match.
fn is_like(value: &[u8], pattern: &[PatternByte]) -> bool {
    let (mut at, mut part) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while at < value.len() {
        match pattern.get(part) {
            Some(PatternByte::Any) => {
                last_any = Some((at, part));
                part += 1;
            }
            Some(PatternByte::One) => (at, part) = (at + 1, part + 1),
            Some(PatternByte::Byte(byte)) if *byte == value[at] => (at, part) = (at + 1, part + 1),
            _ => match last_any {
                Some((from, any)) => {
                    last_any = Some((from + 1, any));
                    (at, part) = (from + 1, any + 1);
                }
                None => return false,
            },
        }
    }
    pattern[part..].iter().all(|part| *part == PatternByte::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_match_as_texts_do() {
        for (value, pattern, matches) in [
            ("foobar", "foo%", true),
            ("foobar", "%o%r", true),
            ("foobar", "f_o%", true),
            ("foobar", "foo", false),
            ("foobar", "%x%", false),
            ("", "%", true),
            ("", "", true),
            ("a%", "a\\%", true),
            ("ab", "a\\%", false),
            ("aab", "%ab", true),
        ] {
            assert_eq!(
                is_like(value.as_bytes(), &parts_of(pattern.as_bytes())),
                matches,
                "{value} {pattern}"
            );
        }
    }
}
