//! Functions that Postgres has and DataFusion has not, or only for text.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int32Array},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::{Result, internal_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    scalar::ScalarValue,
};

use super::{
    arrays, characters, coalesce::coalesce, domain, patterns, rounding, row_value::row_value, text_sizes,
    version::version,
};
use crate::postgres::exprs::is_text;

/// The functions that need no session.
pub(crate) fn scalar_functions() -> Vec<ScalarUDF> {
    [("sign", Kind::Sign), ("length", Kind::Chars), ("octet_length", Kind::Bytes)]
        .into_iter()
        .map(|(name, kind)| {
            let signature = Signature::any(1, Volatility::Immutable);
            ScalarUDF::new_from_impl(Scalar { name, kind, signature })
        })
        .chain([coalesce(), row_value(), version(), rounding::round(), characters::chr()])
        .chain(domain::functions())
        .chain(text_sizes::functions())
        .chain(arrays::functions())
        .chain(patterns::functions())
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// -1, 0 or 1.
    Sign,
    /// Characters of a text, bytes of bytes.
    Chars,
    /// Bytes of either.
    Bytes,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Scalar {
    name: &'static str,
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [data_type] = types else { return internal_err!("{} has one argument", self.name) };
        let is_null = data_type.is_null();
        match self.kind {
            Kind::Sign if is_null || data_type.is_numeric() => Ok(DataType::Float64),
            Kind::Chars | Kind::Bytes if is_null || is_text(data_type) || is_bytes(data_type) => {
                Ok(DataType::Int32)
            }
            _ => plan_err!("No function matches {}({data_type})", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("{} has one argument", self.name) };
        let answers = self.answer(&value.to_array(1)?)?;
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(answers),
        })
    }
}

impl Scalar {
    fn answer(&self, values: &ArrayRef) -> Result<ArrayRef> {
        if self.kind == Kind::Sign {
            let numbers = cast(values, &DataType::Float64)?;
            let sign = |number: f64| if number == 0.0 || number.is_nan() { number } else { number.signum() };
            let signs: Float64Array = numbers.as_primitive::<Float64Type>().unary(sign);
            return Ok(Arc::new(signs));
        }
        let lengths: Int32Array = if is_bytes(values.data_type()) {
            let values = cast(values, &DataType::BinaryView)?;
            values.as_binary_view().iter().map(|value| value.map(|value| value.len() as i32)).collect()
        } else {
            let values = cast(values, &DataType::Utf8View)?;
            let length = |text: &str| match self.kind {
                Kind::Chars => text.chars().count() as i32,
                _ => text.len() as i32,
            };
            values.as_string_view().iter().map(|value| value.map(length)).collect()
        };
        Ok(Arc::new(lengths))
    }
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}
