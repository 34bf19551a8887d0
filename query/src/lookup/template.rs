//! Statements with their constants taken out.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    ops::ControlFlow,
    slice,
    sync::Arc,
};

use datafusion::common::ScalarValue;
use parking_lot::Mutex;
use sqlparser::ast::{
    self, BinaryOperator, Expr, ObjectName, SetExpr, TableFactor, Value, VisitMut, VisitorMut,
};

use crate::{
    catalog::{BoundTable, TableDef},
    parse::{Delete, PointId, Update, folded_ident, placeholder_index, plain_constant},
    postgres::ast::rows::{fields, fields_mut},
    types::ColumnType,
};

/// A statement as it is written.
#[derive(Clone, Copy)]
pub(crate) enum LookupStatement<'s> {
    Query(&'s ast::Query),
    Update(&'s Update),
    Delete(&'s Delete),
}

/// A statement whose first parameters stand where its constants were.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum TemplateBody {
    Query(Box<ast::Query>),
    Update(Box<Update>),
    Delete(Box<Delete>),
}

/// A [`TemplateBody`] that is cheap to look up.
#[derive(Debug, Eq)]
pub(super) struct Template {
    pub body: TemplateBody,
    hash: u64,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.body == other.body
    }
}

impl Hash for Template {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A template and where its parameters come from.
#[derive(Debug)]
pub(super) struct Templated {
    pub template: Arc<Template>,
    constants: Vec<(TemplateConstant, ColumnType)>,
    /// Parameters of the statement in other places, by number; in the template they follow the constants.
    others: Vec<usize>,
}

#[derive(Debug)]
enum TemplateConstant {
    Literal(ScalarValue),
    Parameter(usize),
}

/// The values of a template's parameters.
pub(super) struct TemplateValues {
    pub constants: Vec<ScalarValue>,
    pub others: Vec<ScalarValue>,
}

/// Cache of the template of a statement that is run again and again.
#[derive(Debug, Default)]
pub(crate) struct TemplateCache(Mutex<Option<CachedTemplate>>);

#[derive(Debug)]
struct CachedTemplate {
    table: Arc<BoundTable>,
    templated: Option<Arc<Templated>>,
}

impl TemplateCache {
    /// The template of a statement over `table`; none when it cannot name one row.
    pub(super) fn of(
        &self,
        statement: LookupStatement<'_>,
        table: &Arc<BoundTable>,
    ) -> Option<Arc<Templated>> {
        let mut kept = self.0.lock();
        if let Some(kept) = kept.as_ref()
            && (Arc::ptr_eq(&kept.table, table) || kept.table == *table)
        {
            return kept.templated.clone();
        }
        let templated = Templated::of(statement, table).map(Arc::new);
        *kept = Some(CachedTemplate { table: Arc::clone(table), templated: templated.clone() });
        templated
    }
}

/// The one table of a query that has a `WHERE` and no join, and its point.
pub(crate) fn table_of(query: &ast::Query) -> Option<(&ObjectName, Option<PointId>)> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [from] = select.from.as_slice() else { return None };
    if query.with.is_some() || select.selection.is_none() || !from.joins.is_empty() {
        return None;
    }
    match &from.relation {
        TableFactor::Table { name, args: None, version: None, .. } => Some((name, None)),
        TableFactor::Table { name, args: None, version: Some(version), .. } => {
            Some((name, Some(PointId::of(version)?)))
        }
        _ => None,
    }
}

impl Templated {
    fn of(statement: LookupStatement<'_>, table: &TableDef) -> Option<Self> {
        let mut taken = ConstantExtractor { table, constants: Vec::new() };
        let selection = match statement {
            LookupStatement::Query(query) => match query.body.as_ref() {
                SetExpr::Select(select) => select.selection.as_ref(),
                _ => None,
            },
            LookupStatement::Update(update) => update.selection.as_ref(),
            LookupStatement::Delete(delete) => delete.selection.as_ref(),
        };
        // Most statements do not name a row: nothing is copied for them.
        let fixed = fixed_columns(selection?, table);
        if table.primary_key.is_empty() || !table.primary_key.iter().all(|index| fixed.contains(index)) {
            return None;
        }
        let mut body = match statement {
            LookupStatement::Query(query) => TemplateBody::Query(Box::new(query.clone())),
            LookupStatement::Update(update) => TemplateBody::Update(Box::new(update.clone())),
            LookupStatement::Delete(delete) => TemplateBody::Delete(Box::new(delete.clone())),
        };
        let mut numbers = PlaceholderNumbering { constants: 0, others: Vec::new() };
        let done = match &mut body {
            TemplateBody::Query(query) => {
                if let SetExpr::Select(select) = query.body.as_mut() {
                    taken.conditions(select.selection.as_mut()?);
                }
                numbers.constants = taken.constants.len();
                query.visit(&mut numbers)
            }
            TemplateBody::Update(update) => {
                taken.conditions(update.selection.as_mut()?);
                for (name, value) in &mut update.assignments {
                    if let Some(index) = table.column_index(name) {
                        taken.constant(value, index);
                    }
                }
                numbers.constants = taken.constants.len();
                let assigned =
                    update.assignments.iter_mut().try_for_each(|(_, value)| value.visit(&mut numbers));
                match assigned {
                    ControlFlow::Continue(()) => update.selection.visit(&mut numbers),
                    ControlFlow::Break(()) => ControlFlow::Break(()),
                }
            }
            TemplateBody::Delete(delete) => {
                taken.conditions(delete.selection.as_mut()?);
                numbers.constants = taken.constants.len();
                delete.selection.visit(&mut numbers)
            }
        };
        if done.is_break() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let template = Arc::new(Template { body, hash: hasher.finish() });
        Some(Self { template, constants: taken.constants, others: numbers.others })
    }

