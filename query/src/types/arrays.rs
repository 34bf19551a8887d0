//! The types of arrays.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

/// The type of the elements of an array; none for other types.
pub(crate) fn element_of(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            Some(element.data_type())
        }
        _ => None,
    }
}

/// The type of the elements that are no arrays themselves; the type itself if it is no array.
pub(crate) fn innermost(data_type: &DataType) -> &DataType {
    element_of(data_type).map_or(data_type, innermost)
}

/// The type of arrays of such elements.
pub(crate) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

/// The type of arrays inside each other, as `array` has them, with other elements.
pub(crate) fn with_innermost(array: &DataType, element: &DataType) -> DataType {
    match element_of(array) {
        Some(inner) => list_of(with_innermost(inner, element)),
        None => element.clone(),
    }
}
