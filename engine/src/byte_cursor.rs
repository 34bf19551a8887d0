//! Bounded reading of a byte slice.

/// Bytes that are not what an encoder writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset in the decoded slice, in bytes.
    pub offset: u64,
    /// Description of the mismatch.
    pub detail: String,
}

impl Damage {
    /// Damage at `offset` of the decoded slice.
    pub fn new(offset: usize, detail: impl Into<String>) -> Self {
        Self { offset: offset as u64, detail: detail.into() }
    }
}

/// Reads little-endian fields from a slice; running past its end is [`Damage`].
#[derive(Clone, Debug)]
pub(crate) struct ByteCursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ByteCursor<'a> {
    /// A cursor at the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// Fewer than `len` are left.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        if len > self.remaining() {
            return Err(Damage::new(self.at, format!("{len} bytes expected, {} left", self.remaining())));
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// Fewer than `N` are left.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next byte.
    ///
    /// # Errors
    /// Nothing is left.
    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        Ok(self.array::<1>()?[0])
    }

    /// The next two bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub(crate) fn u16(&mut self) -> Result<u16, Damage> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// The next four bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The next eight bytes, little-endian.
    ///
    /// # Errors
    /// Fewer are left.
    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `count` numbers of eight bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub(crate) fn u64s(&mut self, count: usize) -> Result<Vec<u64>, Damage> {
        let bytes = self.take(self.product(count, 8)?)?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect())
    }

    /// The next `count` numbers of four bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub(crate) fn u32s(&mut self, count: usize) -> Result<Vec<u32>, Damage> {
        let bytes = self.take(self.product(count, 4)?)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect())
    }

    /// Says that everything was read.
    ///
    /// # Errors
    /// Something is left.
    pub(crate) fn finish(&self) -> Result<(), Damage> {
        if self.remaining() == 0 {
            Ok(())
        } else {
            Err(Damage::new(self.at, format!("{} bytes too many", self.remaining())))
        }
    }

    fn product(&self, count: usize, width: usize) -> Result<usize, Damage> {
        count.checked_mul(width).ok_or_else(|| Damage::new(self.at, format!("{count} entries are too many")))
    }
}
