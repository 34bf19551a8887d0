//! Stored tables, views and functions, for passes that run before planning.

use std::sync::Arc;

use datafusion::logical_expr::Volatility;
use sqlparser::ast::{TableFactor, TableVersion};

use super::Names;
use crate::{
    catalog::{INFORMATION_SCHEMA, Object, SYSTEM_SCHEMA},
    functions::is_own_table_function,
    moment::OpenMoment,
    names::internal::TARGET_TABLE,
    parse::PointId,
    postgres::ast::{
        scope::{NameScope, StoredColumns},
        shared_queries::{VolatileParts, is_volatile},
    },
};

impl StoredColumns for Names {
    fn columns_of(&self, table: &TableFactor) -> Option<Vec<String>> {
        let TableFactor::Table { name, args, version, .. } = table else { return None };
        if args.is_some() {
            return is_own_table_function(name).then(|| self.columns_of_function(table)).flatten();
        }
        let moment = self.moment_of(version.as_ref())?;
        let path = self.search.path_of_tree(name)?;
        if path.name == TARGET_TABLE {
            return self.target.as_ref().map(|target| names_of(&target.schema()));
        }
        if path.schema == INFORMATION_SCHEMA || path.schema == SYSTEM_SCHEMA {
            return self.source_at(moment, &path).ok().map(|source| names_of(&source.schema()));
        }
        match moment.catalog.object(&path)? {
            Object::Table(table) => Some(table.columns.iter().map(|column| column.name.clone()).collect()),
            Object::View(view) if !view.columns.is_empty() => Some(view.columns.clone()),
            Object::View(view) => {
                let (prepared, names) = self.names_of_view(moment, view)?;
                NameScope::new(&names).columns_of_query(&prepared.query)
            }
        }
    }
}

impl VolatileParts for Names {
    fn is_volatile_function(&self, name: &str) -> bool {
        let function = self.state.scalar_functions().get(name);
        function.is_some_and(|function| function.signature().volatility == Volatility::Volatile)
    }

    fn is_volatile_table(&self, table: &TableFactor) -> bool {
        let TableFactor::Table { name, args: None, version, .. } = table else { return false };
        let (Some(moment), Some(path)) = (self.moment_of(version.as_ref()), self.search.path_of_tree(name))
        else {
            return false;
        };
        match moment.catalog.object(&path) {
            Some(Object::View(view)) => self
                .names_of_view(moment, view)
                .is_some_and(|(prepared, names)| is_volatile(&prepared.query, &names)),
            _ => false,
        }
    }
}

impl Names {
    /// The moment of a table with this point, or without.
    fn moment_of(&self, version: Option<&TableVersion>) -> Option<&Arc<OpenMoment>> {
        match version {
            Some(version) => self.bindings.points.get(PointId::of(version)?.0),
            None => Some(&self.moment),
        }
    }

    fn columns_of_function(&self, call: &TableFactor) -> Option<Vec<String>> {
        let mut bare = call.clone();
        if let TableFactor::Table { alias, .. } = &mut bare {
            *alias = None;
        }
        self.bindings.functions.get(&bare.to_string()).map(|function| names_of(&function.schema()))
    }
}

fn names_of(schema: &arrow::datatypes::Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}