    /// The values of the template's parameters; none when one of them is missing, or is not of its column's
    /// kind.
    pub(super) fn values(&self, parameters: &[ScalarValue]) -> Option<TemplateValues> {
        let mut constants = Vec::with_capacity(self.constants.len());
        for (constant, column_type) in &self.constants {
            let value = match constant {
                TemplateConstant::Literal(value) => value,
                TemplateConstant::Parameter(index) => parameters.get(*index)?,
            };
            if value.is_null() || !column_type.plans_like(&value.data_type()) {
                return None;
            }
            constants.push(value.clone());
        }
        let others =
            self.others.iter().map(|index| parameters.get(*index).cloned()).collect::<Option<_>>()?;
        Some(TemplateValues { constants, others })
    }
}

/// The columns that conditions set equal to something.
fn fixed_columns(selection: &Expr, table: &TableDef) -> Vec<usize> {
    let mut fixed = Vec::new();
    let mut rest = vec![selection];
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::Nested(inner) => rest.push(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => rest.extend([left.as_ref(), right]),
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let (left, right) = match (fields(left), fields(right)) {
                    (Some(left), Some(right)) if left.len() == right.len() => (left, right),
                    _ => (slice::from_ref(&**left), slice::from_ref(&**right)),
                };
                fixed.extend(left.iter().chain(right).filter_map(|side| column_of(side, table)));
            }
            _ => {}
        }
    }
    fixed
}

/// The column that an expression is, if it is one.
fn column_of(expr: &Expr, table: &TableDef) -> Option<usize> {
    let ident = match expr {
        Expr::Identifier(ident) => ident,
        Expr::CompoundIdentifier(parts) => parts.last()?,
        _ => return None,
    };
    table.column_index(&folded_ident(ident))
}

/// Constants on their way out of a tree. Their places are marked with parameters that no text has.
struct ConstantExtractor<'t> {
    table: &'t TableDef,
    constants: Vec<(TemplateConstant, ColumnType)>,
}

/// Prefix of the name of a constant's parameter until it has its number.
const MARK: char = '#';

impl ConstantExtractor<'_> {
    /// Takes what columns are compared with.
    fn conditions(&mut self, selection: &mut Expr) {
        use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq};
        match selection {
            Expr::Nested(inner) => self.conditions(inner),
            Expr::BinaryOp { left, op: And, right } => {
                self.conditions(left);
                self.conditions(right);
            }
            Expr::BinaryOp { left, op: Eq, right } if fields(left).is_some() => {
                if let (Some(left), Some(right)) = (fields_mut(left), fields_mut(right)) {
                    for (left, right) in left.iter_mut().zip(right) {
                        self.compared(left, right);
                    }
                }
            }
            Expr::BinaryOp { left, op: Eq | NotEq | Lt | LtEq | Gt | GtEq, right } => {
                self.compared(left, right);
            }
            _ => {}
        }
    }

    /// Takes the side of a comparison that is not the column.
    fn compared(&mut self, left: &mut Expr, right: &mut Expr) {
        if let Some(index) = column_of(left, self.table) {
            self.constant(right, index);
        } else if let Some(index) = column_of(right, self.table) {
            self.constant(left, index);
        }
    }

    /// Takes an expression if it is a constant of the kind of its column, or a parameter.
    fn constant(&mut self, expr: &mut Expr, index: usize) {
        let column_type = self.table.columns[index].column_type;
        let constant = if let Some(number) = parameter_of(expr) {
            TemplateConstant::Parameter(number)
        } else {
            match plain_constant(expr) {
                Some(value) if column_type.plans_like(&value.data_type()) => TemplateConstant::Literal(value),
                _ => return,
            }
        };
        *expr = Expr::value(Value::Placeholder(format!("{MARK}{}", self.constants.len())));
        self.constants.push((constant, column_type));
    }
}

/// The place of a parameter among the bound ones.
fn parameter_of(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else { return None };
    let Value::Placeholder(id) = &value.value else { return None };
    placeholder_index(id)
}

/// Numbers the parameters of a template: constants first, then the others in the order in which they are met.
struct PlaceholderNumbering {
    constants: usize,
    others: Vec<usize>,
}

impl VisitorMut for PlaceholderNumbering {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(id) = &mut value.value else { return ControlFlow::Continue(()) };
        let number = if let Some(number) = id.strip_prefix(MARK) {
            number.parse::<usize>().ok()
        } else {
            placeholder_index(id).map(|index| {
                let known = self.others.iter().position(|other| *other == index);
                let place = known.unwrap_or_else(|| {
                    self.others.push(index);
                    self.others.len() - 1
                });
                self.constants + place
            })
        };
        match number {
            Some(number) => {
                *id = format!("${}", number + 1);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}
