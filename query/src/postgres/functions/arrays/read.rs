//! Text as an array, `'{a,"b, c",NULL}'::text[]`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, ListArray, StringArray},
    buffer::{NullBuffer, OffsetBuffer},
    compute::cast,
    datatypes::{DataType, FieldRef},
};
use datafusion::common::Result;

use super::super::casts::cast_values;
use crate::{
    error::{Error, SqlState, quoted},
    time::TimeZone,
};

/// Text as arrays of such elements; 22P02 where it is none.
pub(in crate::postgres::functions) fn read_arrays(
    texts: &ArrayRef,
    element: &FieldRef,
    zone: TimeZone,
) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8View)?;
    let mut elements: Vec<Option<String>> = Vec::new();
    let mut lengths = Vec::with_capacity(texts.len());
    for text in texts.as_string_view() {
        let read = text.map(elements_of).transpose()?.unwrap_or_default();
        lengths.push(read.len());
        elements.extend(read);
    }
    let elements: ArrayRef = Arc::new(StringArray::from(elements));
    let elements = cast_values(&elements, element.data_type(), zone)?;
    let nulls = texts.nulls().map(|nulls| NullBuffer::new(nulls.inner().clone()));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, nulls)?))
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
