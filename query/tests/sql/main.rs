//! SQL on a database in memory, with a clock under the test's control.

mod casts;
mod changes;
mod column_names;
mod columns;
mod correlated;
mod database;
mod expressions;
mod intervals;
mod isolation;
mod joins;
mod lookups;
mod memory;
mod membership;
mod objects;
mod plans;
mod points;
mod restore;
mod spills;
mod statistics;
mod storage;
mod subqueries;
mod time_forms;
mod times;
mod transactions;
mod values;
mod wide;
