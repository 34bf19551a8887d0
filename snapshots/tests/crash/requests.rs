//! Every storage call may be the last, or the one that fails.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use bygone_engine::testing::{SeededRandom, SimDisk};

use crate::{
    database::{Database, block_on},
    workload::{Run, STANDARD},
};

/// Calls of the whole workload when nothing fails.
async fn calls() -> u64 {
    let mut run = Run::new(SimDisk::new());
    run.all(STANDARD).await;
    let calls = run.disk.operations();
    let falls = run.history.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
    let rises = run.history.windows(2).filter(|pair| pair[1].0 > pair[0].0).count();
    let groups = run.history.iter().map(|(_, groups)| *groups).max();
    assert!(rises > 1 && falls > 0 && groups > Some(2), "values move to history and go: {:?}", run.history);
    run.check().await;
    calls
}

/// Runs `check` for every call of the workload, on all processors, and names the calls that fail.
fn at_every_call(what: &str, check: impl AsyncFn(u64) + Sync) {
    let calls = block_on(calls());
    assert!(calls > 300, "the workload makes {calls} storage calls");
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        let worker = || {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n > calls {
                    return;
                }
                let outcome = catch_unwind(AssertUnwindSafe(|| block_on(check(n))));
                assert!(outcome.is_ok(), "{what} call {n} of {calls}");
            }
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().expect("all calls pass");
        }
    });
}

#[test]
fn a_call_that_fails_before_its_effect_loses_nothing_acknowledged() {
    at_every_call("failing before", async |n| {
        let mut run = Run::new(SimDisk::new());
        run.disk.fail_at(n);
        run.all(STANDARD).await;
        run.disk.heal();
        run.disk = run.disk.crash(n);
        run.check().await;
    });
}

#[test]
fn a_call_that_fails_after_its_effect_loses_nothing_acknowledged() {
    at_every_call("failing after", async |n| {
        let mut run = Run::new(SimDisk::new());
        run.disk.fail_after(n);
        run.all(STANDARD).await;
        run.disk.heal();
        run.disk = run.disk.crash(n);
        run.check().await;
    });
}

#[test]
fn a_power_loss_at_any_call_leaves_a_prefix_with_everything_acknowledged() {
    at_every_call("stopping at", async |n| {
        let mut random = SeededRandom::new(n);
        let mut run = Run::new(SimDisk::new());
        run.disk.crash_at(n);
        run.all(STANDARD).await;
        let (stopped, oracle) = (run.disk.clone(), run.oracle.clone());
        // Lost, kept or torn, as the seeds have it.
        for _ in 0..2 {
            run.disk = stopped.crash(random.next_u64());
            run.oracle = oracle.clone();
            lose_power_while_opening(&mut run, &mut random).await;
            run.check().await;
        }
    });
}

/// Stops the machine once more at some call of the recovery.
async fn lose_power_while_opening(run: &mut Run, random: &mut SeededRandom) {
    run.disk.crash_at(1 + random.below(24));
    match Database::on(&run.disk, &run.clock).await {
        Ok(database) => _ = database.engine().close().await,
        Err(error) => assert!(run.disk.has_crashed(), "opening after a power loss: {error}"),
    }
    run.disk.heal();
    run.disk = run.disk.crash(random.next_u64());
}
