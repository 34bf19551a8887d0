//! Undo for user error: ask what a restore would do, do exactly that, and undo it.
//!
//! Run with `cargo run --example 03_restore_with_dry_run`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bygone::{CommitMeta, CreateSnapshot, Database, ErrorKind};

#[tokio::main]
async fn main() -> bygone::Result<()> {
    let db = Database::memory().await?;
    let customers = db.keyspace("customers").await?;
    let orders = db.keyspace("orders").await?;
    for number in 0..100 {
        customers.put(format!("c{number:03}"), "active").await?;
        orders.put(format!("o{number:03}"), "open").await?;
    }
    db.snapshots().create(CreateSnapshot::database("before_import")).await?;

    // An import goes wrong: rows changed, rows gone, rows that should not be there.
    let import = db.begin();
    for number in 0..10 {
        import.put(&customers, format!("c{number:03}"), "???")?;
        import.delete(&customers, format!("c{:03}", number + 50))?;
    }
    import.put(&customers, "c999", "nobody")?;
    import.annotate(CommitMeta { message: Some("nightly import".to_owned()), ..CommitMeta::default() })?;
    import.commit().await?;

    // The dry run: numbers, and the commits that would be undone. Nothing is changed.
    let plan = db.restore(["customers"]).to("before_import").await?.dry_run().await?;
    let target = &plan.targets[0];
    println!(
        "would delete {}, revert {}, bring back {}",
        target.deleted, target.reverted, target.brought_back
    );
    for commit in &plan.undone {
        println!("would undo {} {}", commit.timestamp, commit.message.as_deref().unwrap_or("(no message)"));
    }
    assert_eq!((target.deleted, target.reverted, target.brought_back), (1, 10, 10));
    assert_eq!(customers.get("c999").await?, Some("nobody".into()));

    // Somebody writes between the plan and the restore: it is refused instead of taking the new row along.
    customers.put("c100", "new and right").await?;
    let stale = db.restore(["customers"]).to("before_import").await?.unchanged_since(plan.newest).run().await;
    assert_eq!(stale.expect_err("the row changed").kind(), ErrorKind::Invalid);
    customers.delete("c100").await?;

    let report = db.restore(["customers"]).to("before_import").await?.run().await?;
    println!("restored {} rows in one commit", report.targets[0].rows());
    assert_eq!(customers.get("c000").await?, Some("active".into()));
    assert_eq!(customers.get("c055").await?, Some("active".into()));
    assert_eq!(customers.get("c999").await?, None);

    // History is not rewritten: the damage is still readable, and the state before the restore has a name.
    let safety = report.safety_snapshot.expect("one is taken unless it is refused");
    assert_eq!(customers.get_at("c999", safety.as_str()).await?, Some("nobody".into()));
    db.restore(["customers"]).to(safety.as_str()).await?.run().await?;
    assert_eq!(customers.get("c999").await?, Some("nobody".into()));
    println!("undid the restore, back to {safety}");

    db.close().await
}
