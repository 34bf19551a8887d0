//! Sums of doubles, of their squares and of their products around the means, by the method of Youngs and
//! Cramer, as in Postgres.

use super::queue::Summary;

/// The moments of pairs; of single values those of `y` stay zero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) sum_x: f64,
    pub(super) sum_y: f64,
    pub(super) squares_x: f64,
    pub(super) squares_y: f64,
    pub(super) products: f64,
    /// Whether a value was infinite or NaN, of which the squares become NaN.
    pub(super) has_non_finite: bool,
}

impl Summary for Moments {
    type Value = (f64, f64);

    fn add(&mut self, (x, y): (f64, f64)) {
        self.count += 1.0;
        self.sum_x += x;
        self.sum_y += y;
        if !x.is_finite() || !y.is_finite() {
            self.has_non_finite = true;
            self.spoil(x, y);
        }
        if self.count > 1.0 {
            let apart_x = x * self.count - self.sum_x;
            let apart_y = y * self.count - self.sum_y;
            let scale = self.count * (self.count - 1.0);
            self.squares_x += apart_x * apart_x / scale;
            self.squares_y += apart_y * apart_y / scale;
            self.products += apart_x * apart_y / scale;
        }
    }

    fn with(&self, other: &Self) -> Self {
        if self.count == 0.0 {
            return *other;
        }
        if other.count == 0.0 {
            return *self;
        }
        let count = self.count + other.count;
        let apart_x = self.sum_x / self.count - other.sum_x / other.count;
        let apart_y = self.sum_y / self.count - other.sum_y / other.count;
        let scale = self.count * other.count / count;
        Self {
            count,
            sum_x: self.sum_x + other.sum_x,
            sum_y: self.sum_y + other.sum_y,
            squares_x: self.squares_x + other.squares_x + scale * apart_x * apart_x,
            squares_y: self.squares_y + other.squares_y + scale * apart_y * apart_y,
            products: self.products + other.products + scale * apart_x * apart_y,
            has_non_finite: self.has_non_finite || other.has_non_finite,
        }
    }
}

impl Moments {
    pub(super) fn is_finite(&self) -> bool {
        [self.sum_x, self.sum_y, self.squares_x, self.squares_y, self.products]
            .iter()
            .all(|sum| sum.is_finite())
    }

    fn spoil(&mut self, x: f64, y: f64) {
        if !x.is_finite() {
            self.squares_x = f64::NAN;
        }
        if !y.is_finite() {
            self.squares_y = f64::NAN;
        }
        self.products = f64::NAN;
    }
}
