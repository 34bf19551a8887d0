//! Running statements: one after the other, up to the first error or behind it.

use bygone::{StatementText, check_syntax, statements};

use crate::args::OnError;
use crate::connection::{Connection, Opener, statement_failure};
use crate::console::{Console, Placed, report_line};
use crate::failure::{Failure, Place, Report};
use crate::interrupt::Interrupts;
use crate::script::{Part, Script};
use crate::shell;

/// Everything a statement needs to be run and answered.
pub(crate) struct Runner<'a> {
    pub(crate) opener: Opener<'a>,
    pub(crate) console: Console,
    pub(crate) interrupts: Interrupts,
    /// Reaction of scripts to a statement that fails.
    pub(crate) on_error: OnError,
    /// Place of the statement that began the open transaction, or the last one.
    began: Option<Place>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        opener: Opener<'a>,
        console: Console,
        interrupts: Interrupts,
        on_error: OnError,
    ) -> Self {
        Self { opener, console, interrupts, on_error, began: None }
    }

    /// Runs scripts in order. A transaction may go over several of them, but not stay open at the end.
    pub(crate) async fn run_all(&mut self, mut scripts: Vec<Script>) -> Result<(), Failure> {
        let mut errors = Errors::default();
        let scripts_total = scripts.len();
        for (index, script) in scripts.iter_mut().enumerate() {
            let result = self.run_script(script).await;
            let result = result.map_err(|failure| failure.with_left(scripts_total - index - 1));
            if let Err(failure) = self.settle(result, &mut errors) {
                if self.opener.in_transaction() {
                    report_line("notice: the open transaction was rolled back");
                }
                return Err(failure);
            }
        }
        let ended = self.check_transaction_ended();
        self.settle(ended, &mut errors)?;
        errors.result()
    }

    async fn run_script(&mut self, script: &mut Script) -> Result<(), Failure> {
        if let Some(command) = script.shell_command() {
            return shell::run_command(self, command).await.map(|_| ());
        }
        let mut errors = Errors::default();
        while let Some(part) = script.next_part()? {
            let result = self.run_part(&part, script.source.as_deref()).await;
            self.settle(result, &mut errors)?;
        }
        errors.result()
    }

    /// Runs every statement of a part of a script.
    pub(crate) async fn run_part(&mut self, part: &Part, source: Option<&str>) -> Result<(), Failure> {
        let mut errors = Errors::default();
        let mut rest = statements(&part.text);
        while let Some(statement) = rest.next() {
            let result = match statement {
                Ok(statement) => self.run_of_script(part, source, statement).await,
                Err(error) => Err(statement_failure(&error, |position| {
                    let whole = Placed { start: part.start, source, ..Placed::alone(&part.text) };
                    whole.place(position)
                })),
            };
            if let Err(failure @ Failure::Output { .. }) = result {
                return Err(failure.with_left(rest.count()));
            }
            self.settle(result, &mut errors)?;
        }
        errors.result()
    }

    async fn run_of_script(
        &mut self,
        part: &Part,
        source: Option<&str>,
        statement: StatementText<'_>,
    ) -> Result<(), Failure> {
        let StatementText { text: sql, offset, first_word } = statement;
        let first_word = (!part.is_typed).then_some(first_word);
        let placed = Placed { sql, text: &part.text, offset, first_word, start: part.start, source };
        let was_open = self.opener.in_transaction();
        let result = self.run_one(placed).await;
        if !was_open && self.opener.in_transaction() {
            self.began = placed.place(None);
        }
        result
    }

    /// Runs one statement. Ctrl-C cancels it.
    pub(crate) async fn run_one(&mut self, statement: Placed<'_>) -> Result<(), Failure> {
        if self.opener.opened().is_none() {
            check_syntax(statement.sql)
                .map_err(|error| statement_failure(&error, |position| statement.place(position)))?;
        }
        let Self { opener, console, interrupts, .. } = self;
        let run = async { console.run(opener.open().await?, statement).await };
        interrupts.guard(run).await
    }

    /// Returns the connection, which is made when there is none yet.
    pub(crate) async fn connection(&mut self) -> Result<&Connection, Failure> {
        self.interrupts.guard(Box::pin(self.opener.open())).await
    }

    /// Reports a failure and notes it where the run goes on behind it; otherwise gives it back.
    fn settle(&mut self, result: Result<(), Failure>, errors: &mut Errors) -> Result<(), Failure> {
        match result {
            Err(failure) if self.on_error == OnError::Continue && failure.can_go_on() => {
                self.report(&failure)?;
                errors.note(&failure);
                Ok(())
            }
            result => result,
        }
    }

    /// Writes what a failure has to say, behind the rows in front of it.
    pub(crate) fn report(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.console.flush()?;
        if let Some(message) = failure.message() {
            report_line(&message);
        }
        Ok(())
    }

    fn check_transaction_ended(&self) -> Result<(), Failure> {
        if !self.opener.in_transaction() {
            return Ok(());
        }
        let report = Report {
            message: "the run ends inside a transaction, which is rolled back".to_owned(),
            hint: Some("end the transaction that begins here with COMMIT".to_owned()),
            place: self.began.clone(),
            ..Report::default()
        };
        Err(Failure::Statement { report: Box::new(report), is_corrupt: false })
    }
}

/// The errors behind which a run went on.
#[derive(Default)]
struct Errors {
    any: bool,
    is_corrupt: bool,
}

impl Errors {
    fn note(&mut self, failure: &Failure) {
        self.any = true;
        self.is_corrupt |= matches!(
            failure,
            Failure::Statement { is_corrupt: true, .. } | Failure::Reported { is_corrupt: true }
        );
    }

    fn result(self) -> Result<(), Failure> {
        if self.any { Err(Failure::Reported { is_corrupt: self.is_corrupt }) } else { Ok(()) }
    }
}
