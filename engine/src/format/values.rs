//! Chunk V of the opaque layout: one binary column.

use bytes::Bytes;

use super::{Damage, Encoding};

/// Appends the values of one page and says how they are encoded. `ends[i]` is where value `i` ends in `data`.
///
/// - CONSTANT: the value that all rows have.
/// - FIXED: the values, all of one length, one after another.
/// - PLAIN: `rows + 1` offsets of four bytes, then the values.
pub fn encode_values(data: &[u8], ends: &[u32], out: &mut Vec<u8>) -> Encoding {
    let Some(&first_end) = ends.first() else { return Encoding::Absent };
    let stride = first_end as usize;
    let fixed = ends.iter().enumerate().all(|(i, &end)| end as usize == stride * (i + 1));
    if fixed {
        let first = &data[..stride];
        let constant = stride == 0 || data.chunks_exact(stride).all(|value| value == first);
        out.extend_from_slice(if constant { first } else { data });
        return if constant { Encoding::Constant } else { Encoding::Fixed };
    }
    out.reserve(4 + ends.len() * 4 + data.len());
    out.extend_from_slice(&0_u32.to_le_bytes());
    for end in ends {
        out.extend_from_slice(&end.to_le_bytes());
    }
    out.extend_from_slice(data);
    Encoding::Plain
}

/// The values of one page, still encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChunk {
    shape: Shape,
    /// Offsets, in the PLAIN encoding.
    offsets: Bytes,
    data: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Constant,
    Fixed(usize),
    Plain,
}

impl ValueChunk {
    /// Decodes a chunk of `rows` rows.
    ///
    /// # Errors
    /// The encoding is not one of values, or lengths and offsets do not fit.
    pub fn decode(encoding: Encoding, raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        match encoding {
            Encoding::Constant => {
                Ok(Self { shape: Shape::Constant, offsets: Bytes::new(), data: raw.clone() })
            }
            Encoding::Fixed => {
                if rows == 0 || !raw.len().is_multiple_of(rows) {
                    return Err(Damage::new(
                        0,
                        format!("{} bytes for {rows} values of one length", raw.len()),
                    ));
                }
                Ok(Self { shape: Shape::Fixed(raw.len() / rows), offsets: Bytes::new(), data: raw.clone() })
            }
            Encoding::Plain => Self::decode_plain(raw, rows),
            other => Err(Damage::new(0, format!("encoding {other:?} does not hold values"))),
        }
    }

    fn decode_plain(raw: &Bytes, rows: usize) -> Result<Self, Damage> {
        let offsets_len = rows.checked_add(1).and_then(|count| count.checked_mul(4));
        let Some(offsets_len) = offsets_len.filter(|&len| len <= raw.len()) else {
            return Err(Damage::new(0, format!("{} bytes for the offsets of {rows} values", raw.len())));
        };
        let (offsets, data) = (raw.slice(..offsets_len), raw.slice(offsets_len..));
        let mut last = 0;
        let mut rising = true;
        for offset in offsets.as_chunks::<4>().0 {
            let offset = u32::from_le_bytes(*offset);
            rising &= last <= offset;
            last = offset;
        }
        let from_zero = offsets[..4] == [0; 4];
        if !rising || !from_zero || last as usize != data.len() {
            return Err(Damage::new(0, "value offsets do not cover the values"));
        }
        Ok(Self { shape: Shape::Plain, offsets, data })
    }

    /// The value of row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        let (start, end) = self.range(row);
        &self.data[start..end]
    }

    /// The value of row `row`, sharing the chunk's memory.
    #[inline]
    pub fn get_bytes(&self, row: usize) -> Bytes {
        let (start, end) = self.range(row);
        self.data.slice(start..end)
    }

    /// Bytes in memory.
    pub fn weight(&self) -> usize {
        self.offsets.len() + self.data.len()
    }

    #[inline]
    fn range(&self, row: usize) -> (usize, usize) {
        match self.shape {
            Shape::Constant => (0, self.data.len()),
            Shape::Fixed(stride) => (row * stride, row * stride + stride),
            Shape::Plain => {
                let pair: [u8; 8] = self.offsets[row * 4..row * 4 + 8].try_into().unwrap_or_default();
                let pair = u64::from_le_bytes(pair);
                ((pair as u32) as usize, (pair >> 32) as usize)
            }
        }
    }
}
