//! Keys: column values whose bytes compare as the values do.
//!
//! | kind | bytes |
//! |---|---|
//! | boolean | 0 or 1 |
//! | integers | big-endian, sign bit turned over |
//! | floats | big-endian; sign bit turned over, all bits when negative; −0 is 0, one NaN above all |
//! | text, bytes | the bytes, `00` as `00 FF`, ended by `00 01` |

use std::borrow::Cow;

use super::ColumnKind;

/// A value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue<'a> {
    /// False or true.
    Boolean(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// An integer of 128 bits.
    Wide(i128),
    /// A float.
    Float32(f32),
    /// A double.
    Float64(f64),
    /// Text, which is not known to be UTF-8, or bytes.
    Bytes(Cow<'a, [u8]>),
}

/// Appends a boolean.
pub fn push_bool(value: bool, out: &mut Vec<u8>) {
    out.push(u8::from(value));
}

/// Appends an integer of 16 bits.
pub fn push_i16(value: i16, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value ^ i16::MIN).to_be_bytes());
}

/// Appends an integer of 32 bits.
pub fn push_i32(value: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value ^ i32::MIN).to_be_bytes());
}

/// Appends an integer of 64 bits.
pub fn push_i64(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value ^ i64::MIN).to_be_bytes());
}

/// Appends an integer of 128 bits.
pub fn push_i128(value: i128, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value ^ i128::MIN).to_be_bytes());
}

/// Appends a float.
pub fn push_f32(value: f32, out: &mut Vec<u8>) {
    let bits = if value == 0.0 {
        0
    } else if value.is_nan() {
        f32::NAN.to_bits() & (u32::MAX >> 1)
    } else {
        value.to_bits()
    };
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

/// Appends a double.
pub fn push_f64(value: f64, out: &mut Vec<u8>) {
    let bits = if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits() & (u64::MAX >> 1)
    } else {
        value.to_bits()
    };
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

/// Appends text or bytes.
pub fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        out.extend_from_slice(&rest[..zero]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 1]);
}

/// Takes one value of the kind off the front of a key. `None` when the bytes cannot be one.
pub fn take<'a>(kind: ColumnKind, key: &mut &'a [u8]) -> Option<KeyValue<'a>> {
    fn fixed<const N: usize>(key: &mut &[u8]) -> Option<[u8; N]> {
        let (head, tail) = key.split_first_chunk::<N>()?;
        *key = tail;
        Some(*head)
    }
    Some(match kind {
        ColumnKind::Boolean => match fixed::<1>(key)? {
            [0] => KeyValue::Boolean(false),
            [1] => KeyValue::Boolean(true),
            _ => return None,
        },
        ColumnKind::Int16 => KeyValue::Int(i64::from(i16::from_be_bytes(fixed(key)?) ^ i16::MIN)),
        ColumnKind::Int32 => KeyValue::Int(i64::from(i32::from_be_bytes(fixed(key)?) ^ i32::MIN)),
        ColumnKind::Int64 => KeyValue::Int(i64::from_be_bytes(fixed(key)?) ^ i64::MIN),
        ColumnKind::Int128 => KeyValue::Wide(i128::from_be_bytes(fixed(key)?) ^ i128::MIN),
        ColumnKind::Float32 => {
            let bits = u32::from_be_bytes(fixed(key)?);
            KeyValue::Float32(f32::from_bits(if bits >> 31 == 1 { bits ^ 1 << 31 } else { !bits }))
        }
        ColumnKind::Float64 => {
            let bits = u64::from_be_bytes(fixed(key)?);
            KeyValue::Float64(f64::from_bits(if bits >> 63 == 1 { bits ^ 1 << 63 } else { !bits }))
        }
        ColumnKind::Text | ColumnKind::Bytes => KeyValue::Bytes(unescape(key)?),
    })
}

fn unescape<'a>(key: &mut &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let bytes: &'a [u8] = key;
    let zero = bytes.iter().position(|byte| *byte == 0)?;
    if bytes.get(zero + 1) == Some(&1) {
        *key = &bytes[zero + 2..];
        return Some(Cow::Borrowed(&bytes[..zero]));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let zero = rest.iter().position(|byte| *byte == 0)?;
        out.extend_from_slice(&rest[..zero]);
        match rest.get(zero + 1)? {
            0xFF => out.push(0),
            1 => {
                *key = &rest[zero + 2..];
                return Some(Cow::Owned(out));
            }
            _ => return None,
        }
        rest = &rest[zero + 2..];
    }
}
