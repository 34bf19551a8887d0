//! Sizes in bytes as people write them.

use crate::error::{Error, Result, quoted};

/// Units, each 1,024 of the one before it; the first name of each is shown.
const UNITS: [&[&str]; 5] =
    [&["B", "bytes"], &["KiB", "KB", "K"], &["MiB", "MB", "M"], &["GiB", "GB", "G"], &["TiB", "TB", "T"]];

/// The bytes of a size such as `512 MiB`, `1.5GiB` or `65536`. `MB` is the same as `MiB`, as in Postgres;
/// capitals do not count.
///
/// # Errors
/// 22023 when it is none.
pub(crate) fn parse_size(text: &str) -> Result<usize> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let is_unit = |names: &&[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(unit));
    let power = if unit.is_empty() { Some(0) } else { UNITS.iter().position(is_unit) };
    let refused = || {
        Error::invalid_value(format!("{} is not a size", quoted(text)))
            .with_hint("write for instance '512 MiB' or '1.5 GiB'")
    };
    let power = power.ok_or_else(refused)?;
    let scale = 1_u64 << (10 * power);
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(scale).and_then(|bytes| usize::try_from(bytes).ok()),
        Err(_) => number
            .parse::<f64>()
            .ok()
            .map(|number| number * scale as f64)
            .filter(|bytes| *bytes < usize::MAX as f64)
            .map(|bytes| bytes as usize),
    };
    bytes.ok_or_else(refused)
}

/// A size in the largest unit of which it is a whole number.
pub(crate) fn show_size(bytes: usize) -> String {
    let largest = (0..UNITS.len()).rev().find(|power| {
        let scale = 1_u64 << (10 * power);
        bytes > 0 && (bytes as u64).is_multiple_of(scale)
    });
    let power = largest.unwrap_or(0);
    format!("{} {}", bytes as u64 >> (10 * power), UNITS[power][0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            ("512 MiB", 512 << 20),
            ("512MiB", 512 << 20),
            (" 512mb ", 512 << 20),
            ("64 kB", 64 << 10),
            ("64k", 64 << 10),
            ("1 GiB", 1 << 30),
            ("1.5GiB", 3 << 29),
            ("0.5 g", 1 << 29),
            ("2TB", 2 << 40),
            ("100 bytes", 100),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1 MiB",
            "1 PiB",
            "1,5 GiB",
            "1 MiB 2",
            "1.2.3 KiB",
            "99999999999 TiB",
            ".",
            "1e9",
            "∞",
        ] {
            assert_eq!(parse_size(text).unwrap_err().sqlstate(), "22023", "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_as_they_are_read() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_000, "1000 B"),
            (1_024, "1 KiB"),
            (1_536, "1536 B"),
            (512 << 20, "512 MiB"),
            (3 << 29, "1536 MiB"),
            (1 << 40, "1 TiB"),
        ] {
            assert_eq!(show_size(bytes), text);
            assert_eq!(parse_size(text).unwrap(), bytes);
        }
    }
}
