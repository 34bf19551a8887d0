//! A transaction between its statements.

use std::sync::Arc;

use bygone_mvcc::{Savepoint, Transaction};

use crate::{
    error::{Error, Result},
    moment::OpenMoment,
};

/// A transaction that the user began.
#[derive(Debug)]
pub(crate) struct OpenTransaction {
    pub transaction: Arc<Transaction>,
    /// A statement failed: only the end of the transaction, or a savepoint, is accepted.
    pub failed: bool,
    /// The point of `BEGIN … AS OF`, in words.
    pub point: Option<String>,
    /// Moment that is read when there is such a point.
    pub moment: Option<Arc<OpenMoment>>,
    savepoints: Vec<(String, Savepoint)>,
    /// Tags of its statements, for the commit's record.
    pub statements: Vec<String>,
}

impl OpenTransaction {
    /// A transaction that begins. `point` is that of `BEGIN … AS OF`, in words, and `moment` what is read
    /// then.
    pub(crate) fn new(
        transaction: Transaction,
        point: Option<String>,
        moment: Option<Arc<OpenMoment>>,
    ) -> Self {
        Self {
            transaction: Arc::new(transaction),
            failed: false,
            point,
            moment,
            savepoints: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// `SAVEPOINT name`.
    pub(crate) fn save(&mut self, name: &str) -> Result<()> {
        let savepoint = self.transaction.savepoint()?;
        self.savepoints.push((name.to_owned(), savepoint));
        Ok(())
    }

    /// `RELEASE SAVEPOINT name`.
    pub(crate) fn release(&mut self, name: &str) -> Result<()> {
        let (index, savepoint) = self.savepoint(name)?;
        self.transaction.release(savepoint)?;
        self.savepoints.truncate(index);
        Ok(())
    }

    /// `ROLLBACK TO SAVEPOINT name`: what failed since is forgotten.
    pub(crate) fn rollback_to(&mut self, name: &str) -> Result<()> {
        let (index, savepoint) = self.savepoint(name)?;
        self.transaction.rollback_to(savepoint)?;
        self.savepoints.truncate(index + 1);
        self.failed = false;
        Ok(())
    }

    fn savepoint(&self, name: &str) -> Result<(usize, Savepoint)> {
        self.savepoints
            .iter()
            .enumerate()
            .rev()
            .find(|(_, (known, _))| known == name)
            .map(|(index, (_, savepoint))| (index, *savepoint))
            .ok_or_else(|| Error::no_savepoint(name))
    }
}
