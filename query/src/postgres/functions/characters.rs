//! `chr`, which makes no character that a text cannot have.

use arrow::{
    array::AsArray,
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use datafusion::{
    common::{Result, internal_err},
    functions::string,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF},
};

use super::guarded::{Guard, guarded};
use crate::error::Error;

/// The last character that Unicode has.
const CHARACTER_MAX: i64 = 0x10_FFFF;

pub(super) fn chr() -> ScalarUDF {
    guarded(string::chr(), Character)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Character;

impl Guard for Character {
    fn call(&self, inner: &ScalarUDF, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [numbers] = args.args.as_slice() else { return internal_err!("chr has one argument") };
        let numbers = cast(&numbers.to_array(1)?, &DataType::Int64)?;
        numbers.as_primitive::<Int64Type>().iter().flatten().try_for_each(check)?;
        inner.invoke_with_args(args)
    }
}

/// Fails with 54000 for a number that is no character.
fn check(number: i64) -> Result<()> {
    let message = match number {
        ..0 => "character number must be positive".to_owned(),
        0 => "null character not permitted".to_owned(),
        0xD800..=0xDFFF => format!("requested character not valid for encoding: {number}"),
        1..=CHARACTER_MAX => return Ok(()),
        _ => format!("requested character too large for encoding: {number}"),
    };
    Err(Error::limit(message).into())
}
