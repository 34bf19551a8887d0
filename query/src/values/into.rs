//! Rust values as parameters.

use bygone_engine::Timestamp;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use datafusion::common::ScalarValue;

use crate::types::UTC;

/// A type that can be the value of a parameter: integers, floats, `bool`, text, bytes, times,
/// [`ScalarValue`], and an `Option` of one of these, whose `None` is NULL.
pub trait IntoValue {
    /// The value.
    fn into_value(self) -> ScalarValue;
    /// NULL of this type.
    fn null() -> ScalarValue;
}

/// The values of `$1`, `$2`, … of one statement: `()` for none, a tuple, an array or a `Vec`.
///
/// ```
/// # use bygone_query::{IntoParameters, ScalarValue};
/// let parameters = (7_i64, "seven", None::<f64>).into_parameters();
/// assert_eq!(parameters[0], ScalarValue::Int64(Some(7)));
/// assert_eq!(parameters.len(), 3);
/// ```
pub trait IntoParameters {
    /// The values in their order.
    fn into_parameters(self) -> Vec<ScalarValue>;
}

macro_rules! into_value {
    ($($rust:ty => $variant:ident, $value:ident => $make:expr;)*) => {$(
        impl IntoValue for $rust {
            fn into_value(self) -> ScalarValue {
                let $value = self;
                ScalarValue::$variant(Some($make))
            }

            fn null() -> ScalarValue {
                ScalarValue::$variant(None)
            }
        }
    )*};
}

into_value! {
    bool => Boolean, value => value;
    i8 => Int16, value => i16::from(value);
    i16 => Int16, value => value;
    i32 => Int32, value => value;
    i64 => Int64, value => value;
    u8 => Int16, value => i16::from(value);
    u16 => Int32, value => i32::from(value);
    u32 => Int64, value => i64::from(value);
    f32 => Float32, value => value;
    f64 => Float64, value => value;
    String => Utf8, value => value;
    &str => Utf8, value => value.to_owned();
    &String => Utf8, value => value.clone();
    Vec<u8> => Binary, value => value;
    &[u8] => Binary, value => value.to_vec();
    NaiveDate => Date32, value => value.num_days_from_ce() - DAYS_TO_1970;
}

/// Days from the day before 1 January of the year 1 to 1 January 1970.
const DAYS_TO_1970: i32 = 719_163;

impl IntoValue for NaiveDateTime {
    fn into_value(self) -> ScalarValue {
        ScalarValue::TimestampMicrosecond(Some(self.and_utc().timestamp_micros()), None)
    }

    fn null() -> ScalarValue {
        ScalarValue::TimestampMicrosecond(None, None)
    }
}

impl IntoValue for DateTime<Utc> {
    fn into_value(self) -> ScalarValue {
        ScalarValue::TimestampMicrosecond(Some(self.timestamp_micros()), Some(UTC.into()))
    }

    fn null() -> ScalarValue {
        ScalarValue::TimestampMicrosecond(None, Some(UTC.into()))
    }
}

impl IntoValue for Timestamp {
    fn into_value(self) -> ScalarValue {
        let micros = i64::try_from(self.as_micros()).unwrap_or(i64::MAX);
        ScalarValue::TimestampMicrosecond(Some(micros), Some(UTC.into()))
    }

    fn null() -> ScalarValue {
        ScalarValue::TimestampMicrosecond(None, Some(UTC.into()))
    }
}

impl IntoValue for ScalarValue {
    fn into_value(self) -> ScalarValue {
        self
    }

    fn null() -> ScalarValue {
        ScalarValue::Null
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> ScalarValue {
        self.map_or_else(T::null, T::into_value)
    }

    fn null() -> ScalarValue {
        T::null()
    }
}

impl IntoParameters for () {
    fn into_parameters(self) -> Vec<ScalarValue> {
        Vec::new()
    }
}

impl<T: IntoValue> IntoParameters for Vec<T> {
    fn into_parameters(self) -> Vec<ScalarValue> {
        self.into_iter().map(T::into_value).collect()
    }
}

impl<T: IntoValue, const N: usize> IntoParameters for [T; N] {
    fn into_parameters(self) -> Vec<ScalarValue> {
        self.into_iter().map(T::into_value).collect()
    }
}

impl IntoParameters for &[ScalarValue] {
    fn into_parameters(self) -> Vec<ScalarValue> {
        self.to_vec()
    }
}

macro_rules! into_parameters {
    ($($name:ident $position:tt),+) => {
        impl<$($name: IntoValue),+> IntoParameters for ($($name,)+) {
            fn into_parameters(self) -> Vec<ScalarValue> {
                vec![$(self.$position.into_value()),+]
            }
        }
    };
}

into_parameters!(A 0);
into_parameters!(A 0, B 1);
into_parameters!(A 0, B 1, C 2);
into_parameters!(A 0, B 1, C 2, D 3);
into_parameters!(A 0, B 1, C 2, D 3, E 4);
into_parameters!(A 0, B 1, C 2, D 3, E 4, F 5);
into_parameters!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
into_parameters!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
