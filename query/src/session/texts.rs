//! Statements that are run again and again: parsed once.

use std::{collections::HashMap, sync::Arc};

use crate::{
    error::Result,
    lookup::TemplateCache,
    parse::{self, Parsed},
};

/// Texts that a session keeps; beyond, all are forgotten.
const TEXTS_MAX: usize = 64;
/// Longer texts are not kept.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// A statement, ready to be run.
#[derive(Debug)]
pub(super) struct Ready {
    pub parsed: Arc<Parsed>,
    pub template: TemplateCache,
}

impl Ready {
    pub(super) fn new(parsed: Arc<Parsed>) -> Self {
        Self { parsed, template: TemplateCache::default() }
    }
}

/// The texts that a session was given with parameters: such a text is likely to come again.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashMap<String, Arc<[Ready]>>,
}

impl Texts {
    /// The statements of a text.
    pub(super) fn parse(&mut self, text: &str, has_parameters: bool) -> Result<Arc<[Ready]>> {
        if !has_parameters || text.len() > TEXT_BYTES_MAX {
            return parsed(text);
        }
        if let Some(known) = self.known.get(text) {
            return Ok(Arc::clone(known));
        }
        let statements = parsed(text)?;
        if self.known.len() >= TEXTS_MAX {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), Arc::clone(&statements));
        Ok(statements)
    }
}

fn parsed(text: &str) -> Result<Arc<[Ready]>> {
    let statements = parse::parse_script(text)?;
    Ok(statements.into_iter().map(|parsed| Ready::new(Arc::new(parsed))).collect())
}
