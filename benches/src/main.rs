//! Runs the workloads with a target: `cargo run --release -- [--rows N] [--runs N] [--dir DIR] [WORKLOAD]…`.

use std::process::ExitCode;

use bygone_benches::{Plan, changes, kernels, machine, orders, planning, sql, targets};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some_and(|first| first == "load-large") {
        let (dir, rows) = (args.nth(1).expect("a directory"), args.next().expect("a number of rows"));
        runtime.block_on(targets::load_large(dir.as_ref(), rows.parse().expect("a number of rows")));
        return ExitCode::SUCCESS;
    }
    let (plan, names) = match Plan::from_args(args) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let workloads = [
        &kernels::WORKLOADS[..],
        &targets::WORKLOADS[..],
        &sql::WORKLOADS[..],
        &orders::WORKLOADS[..],
        &changes::WORKLOADS[..],
        &planning::WORKLOADS[..],
    ]
    .concat();
    if let Some(unknown) = names.iter().find(|name| !workloads.contains(&name.as_str())) {
        eprintln!("there is no workload {unknown}; there are: {}", workloads.join(" "));
        return ExitCode::from(2);
    }
    println!("{}\n", machine::describe());
    runtime
        .block_on(async {
            tokio::spawn(async move {
                kernels::run(&plan, &names);
                targets::run(&plan, &names).await;
                sql::run(&plan, &names).await;
                orders::run(&plan, &names).await;
                changes::run(&plan, &names).await;
                planning::run(&plan, &names).await;
            })
            .await
        })
        .expect("the workloads do not panic");
    ExitCode::SUCCESS
}
