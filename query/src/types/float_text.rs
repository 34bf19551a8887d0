//! The text of a float: the shortest that reads back as the same number, with an exponent where Postgres has
//! one.

/// Digits before the point up to which a `DOUBLE PRECISION` has no exponent.
const DOUBLE_DIGITS: i32 = 15;

/// As [`DOUBLE_DIGITS`], of a `REAL`.
const REAL_DIGITS: i32 = 6;

/// The text of a `DOUBLE PRECISION`: `1.5`, `1e+15`, `Infinity`, `NaN`.
pub(crate) fn double_text(value: f64) -> String {
    if value.is_finite() {
        shortest(&format!("{value:e}"), DOUBLE_DIGITS)
    } else {
        non_finite(value).to_owned()
    }
}

/// The text of a `REAL`.
pub(crate) fn real_text(value: f32) -> String {
    if value.is_finite() {
        shortest(&format!("{value:e}"), REAL_DIGITS)
    } else {
        non_finite(f64::from(value)).to_owned()
    }
}

fn non_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Rust's `-1.25e-7` with the point where Postgres has it.
fn shortest(scientific: &str, digits_max: i32) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..digits_max).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let (sign, unsigned) = match mantissa.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", mantissa),
    };
    let digits = unsigned.replace('.', "");
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    }
    let before_point = exponent as usize + 1;
    if digits.len() <= before_point {
        return format!("{sign}{digits}{}", "0".repeat(before_point - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..before_point], &digits[before_point..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_in_postgres() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1_234_567_890_123_456.0, "1.234567890123456e+15"),
            (1e300, "1e+300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double_text(value), text);
        }
    }

    #[test]
    fn reals_are_written_as_in_postgres() {
        for (value, text) in [
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.3, "0.3"),
            (1e-5, "1e-05"),
            (f32::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(real_text(value), text);
        }
    }
}
