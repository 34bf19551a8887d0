//! Names of objects and columns, as they are written.

use std::fmt;

use sqlparser::{ast, tokenizer::Word};

use crate::error::Position;

/// A name of one to three parts, folded to lower case unless it was quoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Database, schema, and table, as many as were written; the table is last.
    pub parts: Vec<String>,
    /// Position in the text.
    pub position: Option<Position>,
}

impl Name {
    /// The last part: the object's own name.
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// A word as a name.
pub(super) fn folded(word: &Word) -> String {
    if word.quote_style.is_some() { word.value.clone() } else { word.value.to_ascii_lowercase() }
}

/// An identifier of the tree as a name.
pub(crate) fn folded_ident(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}
