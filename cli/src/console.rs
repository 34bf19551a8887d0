//! One statement from its text to its rows on standard output.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Stdout, Write};
use std::time::{Duration, Instant};

use futures::StreamExt;

use crate::connection::{Connection, statement_failure};
use crate::failure::{Failure, Place};
use crate::output::Format;

/// Where results go, and how they look.
pub(crate) struct Console {
    out: BufWriter<Stdout>,
    /// The format of rows.
    pub(crate) format: Format,
    /// Whether each statement says how long it took.
    pub(crate) timer: bool,
    /// Whether a statement without rows shows its tag (`CREATE TABLE`, `INSERT 0 5`): the shell's way.
    pub(crate) tags: bool,
}

/// A statement and where it stands, so that an error can point into the user's text.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The statement.
    pub(crate) sql: &'a str,
    /// The whole text it is part of, and the byte it starts at.
    pub(crate) script: &'a str,
    pub(crate) offset: usize,
    /// The name of the file, when there is one.
    pub(crate) source: Option<&'a str>,
}

impl<'a> Placed<'a> {
    /// A statement that is a text of its own.
    pub(crate) fn alone(sql: &'a str) -> Self {
        Self { sql, script: sql, offset: 0, source: None }
    }

    fn place(&self, line: u32, column: u32) -> Place {
        Place::locate(self.source, self.script, self.offset, line, column)
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
        let locate = |line, column| statement.place(line, column);
        let refused = |error| statement_failure(&error, Some(&locate));
        let outcome = connection.execute(statement.sql).await.map_err(refused)?;
        let mut told = BTreeSet::new();
        for notice in outcome.notices.iter().map(ToString::to_string) {
            if told.insert(notice.clone()) {
                report_line(&format!("notice: {notice}"));
            }
        }
        let Some(mut rows) = outcome.rows else {
            return if self.tags { self.say(&outcome.tag) } else { Ok(()) };
        };
        let mut writer = self.format.writer();
        writer.begin(&rows.schema(), &mut self.out).map_err(output_failure)?;
        while let Some(batch) = rows.next().await {
            writer.write(&batch.map_err(refused)?, &mut self.out).map_err(output_failure)?;
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
