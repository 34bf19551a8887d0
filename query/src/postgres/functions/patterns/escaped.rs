//! Patterns that are no literals, translated for each row; and `substring(a, b)` between the planner and the
//! first pass, which knows whether `b` is a position or a pattern.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::translate::{regular_expression, with_backslashes};
use crate::names::internal::{LIKE_PATTERN, SIMILAR_PATTERN, SUBSTRING};

pub(super) fn functions() -> Vec<ScalarUDF> {
    [
        (LIKE_PATTERN, Translation::Like),
        (SIMILAR_PATTERN, Translation::Similar),
        (SUBSTRING, Translation::None),
    ]
    .into_iter()
    .map(|(name, translation)| {
        let signature = Signature::any(2, Volatility::Immutable);
        ScalarUDF::new_from_impl(TranslatedPattern { name, translation, signature })
    })
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Translation {
    /// A pattern of LIKE and its escape character become one with a backslash for it.
    Like,
    /// A pattern of SIMILAR TO and its escape character become a regular expression.
    Similar,
    /// It is another function's place.
    None,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TranslatedPattern {
    name: &'static str,
    translation: Translation,
    signature: Signature,
}

impl ScalarUDFImpl for TranslatedPattern {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let translate = match self.translation {
            Translation::Like => with_backslashes,
            Translation::Similar => regular_expression,
            Translation::None => return internal_err!("substring was planned without its types"),
        };
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let arrays = arrays.iter().map(|array| cast(array, &DataType::Utf8View));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let [patterns, escapes] = arrays.as_slice() else { return internal_err!("a pattern has an escape") };
        let pairs = patterns.as_string_view().iter().zip(escapes.as_string_view());
        let translated = pairs.map(|(pattern, escape)| {
            let (Some(pattern), Some(escape)) = (pattern, escape) else { return Ok(None) };
            Ok(Some(translate(pattern, escape.chars().next())?))
        });
        let translated: ArrayRef = Arc::new(translated.collect::<Result<StringViewArray>>()?);
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&translated, 0)?));
        }
        Ok(ColumnarValue::Array(translated))
    }
}
