//! Full paths of tables and views.

use std::fmt;

/// Name of the database that always exists.
pub(crate) const DEFAULT_DATABASE: &str = "main";
/// Name of the schema that every database has.
pub(crate) const DEFAULT_SCHEMA: &str = "public";

/// Path of a table or view: always all three parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectPath {
    pub database: String,
    pub schema: String,
    pub name: String,
}

impl ObjectPath {
    pub(crate) fn new(database: &str, schema: &str, name: &str) -> Self {
        Self { database: database.to_owned(), schema: schema.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ObjectPath {
    /// As short as it can be without becoming ambiguous for a session with the default names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.database != DEFAULT_DATABASE {
            write!(f, "{}.{}.{}", self.database, self.schema, self.name)
        } else if self.schema != DEFAULT_SCHEMA {
            write!(f, "{}.{}", self.schema, self.name)
        } else {
            f.write_str(&self.name)
        }
    }
}
