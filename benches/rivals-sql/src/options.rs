//! Options: workloads, and their sizes.

use bygone_benches::Plan;

use crate::orders::duckdb;

/// The workloads, in the order in which they run.
const WORKLOADS: [&str; 5] = ["queries", "rounds", "changes", "memory", "tpch"];
/// The stores.
const STORES: [&str; 3] = ["bygone", "parquet", "duckdb"];

/// Options of the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sizes, repetitions and the directory.
    pub plan: Plan,
    /// Scale factor of TPC-H.
    pub scale: f64,
    workloads: Vec<String>,
    stores: Vec<String>,
}

impl Options {
    /// Reads `--stores`, `--scale`, the options of [`Plan`] and names of workloads.
    pub fn from_args(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut rest, mut stores, mut scale) = (Vec::new(), Vec::new(), 1.0);
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--stores" => {
                    let text = args.next().ok_or("--stores needs names with commas between them")?;
                    stores.extend(text.split(',').map(str::to_owned));
                }
                "--scale" => {
                    let text = args.next().ok_or("--scale needs a number")?;
                    scale = text.parse().map_err(|_| format!("{text} is not a number"))?;
                }
                _ => rest.push(arg),
            }
        }
        let (plan, workloads) = Plan::from_args(rest.into_iter())?;
        known(&workloads, &WORKLOADS, "workload")?;
        known(&stores, &STORES, "store")?;
        Ok(Self { plan, scale, workloads, stores })
    }

    /// Whether a workload is to run.
    pub fn wants(&self, workload: &str) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|name| name == workload)
    }

    /// Whether a store takes part; DuckDB only where its library was named.
    pub fn has(&self, store: &str) -> bool {
        if store == "duckdb" && !duckdb::is_there() {
            return false;
        }
        self.stores.is_empty() || self.stores.iter().any(|name| name == store)
    }
}

fn known(names: &[String], all: &[&str], what: &str) -> Result<(), String> {
    match names.iter().find(|name| !all.contains(&name.as_str())) {
        Some(unknown) => Err(format!("there is no {what} {unknown}; there are: {}", all.join(" "))),
        None => Ok(()),
    }
}
