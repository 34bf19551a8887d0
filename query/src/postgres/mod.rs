//! Answers as Postgres gives them, where DataFusion's differ: every pass over trees and plans that exists for
//! that, in the order in which they run.
//!
//! | pass | on | DataFusion does | Postgres does | upstream | remove when |
//! |---|---|---|---|---|---|
//! | `ast::placement` | tree | runs aggregates, windows and series where they mean nothing, or fails late | 42803, 42P20, 0A000 | its choice | never |
//! | `ast::output_names` | tree | names a column after its whole expression, and refuses two of one name | the column's, the function's name, or `?column?` | its choice | never |
//! | `ast::join_conditions` | tree | `a JOIN b` without `ON` is a product; `USING (k, k)` | 42601, 42701 | its choice | never |
//! | `ast::using`, `ast::scope` | tree | `USING (k)`: `k` is that of the table whose name sorts first; a join with a name of its own has it twice | the side that has a value | no report known | an outer join `USING` merges its columns |
//! | `ast::input_names` | tree | looks for names in expressions of `ORDER BY`, and in `HAVING`, in the select list first | columns of the tables | its choice | never |
//! | `ast::grouping`, in the walk of `output_names` | tree | does not know `GROUP BY ()`, sets in sets, lists in `ROLLUP`, `HAVING` without groups | knows them | its choice | each, when it is planned |
//! | `ast::parentheses`, likewise | tree | sorts what is in parentheses by its columns only | they mean nothing | its choice | never |
//! | `ast::spellings` | tree | does not know, or takes for something else, `FETCH FIRST`, `ESCAPE`, `SIMILAR TO`, `AT TIME ZONE`, `mod`, `every` | knows them | its choice | each, when it is planned |
//! | `ast::arrays`, in the walk of `spellings` | tree | looks for the columns of `ARRAY[…]` in its own query alone; reads `ANY`, slices and `array_remove` otherwise | see `ast::arrays` | no report known | the planner passes its context on |
//! | `ast::values`, likewise | tree | takes the type of text in `VALUES` for the other side's, or fails | reads it as what stands beside it | its choice | `plan::values` sees values without its casts |
//! | `ast::windows` | tree | forgets the window that another one starts from | its partitions and order | no report known | the planner reads `window_name` |
//! | `ast::whole_rows` | tree | `count(t.*)` counts rows that an outer join made up | does not | no report known | it counts rows of `t` |
//! | `ast::{recursion, self_references}` | tree | aggregates and outer joins in a recursive term, often without end; references in other places fail late | 42P19 | its choice | never |
//! | `ast::shared_queries`, `shared_rows` | tree, plan, operators | writes a `WITH` query out wherever it is named: random numbers differ | computes it once | no report known | it keeps queries with volatile functions whole |
//! | `plan::subqueries` | plan | refuses or answers wrongly what refers to the outer row by more than equality under a filter: windows, limits, aggregates, outer joins, `NOT IN` with NULLs, `LATERAL` | runs them | apache/datafusion#5483, #25336, #25347, #25480 | general decorrelation has landed |
//! | `ast::balance`, in the walk of `spellings` | tree | hangs each term of a chain under the one before: time to plan grows with the square | long chains of `AND`, `OR`, `UNION`, `EXCEPT` | its choice | its planner makes flat nodes of them |
//! | `ast::long_cases`, likewise | tree | writes each branch of `CASE … END = 'a'` out with all before it: the third power | long lists of branches | its choice | it stops at some size |
//! | `functions::chains` | tree, as it is planned | asks a chain of arithmetic for its type and name at each of its nodes: the third power | long chains of `+`, `-`, `\|\|`, …, of times and lists too | its choice | expressions know their types |
//! | `plan::coerce` | plan, and again when parameters are bound | `DOUBLE` and `DECIMAL` meet in `DECIMAL(30, 15)`; casts cut off; sums wrap; quotients are cut after four digits; texts and dates are compared with times in nanoseconds | see `plan::{arrays, common_types, decimals, casts, nested, operands, patterns, precision, recursion, text_literals, timestamps, unions, values, widening}` | its choice | never |
//! | `plan::intervals`, within `coerce` | plan | refuses `interval * number` and `avg(interval)`; times differ by durations | intervals of days and time | no report known | never |
//! | `plan::named_casts`, within `Literals` | calls, while they are planned | names a column without the casts in it, and refuses two of one name | two columns | its choice | names tell casts |
//! | `functions::text_sizes` | functions | makes texts of any size | 54000 | its choice | never |
//! | `functions::sliding` | functions | of windows that rows leave: statistics take away what leaves, and drift; texts, bits and truth values are refused | of what is in the window | no report known | its sliding accumulators do |
//! | `functions::floats::extremes` | functions | in groups, `min` and `max` take what comes after NaN | NaN is the largest | no report known | its groups compare floats as its sorts do |
//! | `plan::Literals` | operands, while they are planned | refuses text beside numbers in arithmetic and arrays, and beside arrays; `@>` finds NULL | reads a literal as the type of the other; finds none | its choice | never |
//! | `analyze::guards` | analyzed plan | makes an `AND` of a `CASE` of truth values, and computes what an aggregate takes for rows that its `FILTER` leaves out | branches and arguments are computed for the rows that reach them | its choice | its optimizer leaves a `CASE` that may fail |
//! | `analyze::checked_arithmetic` | analyzed plan | integers wrap, floats become infinite, zero or a NaN with a sign, their sums over windows keep what left | 22003, 22012; one NaN; sums of what is there | its choice | its planner can ask for `fail_on_overflow` |
//! | `analyze::float_keys` | analyzed plan | tells -0 from 0 where it sorts, partitions, looks into sets, joins columns | they are equal everywhere | no report known | its sorts and sets compare floats by value |
//! | `analyze::null_equality` | analyzed plan | with `IS NOT DISTINCT FROM` for a key of a join, an `=` that is moved there takes NULL for equal too | `=` of NULL is not true | no report known | each key of a join says how it compares |
//! | `analyze::time_zones` | analyzed plan | reads and shows times in the zone of their type, in nanoseconds; casts elements of arrays by its own rules | in the session's zone, to the microsecond; as each alone | its choice | never |
//! | `analyze::comparison_keys` | analyzed plan | compares months, then days, then time of intervals, and bits of floats in arrays and rows; NULL in them is below all | compares lengths, a day being 24 hours, and values; NULL is above | apache/datafusion#8468 | Arrow compares so |
//! | `analyze::zoned_frames` | analyzed plan | a day in a `RANGE` frame is 24 hours | it is one of the session's zone | no report known | frames take the zone of a session |
//! | `functions::shifts` | functions | `lead` and `lag` make the default the value's type; lose rows between NULLs | both decide on the type | no report known | both are right |
//! | `functions::places` | functions | `row_number`, `rank` and `dense_rank` have no sign: `row_number() / 3` is 0.3333 | whole numbers | its choice | never |
//! | `analyze::scalar_subqueries` | analyzed plan | takes a subquery for one value as never NULL where its column is not: `IS NULL` of it is false, and having no row is an error | no row is NULL | apache/datafusion#24513 (fixed) | a release has the fix |
//! | `analyze::truth_tests` | analyzed plan | `IS TRUE` is never NULL to the planner, and may be to the operator | is never NULL | no report known | both say the same |
//! | `optimize::constant_filters` | optimized plan | moves a condition without columns below an aggregate of all rows, whose row stays: `HAVING false` | no row | no report known | it keeps such conditions above |
//! | `optimize::constant_keys` | optimized plan | a key that is one constant on both sides of a join makes columns of two tables clash by their names | rows | no report known | sides of joins keep their qualifiers |
//! | `optimize::equal_windows` | optimized plan | takes two windows that are equal, once constants are folded, out to a projection, which computes none | computes both | no report known | it leaves windows where they are |
//! | `scan::statistics` | statistics of a scan | the sum of a constant over exactly no rows is 0 | NULL | no report known | `aggregate_statistics` looks at the number of rows |
//! | `physical::filter_pushdown` | plan of operators | pushes a filter to the first column of the name, past limits too | rows are those of the query | apache/datafusion#25259 (fixed) | DataFusion maps by places |
//! | `physical::limited_groups` | plan of operators | keeps the first groups by comparing floats with `<`: NaN hides others, or ends in a panic | the first groups | no report known | its heap compares floats as its sorts do |
//! | `physical::conditions` | plan of operators | computes both sides of `AND` and `OR` for all rows | what the left side decides does not reach the right one | its choice | `AND` evaluates rows that are left |
//! | `physical::lost_orders` | plan of operators | leaves out a sort by what has one value, and forgets why: its last check refuses the plan | the rows | no report known | orders outlive projections that joins take in |
//! | `physical::outer_constants` | plan of operators | takes a constant of the side that an outer join makes up rows for for a constant of the joined rows, and one below grouping sets for one of the groups: sorts and groups by it are wrong | 1 or NULL | no report known | joins and groups forget such constants |
//! | `analyze::needless_orders` | analyzed plan | hands the order of `avg(a ORDER BY b)` to the aggregate as arguments, and fails | the average | no report known | it leaves out orders that do not matter |
//! | `physical::soft_limits` | plan of operators | `DISTINCT … LIMIT` over a window fails | the first rows | no report known | the limit is dropped where an order comes later |
//!
//! Passes of `analyze` are one rule and one walk ([`analyze::PostgresSemantics`]). Every walk over a plan is
//! [`walk::rewrite_nodes`] or [`walk::rewrite_exprs`]: it keeps the names of columns and computes schemas
//! anew.

