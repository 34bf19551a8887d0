//! `CREATE TABLE t AS query`.

use super::{RowWriter, WriteTarget, insert::project};
use crate::{
    catalog::ColumnDef,
    define::define_table,
    error::{Error, Result, SqlState},
    execution::{empty_stream, stream},
    names::internal::shown_name,
    parse::CreateTableAs,
    read::plan_query,
    statement::{Context, Outcome, Parameters, Work, WriteOutcome},
    types::ColumnType,
};

/// `CREATE TABLE t AS query`: the table and its rows appear together.
pub(super) async fn create_table_as(
    context: &mut Context<'_>,
    work: &Work,
    create: &CreateTableAs,
) -> Result<WriteOutcome> {
    let path = context.path(&create.name)?;
    let catalog = context.catalog_of(work).await?;
    let plan = plan_query(context, &create.query, Parameters::bound(context.parameters)).await?;
    let columns = columns_of(create, plan.schema().as_arrow())?;
    let rows = define_table(context, &catalog, &path, columns, &create.primary_key, create.if_not_exists)
        .map_err(|error| error.at(create.name.position))?;
    let Some(rows) = rows else {
        return Ok(WriteOutcome::new(Outcome::done("CREATE TABLE"), Vec::new()));
    };
    let writes = rows.writes()?;
    let target = WriteTarget { path, table: rows.table };
    let all: Vec<usize> = (0..target.table.columns.len()).collect();
    let plan = project(context, &target, &all, plan)?;
    let mut writer = RowWriter::new(context, work, &target)?;
    let count = if create.without_data {
        writer.insert_all(empty_stream(&plan), &writes).await?
    } else {
        let rows = stream(&context.state, &plan).await?;
        writer.insert_all(rows, &writes).await?
    };
    let mut outcome = Outcome::wrote("SELECT", count);
    if create.without_data {
        outcome = Outcome::done("CREATE TABLE");
    }
    Ok(WriteOutcome::new(outcome, vec![target.path.to_string()]))
}

fn columns_of(create: &CreateTableAs, schema: &arrow::datatypes::Schema) -> Result<Vec<ColumnDef>> {
    if !create.columns.is_empty() && create.columns.len() != schema.fields().len() {
        return Err(Error::new(
            SqlState::SyntaxError,
            format!(
                "CREATE TABLE names {} columns, its query has {}",
                create.columns.len(),
                schema.fields().len()
            ),
        ));
    }
    schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let name = create.columns.get(index).map_or_else(|| shown_name(field.name()), String::as_str);
            let name = name.to_owned();
            let column_type = ColumnType::from_arrow(field.data_type())
                .map_err(|error| error.prefixed(&format!("column {name}")))?;
            Ok(ColumnDef { id: 0, name, column_type, nullable: true, default: None })
        })
        .collect()
}
