//! Names: how a written name becomes the full path of an object, and every spelling that is made up inside.
//!
//! 1. [`SearchPath::path_of`] is the one rule for `table`, `schema.table` and `database.schema.table`,
//!    however the name was written: in a statement, in a query, or as the text argument of a function.
//! 2. A name without quotes is read in lower case ([`crate::parse::folded_ident`]).
//! 3. No made-up spelling can be written by a user ([`internal`]).

pub(crate) mod internal;
mod object_path;

use datafusion::common::TableReference;
use sqlparser::ast::ObjectName;

pub(crate) use object_path::{DEFAULT_DATABASE, DEFAULT_SCHEMA, ObjectPath};

use crate::{
    error::{Error, Result},
    parse::{Name, folded_ident, parse_name},
};

/// The database and the schema of names that do not say theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SearchPath {
    pub database: String,
    pub schema: String,
}

impl SearchPath {
    pub(crate) fn new(database: &str, schema: &str) -> Self {
        Self { database: database.to_owned(), schema: schema.to_owned() }
    }

    /// The full path of a name with these parts; `None` when there are none or more than three.
    pub(crate) fn path_of(&self, parts: &[impl AsRef<str>]) -> Option<ObjectPath> {
        match parts {
            [name] => Some(ObjectPath::new(&self.database, &self.schema, name.as_ref())),
            [schema, name] => Some(ObjectPath::new(&self.database, schema.as_ref(), name.as_ref())),
            [database, schema, name] => {
                Some(ObjectPath::new(database.as_ref(), schema.as_ref(), name.as_ref()))
            }
            _ => None,
        }
    }

    /// The full path of a name in a statement.
    pub(crate) fn path_of_name(&self, name: &Name) -> Result<ObjectPath> {
        self.path_of(&name.parts)
            .ok_or_else(|| Error::syntax(format!("{name} has too many parts")).at(name.position))
    }

    /// The full path of a name in the tree of a query; `None` when it has too many parts.
    pub(crate) fn path_of_tree(&self, name: &ObjectName) -> Option<ObjectPath> {
        let parts: Option<Vec<String>> =
            name.0.iter().map(|part| part.as_ident().map(folded_ident)).collect();
        self.path_of(&parts?)
    }

    /// The full path of a name that the planner has folded.
    pub(crate) fn path_of_reference(&self, name: &TableReference) -> ObjectPath {
        let database = name.catalog().unwrap_or(&self.database);
        let schema = name.schema().unwrap_or(&self.schema);
        ObjectPath::new(database, schema, name.table())
    }

    /// The full path of a name that is the value of an argument: `'Orders'` means `orders`, `'"Orders"'` does
    /// not.
    pub(crate) fn path_of_text(&self, text: &str) -> Result<ObjectPath> {
        self.path_of_name(&parse_name(text)?)
    }
}