pub(crate) mod analyze;
pub(crate) mod ast;
pub(crate) mod exprs;
pub(crate) mod functions;
mod optimize;
pub(crate) mod physical;
pub(crate) mod plan;
pub(crate) mod shared_rows;
pub(crate) mod walk;

use std::sync::Arc;

use datafusion::{
    common::Result,
    execution::SessionStateBuilder,
    logical_expr::{AggregateUDF, LogicalPlan},
    optimizer::{Analyzer, AnalyzerRule, OptimizerRule},
};
use sqlparser::ast::Statement;

use crate::time::TimeZone;

/// Runs the passes over a tree, before it is planned; `has_schema` says that its `VALUES` are read with given
/// types.
pub(crate) fn rewrite_tree(
    statement: &mut Statement,
    has_schema: bool,
    stored: &dyn ast::scope::StoredColumns,
    parts: &dyn ast::shared_queries::VolatileParts,
) -> crate::error::Result<()> {
    ast::placement::check_statement(statement)?;
    ast::output_names::name_columns(statement, stored)?;
    ast::using::write_out_using(statement, stored)?;
    ast::input_names::keep_input_names(statement, stored)?;
    ast::spellings::rewrite_spellings(statement, has_schema)?;
    ast::shared_queries::share_queries(statement, parts);
    Ok(())
}

