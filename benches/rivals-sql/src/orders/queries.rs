//! The queries on orders, and whether all stores answer the same.

use super::{Answer, Moment, Store, data};

/// Queries with few rows, by name; `{orders}` is the table at a moment, `{from}` and `{to}` a tenth of all
/// times.
pub const AGGREGATES: [(&str, &str); 4] = [
    ("group by status", "SELECT status, count(*), sum(amount) FROM {orders} GROUP BY status"),
    (
        "like Q1",
        "SELECT status, count(*), sum(amount), min(amount), max(amount), sum(amount * 2), min(ts), max(customer) \
         FROM {orders} WHERE ts < TIMESTAMP '{to}' GROUP BY status",
    ),
    (
        "like Q6",
        "SELECT count(*), sum(amount) FROM {orders} WHERE ts >= TIMESTAMP '{from}' AND ts < TIMESTAMP '{to}' \
         AND amount BETWEEN 50 AND 250",
    ),
    (
        "top 10 customers in a time range",
        "SELECT customer, sum(amount) AS total FROM {orders} WHERE ts >= TIMESTAMP '{from}' AND ts < TIMESTAMP '{to}' \
         GROUP BY customer ORDER BY total DESC, customer LIMIT 10",
    ),
];
/// All rows, all columns.
pub const ALL: &str = "SELECT id, customer, status, amount, ts, note FROM {orders}";

/// The first thing that is read after opening.
pub const FIRST: &str = "SELECT * FROM orders WHERE id = 1";

/// A query for a table of so many rows at a moment.
pub fn at(store: &dyn Store, sql: &str, moment: Moment, rows: usize) -> String {
    let time = |share: f64| {
        let seconds = (data::FIRST_TIME + (rows as f64 * share) as i64 * data::STEP) / 1_000_000;
        timestamp(seconds)
    };
    let (from, to) = (time(0.6), time(0.7));
    sql.replace("{orders}", &store.table(moment)).replace("{from}", &from).replace("{to}", &to)
}

/// Text of a time in seconds since 1970.
fn timestamp(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar, by eras of 400 years from March of the year 0 on.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// Answers of the first store to each question, and the stores that answered otherwise.
#[derive(Debug, Default)]
pub struct Answers {
    first: Vec<(String, Answer)>,
    compared: usize,
    differences: Vec<String>,
}

impl Answers {
    /// Compares an answer with that of the first store that was asked.
    pub fn check(&mut self, store: &str, question: &str, mut answer: Answer) {
        answer.sort();
        match self.first.iter().find(|(asked, _)| asked == question) {
            None => self.first.push((question.into(), answer)),
            Some((_, first)) => {
                self.compared += 1;
                if !same(first, &answer) {
                    eprintln!("{store}: {question}: {answer:?}\nbut the first store: {first:?}");
                    self.differences.push(format!("{store}: {question}"));
                }
            }
        }
    }

    /// Prints what was found; whether all answers were the same.
    pub fn print(&self) -> bool {
        println!(
            "\n{} answers compared with those of the first store, {} differ",
            self.compared,
            self.differences.len()
        );
        for difference in &self.differences {
            println!("* {difference}");
        }
        self.differences.is_empty()
    }
}

/// Whether two results are the same; numbers may be written and rounded in different ways.
pub fn same(left: &Answer, right: &Answer) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_row(left, right))
}

fn same_row(left: &[String], right: &[String]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| same_value(left.trim(), right.trim()))
}

fn same_value(left: &str, right: &str) -> bool {
    // Times may have a T, and zeros behind.
    let time = |text: &str| text.replace('T', " ").trim_end_matches('0').to_owned();
    if left == right || left.contains(':') && time(left) == time(right) {
        return true;
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= 0.01 + 1e-6 * left.abs(),
        _ => false,
    }
}
