//! Space that each snapshot refers to, and that dropping some would free.

use std::collections::BTreeSet;

use bygone_engine::{Holder, KeyspaceSpace, Size};

use crate::{Error, Result, Snapshot, Snapshots};

/// The space of the database, by keyspace and by snapshot. Meaning and exactness of the figures are given at
/// [`bygone_engine::Engine::space`].
#[derive(Clone, Debug)]
pub struct SpaceReport {
    /// All snapshots, by name. Snapshots that have expired hold what they hold until maintenance drops them.
    pub snapshots: Vec<Snapshot>,
    /// Each keyspace that stores something. `referenced` and `exclusive` have an entry for each snapshot.
    pub keyspaces: Vec<KeyspaceSpace>,
}

impl SpaceReport {
    /// Space that dropping the snapshots that were asked for would free, in all keyspaces.
    pub fn freed(&self) -> Size {
        self.sum(|keyspace| keyspace.freed)
    }

    /// The sum of a figure over all keyspaces.
    pub fn sum(&self, figure: impl Fn(&KeyspaceSpace) -> Size) -> Size {
        let mut sum = Size::default();
        self.keyspaces.iter().for_each(|keyspace| sum += figure(keyspace));
        sum
    }
}

impl Snapshots {
    /// Accounts for the space of the database, and for what dropping `dropped` together would free.
    ///
    /// # Errors
    /// [`Error::NotFound`]; those of reading.
    ///
    /// # Cost
    /// As [`bygone_engine::Engine::space`].
    pub async fn space(&self, dropped: &[impl AsRef<str>]) -> Result<SpaceReport> {
        let snapshots = self.list().await?;
        let mut numbers = BTreeSet::new();
        for name in dropped.iter().map(AsRef::as_ref) {
            match snapshots.iter().position(|snapshot| snapshot.name == name) {
                Some(number) => _ = numbers.insert(number),
                // Names what looks like it.
                None => _ = self.get(name).await?,
            }
        }
        let holders: Vec<Holder> = snapshots
            .iter()
            .map(|snapshot| Holder { at: snapshot.at, scope: snapshot.scope.engine_scope() })
            .collect();
        let keyspaces = self.store().engine().space(&holders, &numbers).await.map_err(Error::from)?;
        Ok(SpaceReport { snapshots, keyspaces })
    }
}
