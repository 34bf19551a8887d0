//! One statement from its text to its rows on standard output.
//!
//! Nothing is written before the first rows are there: a statement that fails at once leaves standard output
//! as it was. One that fails later has begun its answer, and an unfinished document (JSON without `]`) goes
//! with the status 1.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Stdout, Write};
use std::time::{Duration, Instant};

use bygone::{Position, printable};
use futures::StreamExt;

use crate::connection::{Connection, statement_failure};
use crate::failure::{Failure, Place, byte_at};
use crate::output::Format;

/// Destination and format of results.
pub(crate) struct Console {
    out: BufWriter<Stdout>,
    /// The format of rows.
    pub(crate) format: Format,
    /// Whether each statement says how long it took.
    pub(crate) timer: bool,
    /// Whether a statement without rows shows its tag (`CREATE TABLE`, `INSERT 0 5`) on standard error: the
    /// shell's way.
    pub(crate) tags: bool,
}

/// A statement and where it stands, so that an error can point into the user's text.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The statement.
    pub(crate) sql: &'a str,
    /// The text it is part of, and the byte it starts at.
    pub(crate) text: &'a str,
    pub(crate) offset: usize,
    /// The byte of its first word, which stands for it where an error names no place in it; `None` where the
    /// user sees which statement it is.
    pub(crate) first_word: Option<usize>,
    /// Line and column at which the text begins in its source.
    pub(crate) start: (u32, u32),
    /// The name of the file, when there is one.
    pub(crate) source: Option<&'a str>,
}

impl<'a> Placed<'a> {
    /// A statement that is a text of its own.
    pub(crate) fn alone(sql: &'a str) -> Self {
        Self { sql, text: sql, offset: 0, first_word: None, start: (1, 1), source: None }
    }

    /// Returns the place of a position inside the statement, or of the statement.
    pub(crate) fn place(&self, position: Option<Position>) -> Option<Place> {
        let inside = position.map(|at| byte_at(self.text, self.offset, at.line, at.column));
        let offset = inside.or(self.first_word)?;
        Some(Place::locate(self.source, self.text, self.start, offset))
    }
}

impl Console {
    pub(crate) fn new(format: Format, timer: bool) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout()), format, timer, tags: false }
    }

    /// Runs a statement and writes what it answers. Rows are written as they arrive.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the statement; rows written so far stay written.
    pub(crate) async fn run(
        &mut self,
        connection: &Connection,
        statement: Placed<'_>,
    ) -> Result<(), Failure> {
        let started = now();
        let result = self.answer(connection, statement).await;
        if self.timer {
            report_line(&format!("time: {}", show_duration(started.elapsed())));
        }
        result
    }

    async fn answer(&mut self, connection: &Connection, statement: Placed<'_>) -> Result<(), Failure> {
        let refused = |error| statement_failure(&error, |position| statement.place(position));
        let outcome = connection.execute(statement.sql).await.map_err(refused)?;
        let mut told = BTreeSet::new();
        for notice in outcome.notices.iter().map(ToString::to_string) {
            if told.insert(notice.clone()) {
                report_line(&format!("notice: {notice}"));
            }
        }
        let Some(mut rows) = outcome.rows else {
            if self.tags {
                report_line(&printable(&outcome.tag));
            }
            return Ok(());
        };
        let mut batch = rows.next().await.transpose().map_err(refused)?;
        let mut writer = self.format.writer();
        writer.begin(&rows.schema(), &mut self.out).map_err(output_failure)?;
        while let Some(rows_of_batch) = batch {
            writer.write(&rows_of_batch, &mut self.out).map_err(output_failure)?;
            batch = rows.next().await.transpose().map_err(refused)?;
        }
        writer.finish(&mut self.out).and_then(|()| self.out.flush()).map_err(output_failure)
    }

    /// Writes a line to standard output.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(output_failure)
    }

    /// Writes out what is buffered, for instance the rows before an error.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(output_failure)
    }
}

fn output_failure(error: io::Error) -> Failure {
    Failure::Output { error, statements_left: 0 }
}

/// Writes a line to standard error; a closed standard error cannot be reported anywhere.
pub(crate) fn report_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[expect(clippy::disallowed_methods, reason = "the timer measures what the person at the terminal waits for")]
fn now() -> Instant {
    Instant::now()
}

fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1_000.0;
    if milliseconds < 1_000.0 {
        format!("{milliseconds:.3} ms")
    } else {
        format!("{:.3} s", milliseconds / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_milliseconds_below_a_second() {
        assert_eq!(show_duration(Duration::from_micros(12_345)), "12.345 ms");
        assert_eq!(show_duration(Duration::from_millis(61_500)), "61.500 s");
    }
}
