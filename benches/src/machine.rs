//! The machine that the figures belong to, and what its disk can do by itself.

use std::{
    fs,
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

/// Cores, processor and memory in one line.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let memory =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{cores} cores, {cpu}, {} GiB, load {load} at the start", memory.unwrap_or(0) >> 20)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The most memory that this process has held, in bytes.
pub fn peak_memory() -> u64 {
    let text = field("/proc/self/status", "VmHWM").unwrap_or_default();
    text.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Bytes of all files below `dir`.
pub fn size_of_dir(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of_dir(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// Time of `count` appends of `bytes` bytes to a file, each followed by `fdatasync`: what a durable commit
/// costs at least. `prepared`: the file is long enough before.
pub fn disk_syncs(dir: &Path, count: usize, bytes: usize, prepared: bool) -> Duration {
    let path = dir.join("raw-disk");
    let file = File::create(&path).expect("a file can be made");
    if prepared {
        let len = (count * bytes) as u64;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len).expect("room on the disk");
        file.sync_all().expect("the disk syncs");
    }
    let payload = vec![7; bytes];
    let start = Instant::now();
    for index in 0..count {
        file.write_all_at(&payload, (index * bytes) as u64).expect("the disk takes bytes");
        file.sync_data().expect("the disk syncs");
    }
    let elapsed = start.elapsed();
    drop(file);
    let _ = fs::remove_file(path);
    elapsed
}
