//! The rows: keys of 16 bytes, values of 100 bytes of which half can be compressed.

/// A key: a number with sixteen digits.
pub type Key = [u8; 16];
/// A value.
pub type Value = [u8; 100];

/// Distance of neighbouring keys; what lies between is missing.
const GAP: u64 = 7;
/// The half that all values share.
const PATTERN: &[u8; 50] = b"the half of the value that compression can do with";

/// Rows by number.
#[derive(Clone, Copy, Debug)]
pub struct Data {
    rows: usize,
}

impl Data {
    /// A data set of so many rows.
    pub fn new(rows: usize) -> Self {
        Self { rows }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The key of row `index`; keys rise with it.
    pub fn key(&self, index: usize) -> Key {
        digits(index as u64 * GAP)
    }

    /// A key behind that of row `index` which is not there.
    pub fn missing_key(&self, index: usize) -> Key {
        digits(index as u64 * GAP + 3)
    }

    /// The value of row `index` after `round` updates.
    pub fn value(&self, index: usize, round: u64) -> Value {
        let mut value = [0; 100];
        let mut random = Random::new((index as u64) << 8 | round);
        for chunk in value[..50].chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
        }
        value[50..].copy_from_slice(PATTERN);
        value
    }

    /// Row numbers in key order.
    pub fn in_order(&self) -> Vec<u32> {
        (0..self.rows as u32).collect()
    }

    /// Row numbers in an order that `seed` gives.
    pub fn shuffled(&self, seed: u64) -> Vec<u32> {
        let mut order = self.in_order();
        let mut random = Random::new(seed);
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        order
    }

    /// So many row numbers, with repetitions.
    pub fn sample(&self, count: usize, seed: u64) -> Vec<u32> {
        let mut random = Random::new(seed);
        (0..count).map(|_| random.below(self.rows) as u32).collect()
    }
}

fn digits(mut number: u64) -> Key {
    let mut key = [b'0'; 16];
    for digit in key.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    key
}

/// A small generator (splitmix64), so that every store sees the same rows.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "a generator does not end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
