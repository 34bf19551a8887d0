//! Figures and the table they are printed as.

use std::time::Duration;

/// Repeated measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds the rate at which `count` things were done in `elapsed`.
    pub fn push_rate(&mut self, count: usize, elapsed: Duration) {
        self.push(count as f64 / elapsed.as_secs_f64());
    }

    /// The value that a `share` of the samples do not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let index = ((sorted.len() - 1) as f64 * share).round() as usize;
        sorted[index]
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// Target for a figure.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Nothing: it is there for comparison.
    None,
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Target {
    fn describe(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtLeast(limit) => format!("≥ {}", compact(limit)),
            Self::AtMost(limit) => format!("≤ {}", compact(limit)),
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        match self {
            Self::None => "",
            Self::AtLeast(limit) => mark(value >= limit),
            Self::AtMost(limit) => mark(value <= limit),
        }
    }
}

fn mark(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// The table; every row is printed as soon as it is known.
#[derive(Debug, Default)]
pub struct Report;

impl Report {
    /// Prints the head.
    pub fn start(title: &str) -> Self {
        println!("{title}\n");
        println!("| what | median | least – most | unit | target | |");
        println!("|---|---|---|---|---|---|");
        Self
    }

    /// Prints one row and returns its median.
    pub fn row(&self, what: &str, samples: &Samples, unit: &str, target: Target) -> f64 {
        let median = samples.median();
        let spread = if samples.len() > 1 {
            format!("{} – {}", compact(samples.quantile(0.0)), compact(samples.quantile(1.0)))
        } else {
            String::new()
        };
        println!(
            "| {what} | {} | {spread} | {unit} | {} | {} |",
            compact(median),
            target.describe(),
            target.verdict(median)
        );
        median
    }

    /// Prints a row of one value.
    pub fn value(&self, what: &str, value: f64, unit: &str, target: Target) {
        self.row(what, &Samples(vec![value]), unit, target);
    }
}

/// Three digits, with k and M.
pub fn compact(value: f64) -> String {
    let (scaled, unit) = match value {
        v if v >= 1e6 => (v / 1e6, " M"),
        v if v >= 1e4 => (v / 1e3, " k"),
        v => (v, ""),
    };
    let digits = if scaled >= 100.0 {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$}{unit}")
}
