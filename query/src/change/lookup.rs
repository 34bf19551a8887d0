//! Lookups of changes: the one row that an `UPDATE` or a `DELETE` names by its key.

use datafusion::logical_expr::LogicalPlan;

use super::{
    WriteTarget,
    update::{plan_delete, plan_update},
};
use crate::{
    error::{Error, Result},
    lookup::{BoundTemplate, LookupStatement, TemplateBody},
    moment::Reader,
    read::{KnownLookup, LookupRequest, PreparedLookup, compile_lookup, known_lookup},
    statement::{Context, Parameters, Work},
};

/// The lookup of the row that a change names by its key; none when the statement has to be planned.
///
/// Run, it gives the row's key and, for an `UPDATE`, all columns as they will be; no batch when there is no
/// such row.
pub(crate) async fn lookup_of(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    statement: LookupStatement<'_>,
) -> Option<PreparedLookup> {
    let request = LookupRequest { table: &target.table, statement };
    let (lookup, constants) = match known_lookup(context, &request)? {
        KnownLookup::Compiled(lookup, constants) => (lookup, constants),
        KnownLookup::Unknown(bound) => {
            let notices_before = context.notices.len();
            let plan = plan_template(context, work, target, &bound).await;
            context.notices.truncate(notices_before);
            compile_lookup(context, &request, bound, plan)?
        }
    };
    Some(PreparedLookup { lookup, constants, reader: Reader::of_transaction(&work.transaction) })
}

async fn plan_template(
    context: &mut Context<'_>,
    work: &Work,
    target: &WriteTarget,
    bound: &BoundTemplate,
) -> Result<LogicalPlan> {
    let values = bound.values();
    let parameters = Parameters { values: &values, open: bound.types().len() };
    match bound.body() {
        TemplateBody::Update(update) => plan_update(context, work, target, update, parameters).await,
        TemplateBody::Delete(delete) => plan_delete(context, work, target, delete, parameters).await,
        TemplateBody::Query(_) => Err(Error::internal("the template of a change is a query")),
    }
}
