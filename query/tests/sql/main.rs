//! SQL on a database in memory, with a clock under the test's control.

mod changes;
mod column_names;
mod columns;
mod common_types;
mod database;
mod expressions;
mod floats;
mod isolation;
mod lookups;
mod mistakes;
mod objects;
mod plans;
mod points;
mod precedence;
mod restore;
mod row_values;
mod spills;
mod statistics;
mod storage;
mod subqueries;
mod times;
mod transactions;
mod values;
