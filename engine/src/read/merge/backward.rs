//! The merge by descending keys.

use super::Step;
use crate::{
    error::Result,
    read::{sink::RowSink, source::BackwardSource},
    types::{Kind, Timestamp, Version},
};

/// The merge under a scan by descending keys: one key after another, each row with its value.
#[derive(Debug)]
pub(crate) struct BackwardMerge {
    sources: Vec<BackwardSource>,
    at: Timestamp,
}

impl BackwardMerge {
    /// `sources`: newest first, then those of history.
    pub(crate) fn new(sources: Vec<BackwardSource>, at: Timestamp) -> Self {
        Self { sources, at }
    }

    /// Adds one row to `batch`, or says why not.
    pub(crate) async fn next_into(&mut self, batch: &mut impl RowSink) -> Result<Step> {
        let before = batch.len();
        while batch.len() == before {
            if !self.fill_all().await? {
                return Ok(Step::End);
            }
            self.step(batch).await?;
        }
        Ok(Step::Rows)
    }

    /// Puts every source on a row and removes those that have none left; false when all are gone.
    async fn fill_all(&mut self) -> Result<bool> {
        for source in &mut self.sources {
            if source.is_at_gap() {
                source.fill().await?;
            }
        }
        self.sources.retain(|source| !source.is_at_end());
        Ok(!self.sources.is_empty())
    }

    /// Decides the greatest key of all sources.
    async fn step(&mut self, batch: &mut impl RowSink) -> Result<()> {
        let Some(key) = self.sources.iter().map(BackwardSource::key).max().map(<[u8]>::to_vec) else {
            return Ok(());
        };
        let mut visible: Option<Version> = None;
        for source in &mut self.sources {
            let mut newest = None;
            let is_history = source.is_history();
            while !source.is_at_end() && source.key() == key {
                let counts = if is_history { self.at < source.end() } else { visible.is_none() };
                if counts && source.begin() <= self.at {
                    newest = Some(source.version());
                }
                source.advance();
                if source.is_at_gap() {
                    source.fill().await?;
                }
            }
            visible = if is_history { newest.or(visible) } else { visible.or(newest) };
        }
        if let Some(mut version) = visible.filter(|version| version.kind == Kind::Put) {
            batch.take_version(&mut version);
        }
        Ok(())
    }
}
