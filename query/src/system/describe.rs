//! The columns of tables, views and computed tables, as listings show them.

use std::sync::Arc;

use arrow::datatypes::FieldRef;

use crate::{
    catalog::Object,
    error::{ErrorKind, Result},
    moment::OpenMoment,
    names::ObjectPath,
    statement::Database,
    types::ColumnType,
};

/// A column of a table, of a view or of a computed table.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub name: String,
    /// As SQL writes it.
    pub data_type: String,
    /// The type, where a column of a table can have it.
    pub column_type: Option<ColumnType>,
    pub nullable: bool,
    pub default: Option<String>,
}

impl Described {
    pub(super) fn of_field(field: &FieldRef) -> Self {
        let column_type = ColumnType::from_arrow(field.data_type()).ok();
        Self {
            name: field.name().clone(),
            data_type: type_name(field),
            column_type,
            nullable: true,
            default: None,
        }
    }
}

/// The type of a column as SQL writes it.
pub(crate) fn type_name(field: &FieldRef) -> String {
    let data_type = field.data_type();
    ColumnType::from_arrow(data_type).map_or_else(|_| data_type.to_string(), |known| known.to_string())
}

/// The columns of every table and view of the database `name`, by the path of what they are in. A view that
/// cannot be planned any more, because what it reads was dropped or became something else, has none.
pub(super) async fn described(
    database: &Arc<Database>,
    moment: &OpenMoment,
    name: &str,
) -> Result<Vec<(ObjectPath, Vec<Described>)>> {
    let mut all = Vec::new();
    for (path, object) in moment.catalog.objects_of(name) {
        let columns = match object {
            Object::Table(table) => table
                .columns
                .iter()
                .map(|column| Described {
                    name: column.name.clone(),
                    data_type: column.column_type.to_string(),
                    column_type: Some(column.column_type),
                    nullable: column.nullable,
                    default: column.default.clone(),
                })
                .collect(),
            Object::View(_) => match (database.view_columns)(database, moment, &path).await {
                Ok(fields) => fields.iter().map(Described::of_field).collect(),
                Err(error) if is_of_definition(error.kind()) => Vec::new(),
                Err(error) => return Err(error),
            },
        };
        all.push((path, columns));
    }
    Ok(all)
}

/// Whether planning a view failed for what the view says, not for what the storage did.
fn is_of_definition(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::TooOld)
}
