//! Text as an array, `'{a,"b, c",NULL}'::text[]`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, ListArray, StringArray},
    buffer::{NullBuffer, OffsetBuffer},
    compute::cast,
    datatypes::{DataType, FieldRef},
};
use datafusion::{
    common::{Result, ScalarValue, internal_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::super::text_casts::read;
use crate::{
    error::{Error, SqlState, quoted},
    types::ColumnType,
};

/// Text as an array of such elements; 22P02 where it is none.
pub(crate) fn read_array(element: FieldRef) -> ScalarUDF {
    ScalarUDF::new_from_impl(ReadArray { element, signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ReadArray {
    element: FieldRef,
    signature: Signature,
}

impl ScalarUDFImpl for ReadArray {
    fn name(&self) -> &'static str {
        "read_array"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::clone(&self.element)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return internal_err!("a cast has one operand") };
        let arrays = self.arrays(&value.to_array(1)?)?;
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&arrays, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(arrays),
        })
    }
}

impl ReadArray {
    fn arrays(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let texts = cast(texts, &DataType::Utf8View)?;
        let mut elements: Vec<Option<String>> = Vec::new();
        let mut lengths = Vec::with_capacity(texts.len());
        for text in texts.as_string_view() {
            let read = text.map(elements_of).transpose()?.unwrap_or_default();
            lengths.push(read.len());
            elements.extend(read);
        }
        let elements: ArrayRef = Arc::new(StringArray::from(elements));
        let element_type = self.element.data_type();
        let elements = read(&elements, ColumnType::from_arrow(element_type)?)?;
        let elements = cast(&elements, element_type)?;
        let nulls = texts.nulls().map(|nulls| NullBuffer::new(nulls.inner().clone()));
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(Arc::clone(&self.element), offsets, elements, nulls)?))
    }
}

/// The elements that an array's text has.
fn elements_of(text: &str) -> Result<Vec<Option<String>>> {
    let malformed =
        || Error::new(SqlState::InvalidTextRepresentation, format!("{} is not a valid array", quoted(text)));
    let inner =
        text.trim().strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).ok_or_else(malformed)?;
    let mut elements = Vec::new();
    if inner.trim().is_empty() {
        return Ok(elements);
    }
    let mut chars = inner.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut element = String::new();
        let is_quoted = chars.next_if_eq(&'"').is_some();
        loop {
            match chars.next() {
                Some('\\') => element.push(chars.next().ok_or_else(malformed)?),
                Some('"') if is_quoted => break,
                Some('{' | '}') if !is_quoted => {
                    return Err(Error::unsupported("text as an array of arrays")
                        .with_hint("write ARRAY[ARRAY[…], …]")
                        .into());
                }
                Some('"') => return Err(malformed().into()),
                Some(c) if is_quoted || c != ',' => element.push(c),
                None if is_quoted => return Err(malformed().into()),
                end => {
                    elements.push(unquoted(&element).ok_or_else(malformed)?);
                    match end {
                        Some(_) => break,
                        None => return Ok(elements),
                    }
                }
            }
        }
        if is_quoted {
            elements.push(Some(element));
            while chars.next_if(|c| c.is_whitespace()).is_some() {}
            match chars.next() {
                Some(',') => {}
                None => return Ok(elements),
                Some(_) => return Err(malformed().into()),
            }
        }
    }
}

/// An element without quotes: NULL, or text that is not empty.
fn unquoted(element: &str) -> Option<Option<String>> {
    let element = element.trim();
    match element {
        "" => None,
        null if null.eq_ignore_ascii_case("null") => Some(None),
        text => Some(Some(text.to_owned())),
    }
}