/// Runs the passes over a plan that was just made of a tree.
pub(crate) fn rewrite_plan(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan::coerce(plan::subqueries::replace_subqueries(plan)?)
}

/// The analyzer's rules, with ours behind them.
pub(crate) fn analyzer_rules(zone: TimeZone) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules = Analyzer::new().rules;
    rules.push(Arc::new(analyze::PostgresSemantics { zone }));
    rules
}

/// The optimizer's rules, with ours among them.
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    optimize::rules()
}

/// The aggregate that stands for one of DataFusion's until the types of its arguments are known.
pub(crate) fn planned_aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    matches!(name, "avg" | "mean").then(functions::planned_average)
}

/// Adds the functions that act as Postgres' do; they replace those of the same names.
pub(crate) fn add_functions(builder: &mut SessionStateBuilder, zone: TimeZone) {
    // The last of a name is the one that counts.
    let scalar = builder.scalar_functions().get_or_insert_default();
    scalar.extend(functions::scalar_functions().into_iter().map(Arc::new));
    scalar.extend(functions::interval_functions(zone).into_iter().map(Arc::new));
    scalar.extend(functions::time_functions(zone).into_iter().map(Arc::new));
    let aggregates = builder.aggregate_functions().get_or_insert_default();
    aggregates.extend(functions::extremes().into_iter().map(Arc::new));
    aggregates.extend(functions::sliding_aggregates().into_iter().map(Arc::new));
    let window = builder.window_functions().get_or_insert_default();
    window.extend(functions::window_functions().into_iter().map(Arc::new));
    // The first planner that can plan an expression plans it.
    let planners = builder.expr_planners().get_or_insert_default();
    planners.insert(0, Arc::new(functions::Extract));
    planners.insert(0, Arc::new(plan::intervals::IntervalArithmetic));
    planners.insert(0, Arc::new(plan::subqueries::HiddenTables));
    planners.insert(0, Arc::new(plan::Literals));
    // It is asked first: a chain is planned as a whole.
    planners.insert(0, Arc::new(functions::Chains { zone }));
}
