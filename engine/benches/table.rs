//! What one table file costs on one core: writing, point reads, page scans. Prints the median of several
//! rounds.
//!
//! `cargo bench -p bygone-engine --bench table`
//!
//! One million rows of 16-byte keys and 100-byte values, half of them compressible, in memory and in a
//! directory; the cache is large enough for all of it and warm, but where the first round or the OS cache is
//! said. Where the kernel tells (Linux), time is that of the thread on the processor, so that a busy machine
//! does not count.
#![expect(clippy::disallowed_methods, reason = "a bench measures real time and asks the kernel for it")]
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::{hint::black_box, sync::OnceLock, time::Instant};

use bygone_engine::{
    FileId, FileMeta, Kind, Result, Timestamp, VersionRef,
    internals::sst::{CachePolicy, Compression, PageCache, Table, TableOptions, TableWriter},
    store::{OsDisk, Root},
};

const ROWS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const READS: u64 = 500_000;

/// The key of row `n`: 16 bytes, in order of `n`, every other number.
fn key(n: u64) -> [u8; 16] {
    let mut key = *b"keyspace________";
    key[8..].copy_from_slice(&(n * 2).to_be_bytes());
    key
}

/// Spreads numbers.
fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (n ^ (n >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// 100 bytes: 52 that do not compress, 48 that do.
fn value(n: u64, out: &mut [u8; 100]) {
    for (i, eight) in out[..52].chunks_mut(8).enumerate() {
        eight.copy_from_slice(&mix(n * 8 + i as u64).to_le_bytes()[..eight.len()]);
    }
}

fn begin(n: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + n % 1000)
}

async fn write(root: &Root, number: u64, options: &TableOptions) -> Result<FileMeta> {
    let mut writer = TableWriter::create(root, FileId { epoch: 1, number }, options).await?;
    let mut bytes = [b'-'; 100];
    for n in 0..ROWS {
        value(n, &mut bytes);
        let key = key(n);
        let version =
            VersionRef { key: &key, begin: begin(n), end: Timestamp::OPEN, kind: Kind::Put, value: &bytes };
        writer.push(version).await?;
    }
    writer.finish().await
}

/// Seconds since some moment, of this thread on the processor where the kernel tells.
fn now() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let on_processor = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    match on_processor {
        Some(nanos) if nanos > 0.0 => nanos / 1e9,
        _ => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

/// Seconds of `work`, the median of the rounds.
fn median(mut work: impl FnMut(u64)) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS as u64)
        .map(|round| {
            let start = now();
            work(round);
            now() - start
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

fn rate(what: &str, count: u64, seconds: f64) {
    let (nanos, millions) = (seconds * 1e9 / count as f64, count as f64 / seconds / 1e6);
    println!("{what:<44} {nanos:>9.1} ns each {millions:>9.2} M/s");
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let directory = tempfile::tempdir().expect("a directory for the files");
    let options = TableOptions::default();
    let run =
        |future: std::pin::Pin<Box<dyn Future<Output = Result<FileMeta>> + '_>>| runtime.block_on(future);

    let memory = Root::memory();
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    for (what, options) in [
        ("write, memory, LZ4", options.clone()),
        ("write, memory, LZ4, no filter", TableOptions { filter: false, ..options.clone() }),
        ("write, memory, not compressed", TableOptions { compression: Compression::None, ..options.clone() }),
        ("write, memory, dense", TableOptions { compression: Compression::Dense, ..options.clone() }),
    ] {
        let mut len = 0;
        let seconds = median(|_| {
            let meta = run(Box::pin(write(&memory, next(), &options))).expect("the file is written");
            len = meta.len;
        });
        rate(what, ROWS, seconds);
        println!("{:<44} {:>9.1} bytes a row", "", len as f64 / ROWS as f64);
    }
    let local = Root::local(OsDisk::shared(), directory.path());
    let mut meta = None;
    let seconds = median(|round| {
        meta = Some(run(Box::pin(write(&local, 1000 + round, &options))).expect("the file is written"));
    });
    rate("write, directory with sync, LZ4", ROWS, seconds);
    let meta = meta.expect("a file was written");

    let cache = PageCache::new(1 << 30);
    let seconds = median(|_| {
        for _ in 0..50 {
            black_box(runtime.block_on(Table::open(&local, &meta, &cache)).expect("the file opens"));
        }
    });
    rate("open", 50, seconds);
    let table = runtime.block_on(Table::open(&local, &meta, &cache))?;
    println!("index and filter: {} KiB; {} pages", table.weight() >> 10, table.index().len());
    runtime.block_on(reads(&table, &local, &meta))?;
    Ok(())
}

async fn reads(table: &Table, root: &Root, meta: &FileMeta) -> Result<()> {
    let mut seconds = Vec::new();
    for round in 0..=ROUNDS as u64 {
        let start = now();
        for n in 0..READS {
            let found = table.get(&key(mix(n + round * READS) % ROWS), Timestamp::LAST).await?;
            assert!(black_box(found).is_some(), "the key was written");
        }
        seconds.push(now() - start);
    }
    report("get, hit, first round (cache fills)", READS, &mut seconds[..1].to_vec());
    report("get, hit, warm", READS, &mut seconds[1..].to_vec());

    let mut seconds = Vec::new();
    for round in 0..ROUNDS as u64 {
        let start = now();
        for n in 0..READS {
            let mut key = key(mix(n + round * READS) % ROWS);
            key[15] |= 1;
            assert!(black_box(table.get(&key, Timestamp::LAST).await?).is_none(), "the key was not written");
        }
        seconds.push(now() - start);
    }
    report("get, miss", READS, &mut seconds);

    for (what, policy) in
        [("scan, cached", CachePolicy::Keep), ("scan, from the OS cache", CachePolicy::PassBy)]
    {
        let mut seconds = Vec::new();
        for _ in 0..ROUNDS {
            let cold = PageCache::new(1 << 20);
            let other = Table::open(root, meta, &cold).await?;
            let table = if policy == CachePolicy::Keep { table } else { &other };
            let start = now();
            let (mut sum, mut scratch) = (0, Vec::new());
            for page in 0..table.index().len() {
                let page = table.page(page, policy).await?;
                for row in 0..page.rows() {
                    sum += page.begin(row).as_micros() + page.suffix(row).len() as u64;
                    sum += u64::from(page.value(row, &mut scratch)[0])
                        + u64::from(page.end(row) == Timestamp::OPEN);
                }
            }
            black_box(sum);
            seconds.push(now() - start);
        }
        report(what, ROWS, &mut seconds);
    }
    Ok(())
}

fn report(what: &str, count: u64, seconds: &mut [f64]) {
    seconds.sort_by(f64::total_cmp);
    rate(what, count, seconds[seconds.len() / 2]);
}
