//! Figures of several stores about the same work, as one table.

use crate::report::{Samples, compact};

/// A table with a row for each figure and a column for each store, printed when all of it is known.
#[derive(Debug)]
pub struct Comparison {
    title: String,
    stores: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    unit: String,
    cells: Vec<Option<Samples>>,
}

impl Comparison {
    /// A table without rows.
    pub fn new(title: &str) -> Self {
        Self { title: title.into(), stores: Vec::new(), rows: Vec::new() }
    }

    /// Adds a figure, and says so on standard error.
    pub fn add(&mut self, store: &str, what: &str, samples: Samples, unit: &str) {
        eprintln!("{store}: {what}: {} {unit}", compact(samples.median()));
        let column = self.stores.iter().position(|known| known == store).unwrap_or_else(|| {
            self.stores.push(store.into());
            self.stores.len() - 1
        });
        let row = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what: what.into(), unit: unit.into(), cells: Vec::new() });
            self.rows.len() - 1
        });
        let cells = &mut self.rows[row].cells;
        cells.resize_with(cells.len().max(column + 1), || None);
        cells[column] = Some(samples);
    }

    /// Adds a figure that was taken once.
    pub fn add_value(&mut self, store: &str, what: &str, value: f64, unit: &str) {
        let mut samples = Samples::default();
        samples.push(value);
        self.add(store, what, samples, unit);
    }

    /// The median of a figure.
    pub fn median(&self, store: &str, what: &str) -> Option<f64> {
        let column = self.stores.iter().position(|known| known == store)?;
        let row = self.rows.iter().find(|row| row.what == what)?;
        row.cells.get(column)?.as_ref().map(Samples::median)
    }

    /// Prints the table: medians with the least and the most, and for others than the first store how many
    /// times as good as theirs its figure is.
    pub fn print(&self) {
        println!("\n{}\n", self.title);
        println!("| what | unit | {} |", self.stores.join(" | "));
        println!("|---|---{}|", "|---".repeat(self.stores.len()));
        for row in &self.rows {
            let first = row.cells.first().and_then(Option::as_ref).map(Samples::median);
            let cells = (0..self.stores.len()).map(|column| match row.cells.get(column) {
                Some(Some(samples)) if column == 0 => describe(samples),
                Some(Some(samples)) => {
                    format!("{}{}", describe(samples), ratio(row, first, samples.median()))
                }
                _ => "–".into(),
            });
            println!("| {} | {} | {} |", row.what, row.unit, cells.collect::<Vec<_>>().join(" | "));
        }
    }
}

fn describe(samples: &Samples) -> String {
    let median = compact(samples.median());
    if samples.len() < 2 {
        return median;
    }
    format!("{median} ({} – {})", compact(samples.quantile(0.0)), compact(samples.quantile(1.0)))
}

/// Ratio of the first store to another: above 1 the first is ahead.
fn ratio(row: &Row, first: Option<f64>, other: f64) -> String {
    let Some(first) = first.filter(|&first| first > 0.0 && other > 0.0) else { return String::new() };
    let ratio = if row.unit.ends_with("/s") { first / other } else { other / first };
    format!(", {} ×", compact(ratio))
}
