//! The 22 queries with the parameters of which the answers are published.

use tpchgen::q_and_a::{answers_sf1, queries};

use crate::orders::Answer;

/// Number of queries.
pub const COUNT: usize = 22;

/// Parameters for `:1`, `:2` and so on, in query order.
const PARAMETERS: [&[&str]; COUNT] = [
    &["90"],
    &["15", "BRASS", "EUROPE"],
    &["BUILDING", "1995-03-15"],
    &["1993-07-01"],
    &["ASIA", "1994-01-01"],
    &["1994-01-01", "0.06", "24"],
    &["FRANCE", "GERMANY"],
    &["BRAZIL", "AMERICA", "ECONOMY ANODIZED STEEL"],
    &["green"],
    &["1993-10-01"],
    &["GERMANY", "0.0001"],
    &["MAIL", "SHIP", "1994-01-01"],
    &["special", "requests"],
    &["1995-09-01"],
    &["1996-01-01"],
    &["Brand#45", "MEDIUM POLISHED", "49", "14", "23", "45", "19", "3", "36", "9"],
    &["Brand#23", "MED BOX"],
    &["300"],
    &["Brand#12", "Brand#23", "Brand#34", "1", "10", "20"],
    &["forest", "1994-01-01", "CANADA"],
    &["SAUDI ARABIA"],
    &["13", "31", "23", "29", "30", "18", "17"],
];
/// The queries of which only the first rows count.
const LIMITS: [(usize, usize); 5] = [(2, 100), (3, 10), (10, 20), (18, 100), (21, 100)];
/// The view of query 15, which comes with a name for the stream that runs it.
const VIEW: (&str, &str, &str) = ("create view revenue:s", ";\nselect", "drop view revenue:s");

/// The text of a query, from 1.
pub fn text(number: usize) -> String {
    let mut sql = queries::query(number as i32).expect("there are 22 queries").trim().to_owned();
    if let Some(drop) = sql.find(VIEW.2) {
        sql.truncate(drop);
        sql = sql.replace(VIEW.0, "with revenue").replace(" as\n\tselect", " as (\n\tselect");
        sql = sql.replace(VIEW.1, ")\nselect").replace("revenue:s", "revenue");
    }
    for (place, value) in PARAMETERS[number - 1].iter().enumerate().rev() {
        sql = sql.replace(&format!(":{}", place + 1), value);
    }
    let sql = sql.replace("day (3)", "day").trim().trim_end_matches(';').to_owned();
    match LIMITS.iter().find(|(limited, _)| *limited == number) {
        Some((_, limit)) => format!("{sql} limit {limit}"),
        None => sql,
    }
}

/// The published answer at scale 1.
pub fn published(number: usize) -> Answer {
    let text = answers_sf1::answer(number as i32).expect("there are 22 answers");
    let lines = text.lines().filter(|line| !line.trim().is_empty()).skip(1);
    lines.map(|line| line.split('|').map(|value| value.trim().to_owned()).collect()).collect()
}

/// Whether a result is the published one, whose numbers are rounded to two digits. The keys of query 11 are
/// cut off there.
pub fn is_published(number: usize, answer: &Answer) -> bool {
    let published = published(number);
    let are_close = |left: &Answer, right: &Answer| {
        left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| {
                        is_close(left.trim(), right) || number == 11 && left.starts_with(right.as_str())
                    })
            })
    };
    // Rows that the query leaves in any order.
    let sorted = |answer: &Answer| {
        let mut rows = answer.clone();
        rows.sort_by_key(|row| row.iter().filter(|value| !value.contains('.')).cloned().collect::<Vec<_>>());
        rows
    };
    are_close(answer, &published) || are_close(&sorted(answer), &sorted(&published))
}

fn is_close(left: &str, right: &str) -> bool {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= 0.011 + 1e-6 * right.abs(),
        _ => left == right,
    }
}
