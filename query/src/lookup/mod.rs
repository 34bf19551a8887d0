//! Lookups: statements about the one row that a whole primary key names, without a plan for each of them.
//!
//! ```text
//!   tree ─▶ constants taken out ─▶ template ──known?──▶ Lookup ─▶ key ─▶ get ─▶ expressions ─▶ 0 or 1 row
//!           (template)                         └─not yet: the plan of the template, taken apart (compile)
//! ```
//!
//! A template is a `SELECT` from one table, an `UPDATE` or a `DELETE` with parameters in the place of the
//! constants that columns are compared with or set to. It is planned once, as any other statement; when its
//! plan turns out to read one row by its key and to do nothing but filter and project it, the expressions of
//! that plan are kept.
//!
//! 1. The general path decides. Cases that a lookup is not sure of (a key that is NULL or cannot be read as
//!    its column's type, a point that cannot be read, any error before the row is read) are planned and run
//!    as ever.
//! 2. A lookup holds nothing of a moment: no view, no clock, no session. It is valid for its table as it was
//!    then, for its session's names and zone, and for the types of its constants; all of that is what it is
//!    found by.
//! 3. `EXPLAIN` shows the plan that a lookup stands for, and says that it does.
//! 4. The row is read at the moment at which the plan would have read it, and every filter of the plan is
//!    applied to it.

mod compile;
mod run;
mod template;

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use parking_lot::Mutex;

use self::template::{Template, TemplateValues};
use crate::{catalog::BoundTable, names::SearchPath, time::TimeZone};

pub(crate) use compile::Lookup;
pub(crate) use run::LookupOutcome;
pub(crate) use template::{LookupStatement, TemplateBody, TemplateCache, table_of};

/// Templates that are remembered; beyond, all are forgotten.
const TEMPLATES_MAX: usize = 1_024;

/// The lookups of a database, shared by its sessions.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    known: Mutex<HashMap<LookupKey, CachedLookup>>,
}

/// Key of a lookup: what it depends on besides its table.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LookupKey {
    template: Arc<Template>,
    search: SearchPath,
    zone: TimeZone,
    /// The types of the constants.
    types: Vec<DataType>,
    /// The parameters that are not constants of the template, if it has any.
    bound: Vec<ScalarValue>,
}

#[derive(Clone, Debug)]
struct CachedLookup {
    table: Arc<BoundTable>,
    /// None when the template has to be planned every time.
    lookup: Option<Arc<Lookup>>,
}

/// A statement that may name one row: its template, and the values of its parameters.
#[derive(Debug)]
pub(crate) struct BoundTemplate {
    key: LookupKey,
    constants: Vec<ScalarValue>,
}

impl BoundTemplate {
    /// The template of a statement over `table`, with its values; none when it cannot name one row, or a
    /// value is missing or not of its column's kind.
    pub(crate) fn of(
        cache: &TemplateCache,
        statement: LookupStatement<'_>,
        table: &Arc<BoundTable>,
        parameters: &[ScalarValue],
        search: &SearchPath,
        zone: TimeZone,
    ) -> Option<Self> {
        let templated = cache.of(statement, table)?;
        let TemplateValues { constants, others } = templated.values(parameters)?;
        let key = LookupKey {
            template: Arc::clone(&templated.template),
            search: search.clone(),
            zone,
            types: constants.iter().map(ScalarValue::data_type).collect(),
            bound: others,
        };
        Some(Self { key, constants })
    }

    /// The statement with parameters in the place of its constants.
    pub(crate) fn body(&self) -> &TemplateBody {
        &self.key.template.body
    }

    /// The values of all parameters of the template: those of the constants come first.
    pub(crate) fn values(&self) -> Vec<ScalarValue> {
        self.constants.iter().chain(&self.key.bound).cloned().collect()
    }

    /// The types of the constants.
    pub(crate) fn types(&self) -> &[DataType] {
        &self.key.types
    }

    /// The values of the constants.
    pub(crate) fn into_constants(self) -> Vec<ScalarValue> {
        self.constants
    }
}

impl Lookups {
    /// Known result of a template over a table as it is now: its lookup, or that it has to be planned.
    pub(crate) fn get(&self, bound: &BoundTemplate, table: &Arc<BoundTable>) -> Option<Option<Arc<Lookup>>> {
        let known = self.known.lock();
        let known = known.get(&bound.key)?;
        (Arc::ptr_eq(&known.table, table) || known.table == *table).then(|| known.lookup.clone())
    }

    /// Remembers what became of a template, and gives its constants back.
    pub(crate) fn remember(
        &self,
        bound: BoundTemplate,
        table: &Arc<BoundTable>,
        lookup: Option<Arc<Lookup>>,
    ) -> Vec<ScalarValue> {
        let BoundTemplate { key, constants } = bound;
        let mut known = self.known.lock();
        if known.len() >= TEMPLATES_MAX {
            known.clear();
        }
        known.insert(key, CachedLookup { table: Arc::clone(table), lookup });
        constants
    }
}
