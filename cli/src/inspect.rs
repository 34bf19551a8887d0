//! `bygone inspect FILE`: the structure of one file as text.

use std::io::{self, Write};

use bygone::printable;

use crate::failure::{Failure, Report};

/// Describes the file at `path` on standard output.
pub(crate) fn run(path: &str) -> Result<(), Failure> {
    let cannot = |why: String| Failure::Open {
        report: Box::new(Report { message: format!("cannot inspect {path}: {why}"), ..Report::default() }),
        is_corrupt: false,
    };
    let inspection = bygone::inspect(path)
        .map_err(|error| cannot(error.to_string()))?
        .ok_or_else(|| cannot("it is no file of a database".to_owned()))?;
    let mut out = io::stdout().lock();
    let lines = inspection.text.lines();
    lines
        .map(printable)
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Output { error, statements_left: 0 })?;
    match inspection.damages {
        0 => Ok(()),
        findings => Err(Failure::Damaged { findings, what: path.to_owned() }),
    }
}
