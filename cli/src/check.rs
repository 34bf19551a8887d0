//! `bygone check DB`: one line for each finding, then what was looked at.

use std::io::{self, IsTerminal, Write};

use bygone::{CheckReport, printable};

use crate::connection::open_failure;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::progress::TerminalProgress;

/// Checks the database and writes the report to standard output.
pub(crate) async fn run(database: &str, shows_progress: bool) -> Result<(), Failure> {
    let interrupts = Interrupts::install(false);
    let progress = (shows_progress && io::stderr().is_terminal()).then(TerminalProgress::shared);
    let work =
        async { bygone::check(database, progress).await.map_err(|error| open_failure(&error, database)) };
    let report = Box::pin(interrupts.guard(work)).await?;
    let mut out = io::stdout().lock();
    write_report(&report, &mut out)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Output { error, statements_left: 0 })?;
    match report.findings.len() {
        0 => Ok(()),
        findings => Err(Failure::Damaged { findings, what: database.to_owned() }),
    }
}

fn write_report(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "corrupt: {}", printable(&finding.to_string()))?;
    }
    for (name, bytes) in &report.unreferenced {
        writeln!(out, "unreferenced: {} ({bytes} bytes)", printable(name))?;
    }
    let CheckReport { manifests, log_segments, log_commits, files, bytes, versions, .. } = report;
    writeln!(
        out,
        "checked: {manifests} manifests, {log_commits} commits in {log_segments} log segments, {versions} versions in \
         {files} files of {bytes} bytes"
    )?;
    match &report.rows {
        Some(rows) => {
            writeln!(
                out,
                "checked: {} rows of {} tables at {} moments",
                rows.rows, rows.tables, rows.moments
            )?;
        }
        None => writeln!(out, "not checked: the rows of the tables, because of the findings above")?,
    }
    if report.findings.is_empty() {
        writeln!(out, "ok")?;
    }
    Ok(())
}
