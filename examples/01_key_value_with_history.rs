//! A map of bytes that keeps its past: no SQL, every earlier moment readable, who changed what and why.
//!
//! Run with `cargo run --example 01_key_value_with_history`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bygone::{CommitMeta, CreateSnapshot, Database, KeyRange};

#[tokio::main]
async fn main() -> bygone::Result<()> {
    let db = Database::memory().await?;
    let prices = db.keyspace("prices").await?;

    // Every write is a commit with a timestamp, which is also the number of the version.
    let monday = prices.put("apple", "1.20").await?;
    prices.put("pear", "1.60").await?;
    db.snapshots().create(CreateSnapshot::database("spring")).await?;
    prices.put("apple", "1.45").await?;

    // A transaction changes several keys at once, and may say who and why.
    let increase = db.begin();
    increase.put(&prices, "apple", "1.50")?;
    increase.put(&prices, "pear", "1.70")?;
    increase.annotate(CommitMeta {
        author: Some("ada".to_owned()),
        message: Some("new supplier".to_owned()),
        ..CommitMeta::default()
    })?;
    increase.commit().await?;
    prices.delete("pear").await?;

    // Now, at a timestamp, at a named snapshot.
    assert_eq!(prices.get("apple").await?, Some("1.50".into()));
    assert_eq!(prices.get_at("apple", monday).await?, Some("1.20".into()));
    assert_eq!(prices.get_at("pear", "spring").await?, Some("1.60".into()));
    assert_eq!(prices.get_at("pear", monday).await?, None, "the pear came later");

    let in_spring = prices.scan_at(KeyRange::all(), "spring").await?.collect().await?;
    println!("prices in spring:");
    for (key, value) in &in_spring {
        println!("  {} {}", String::from_utf8_lossy(key), String::from_utf8_lossy(value));
    }
    assert_eq!(in_spring.len(), 2);
    assert_eq!(prices.scan(KeyRange::all()).await?.collect().await?.len(), 1);

    println!("history of the pear, newest first:");
    let history = prices.history("pear").await?;
    for entry in &history {
        let value = entry.value.as_deref().map_or("deleted".into(), String::from_utf8_lossy);
        let why = entry.commit.as_ref().and_then(|commit| commit.message.as_deref()).unwrap_or("");
        println!("  {} {value} {why}", entry.begin);
    }
    assert_eq!(history.len(), 3);
    assert_eq!(history[0].value, None);
    let supplier = history[1].commit.as_ref().expect("the transaction said something");
    assert_eq!(supplier.author.as_deref(), Some("ada"));

    println!("changed since spring:");
    let mut changes = prices.diff("spring", db.now()).await?;
    let mut changed = Vec::new();
    while let Some(change) = changes.next().await? {
        changed.push(String::from_utf8_lossy(&change.key).into_owned());
    }
    println!("  {}", changed.join(", "));
    assert_eq!(changed, ["apple", "pear"]);

    db.close().await
}
