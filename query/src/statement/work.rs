//! Transaction that a statement writes into, and its commit.

use std::sync::Arc;

use bygone_engine::types::{KeyspaceId, Timestamp};
use bygone_mvcc::{CommitMeta, Transaction, system};

use super::{Context, Database, Outcome};
use crate::{catalog::CatalogState, error::Result, moment::Reader};

/// Transaction that a statement writes into.
#[derive(Debug)]
pub(crate) struct Work {
    pub transaction: Arc<Transaction>,
    /// The statement is a transaction of its own.
    pub autocommit: bool,
}

/// Outcome of a statement that writes.
pub(crate) struct WriteOutcome {
    pub outcome: Outcome,
    /// The names of the tables it wrote into.
    pub tables: Vec<String>,
}

impl WriteOutcome {
    pub(crate) fn new(outcome: Outcome, tables: Vec<String>) -> Self {
        Self { outcome, tables }
    }
}

impl Context<'_> {
    /// Transaction that the statement writes into: the open transaction, or one of its own.
    pub(crate) fn begin_work(&self) -> Result<Work> {
        self.check_writable()?;
        let (transaction, autocommit) = match &self.session.transaction {
            Some(open) => (Arc::clone(&open.transaction), false),
            None => (Arc::new(self.database.store.begin()), true),
        };
        Ok(Work { transaction, autocommit })
    }

    /// Metadata of the commit of a statement.
    pub(crate) fn meta(&self, tag: &str, tables: Vec<String>) -> CommitMeta {
        CommitMeta {
            author: self.session.settings.commit_author.clone(),
            message: self.session.settings.commit_message.clone(),
            annotations: self.session.settings.commit_annotations.clone(),
            statement: Some(tag.to_owned()),
            tables,
        }
    }

    /// Commits a statement's work if it is a transaction of its own.
    pub(crate) async fn finish_work(
        &mut self,
        work: &Work,
        tag: &str,
        tables: Vec<String>,
    ) -> Result<Option<Timestamp>> {
        let meta = self.meta(tag, tables);
        if !work.autocommit {
            if let Some(open) = &mut self.session.transaction {
                open.statements.push(tag.to_owned());
            }
            work.transaction.annotate(CommitMeta { tables: meta.tables, ..CommitMeta::default() })?;
            // Many small statements come to much as well.
            work.transaction.spill_beyond(self.database.bulk_bytes_min).await?;
            return Ok(None);
        }
        let durability = self.session.settings.durability();
        if work.transaction.is_clean() {
            work.transaction.rollback()?;
            return Ok(None);
        }
        work.transaction.annotate(meta)?;
        let dropped = dropped_keyspaces(self.database, &work.transaction).await?;
        let info = work.transaction.commit(durability).await?;
        self.database.store.mark_dropped(dropped, info.timestamp).await;
        Ok(Some(info.timestamp))
    }

    /// The catalog as a statement that writes sees it: with what its transaction did before.
    pub(crate) async fn catalog_of(&self, work: &Work) -> Result<Arc<CatalogState>> {
        self.database.catalog.at(&Reader::of_transaction(&work.transaction)).await
    }
}

/// The keyspaces of tables that a transaction drops: those of its beginning that are no longer there. Its
/// writes into tables that it created and dropped itself are taken back.
pub(crate) async fn dropped_keyspaces(
    database: &Database,
    transaction: &Arc<Transaction>,
) -> Result<Vec<KeyspaceId>> {
    if !transaction.has_written(system::CATALOG) {
        return Ok(Vec::new());
    }
    let before = database.catalog.at(&Reader::View(transaction.view().clone())).await?;
    let after = database.catalog.at(&Reader::of_transaction(transaction)).await?;
    let (before, after) = (before.keyspaces(), after.keyspaces());
    transaction.discard(|keyspace| {
        !keyspace.is_system() && !before.contains(&keyspace) && !after.contains(&keyspace)
    })?;
    Ok(before.difference(&after).copied().collect())
}
