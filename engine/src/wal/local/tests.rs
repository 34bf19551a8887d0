use std::path::Path;

use futures::FutureExt;

use super::*;
use crate::{
    Error, manifest,
    store::Root,
    testing::{SeededRandom, SimDisk},
    types::{Durability, KeyspaceId, LogBounds, LogPosition, Timestamp, WriteBatch},
    wal::{StampedBatch, payload},
};

const DIR: &str = "/db";

fn root(disk: &SimDisk) -> Root {
    Root::local(disk.shared(), DIR)
}

fn file(position: LogPosition) -> std::path::PathBuf {
    Path::new(DIR).join(position.object_name())
}

fn batch(seed: u64, values: &[usize]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (index, len) in values.iter().enumerate() {
        let key = format!("key-{seed}-{index}");
        if *len == usize::MAX {
            batch.delete(KeyspaceId::new(7), key);
        } else {
            batch.put(KeyspaceId::new(7 + index as u64 / 2), key, vec![seed as u8; *len]);
        }
    }
    batch
}

type Commits = Vec<(Timestamp, WriteBatch)>;

fn read(root: &Root, from: LogPosition) -> Result<(Commits, ReplayEnd)> {
    let mut commits = Vec::new();
    let end = replay(root, LogBounds::from(from), |at, writes| {
        let mut batch = WriteBatch::new();
        for write in writes {
            batch.push(write);
        }
        commits.push((at, batch));
        Ok(())
    })
    .now_or_never()
    .expect("a local root never suspends")?;
    Ok((commits, end))
}

fn append(log: &mut LocalLog, at: u64, batch: &WriteBatch, durability: Durability) -> Result<()> {
    log.append(&[StampedBatch { at: Timestamp::from_micros(at), batch }], durability)
}

/// A log of one segment with one synced record per size.
fn small_log(disk: &SimDisk, sizes: &[usize]) -> Commits {
    let mut log = LocalLog::create(&root(disk), 1).unwrap();
    let mut commits = Vec::new();
    for (index, size) in sizes.iter().enumerate() {
        let at = index as u64 + 1;
        let batch = batch(at, &[*size, usize::MAX]);
        append(&mut log, at, &batch, Durability::Sync).unwrap();
        commits.push((Timestamp::from_micros(at), batch));
    }
    commits
}

fn end_of_log(disk: &SimDisk) -> u64 {
    read(&root(disk), LogPosition::first(1)).unwrap().1.last.unwrap().1
}

#[test]
fn what_was_appended_is_replayed_through_segments_and_epochs() {
    let root = root(&SimDisk::new());
    let mut expected = Vec::new();
    let mut clock = 0;
    let mut end = ReplayEnd::default();
    for epoch in 1..4 {
        let mut log = LocalLog::create_after(&root, epoch, 0, &end).unwrap();
        for segment in 0..3 {
            for size in [0, 1, 300, 384, 385, 508, 509, 5000] {
                clock += 2;
                let (a, b) = (batch(clock, &[size, usize::MAX, 3]), batch(clock + 1, &[size]));
                let at = Timestamp::from_micros(clock);
                let group = [StampedBatch { at, batch: &a }, StampedBatch { at: at.next(), batch: &b }];
                let durability = if size % 2 == 0 { Durability::Sync } else { Durability::Buffered };
                log.append(&group, durability).unwrap();
                expected.extend([(at, a), (at.next(), b)]);
            }
            if segment < 2 {
                log.rotate().unwrap();
            }
        }
        drop(log);
        let (commits, found) = read(&root, LogPosition::first(1)).unwrap();
        assert_eq!(commits, expected);
        end = found;
    }
    let from = LogPosition { epoch: 2, sequence: 3 };
    delete_before(&root, from).now_or_never().unwrap().unwrap();
    let (commits, _) = read(&root, from).unwrap();
    assert_eq!(commits, expected[expected.len() - 64..]);
}

#[test]
fn records_larger_than_a_chunk_grow_the_file() {
    let disk = SimDisk::new();
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    let large = batch(1, &[20 << 10, 70 << 10]);
    for at in 1..4 {
        append(&mut log, at, &large, Durability::Sync).unwrap();
    }
    let (commits, _) = read(&root(&disk), LogPosition::first(1)).unwrap();
    assert_eq!(commits.len(), 3);
    assert!(commits.iter().all(|(_, batch)| *batch == large));
}

#[test]
fn a_last_record_with_any_sector_unwritten_is_the_end() {
    let disk = SimDisk::new();
    let commits = small_log(&disk, &[10, 3000]);
    let (begin, end) = (end_before_last(&disk, 2), end_of_log(&disk));
    let path = file(LogPosition::first(1));
    // A sector is written whole or not at all: with any of its own sectors missing, the record is torn.
    for sector in (begin.next_multiple_of(512)..end).step_by(512) {
        let torn = disk.copy();
        let mut bytes = torn.read_file(&path);
        let to = (sector as usize + 512).min(bytes.len());
        bytes[sector as usize..to].fill(0);
        torn.write_file(&path, bytes);
        let (found, end) = read(&root(&torn), LogPosition::first(1)).unwrap();
        assert_eq!(found, commits[..1]);
        assert!(end.torn);
    }
}

/// Offset of the last of `count` records.
fn end_before_last(disk: &SimDisk, count: u64) -> u64 {
    let bytes = disk.read_file(file(LogPosition::first(1)));
    let position = LogPosition::first(1);
    let mut offset = segment::RECORDS_BEGIN;
    for _ in 1..count {
        let slot = &bytes[offset as usize..][..64];
        let segment::Slot::Record(header) =
            segment::decode_slot(slot, position, segment::seed(position), offset)
        else {
            panic!("there is a record at {offset}")
        };
        offset = segment::next_slot(offset + segment::extent(offset, u64::from(header.len)));
    }
    offset
}

#[test]
fn a_file_cut_anywhere_inside_of_the_log_is_corrupt() {
    let disk = SimDisk::new();
    let commits = small_log(&disk, &[10, 700, 1, 0]);
    let end = end_of_log(&disk);
    let path = file(LogPosition::first(1));
    for len in 0..end + 200 {
        let cut = disk.copy();
        cut.cut(&path, len);
        match read(&root(&cut), LogPosition::first(1)) {
            Err(Error::Corrupt { file, .. }) => assert_eq!(file, LogPosition::first(1).object_name()),
            Ok((found, _)) => {
                assert!(len >= end + segment::SLOT, "a log cut at {len} was accepted");
                assert_eq!(found, commits);
            }
            Err(other) => panic!("unexpected error {other}"),
        }
    }
}

#[test]
fn a_changed_byte_is_found_or_has_no_effect() {
    let disk = SimDisk::new();
    // Values that leave one byte in the last sector, and zeros that must not be taken for unwritten sectors.
    let mut commits = small_log(&disk, &[0, 900, 403, 2]);
    let mut log = LocalLog::create(&root(&disk), 2).unwrap();
    let zeros = {
        let mut batch = WriteBatch::new();
        batch.put(KeyspaceId::new(1), "zeros", vec![0; 2048]);
        batch
    };
    append(&mut log, 9, &zeros, Durability::Sync).unwrap();
    commits.push((Timestamp::from_micros(9), zeros));
    for epoch in [1, 2] {
        let path = file(LogPosition::first(epoch));
        let clean = disk.read_file(&path);
        for offset in 0..3600_u64 {
            for mask in [0x01, 0x80, clean[offset as usize]].into_iter().filter(|mask| *mask != 0) {
                disk.flip(&path, offset, mask);
                match read(&root(&disk), LogPosition::first(1)) {
                    Err(Error::Corrupt { file, .. }) => {
                        assert_eq!(file, LogPosition::first(epoch).object_name(), "byte {offset}");
                    }
                    Ok((found, _)) => {
                        assert_eq!(found, commits, "byte {offset} mask {mask:#x} changed the answer");
                    }
                    Err(other) => panic!("unexpected error {other}"),
                }
                disk.flip(&path, offset, mask);
            }
        }
    }
}

#[test]
fn a_hole_before_acknowledged_records_is_corrupt() {
    let disk = SimDisk::new();
    small_log(&disk, &[600, 600, 600, 600]);
    let path = file(LogPosition::first(1));
    let (begin, end) = (segment::RECORDS_BEGIN as usize, end_before_last(&disk, 4) as usize);
    let clean = disk.read_file(&path);
    for sector in (begin..end - 1024).step_by(512) {
        let mut bytes = clean.clone();
        bytes[sector..sector + 512].fill(0);
        disk.write_file(&path, bytes);
        let result = read(&root(&disk), LogPosition::first(1));
        assert!(matches!(result, Err(Error::Corrupt { .. })), "sector {sector}: {result:?}");
    }
}

#[test]
fn a_missing_or_misplaced_segment_is_corrupt() {
    let disk = SimDisk::new();
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    for at in 1..4 {
        append(&mut log, at, &batch(at, &[5]), Durability::Sync).unwrap();
        log.rotate().unwrap();
    }
    let (_, end) = read(&root(&disk), LogPosition::first(1)).unwrap();
    drop(LocalLog::create_after(&root(&disk), 2, 0, &end).unwrap());
    let positions: Vec<_> = (1..=4).map(|sequence| LogPosition { epoch: 1, sequence }).collect();
    for lost in &positions {
        let damaged = disk.copy();
        damaged.delete_file(file(*lost));
        let Err(Error::Corrupt { file: name, .. }) = read(&root(&damaged), positions[0]) else {
            panic!("the loss of {lost:?} was not noticed")
        };
        assert_eq!(name, lost.object_name());
    }
    let swapped = disk.copy();
    let (a, b) = (swapped.read_file(file(positions[0])), swapped.read_file(file(positions[1])));
    swapped.write_file(file(positions[0]), b);
    swapped.write_file(file(positions[1]), a);
    assert!(matches!(read(&root(&swapped), positions[0]), Err(Error::Corrupt { .. })));
    let after_flush = LogPosition { epoch: 1, sequence: 5 };
    assert!(matches!(read(&root(&disk), after_flush), Err(Error::Corrupt { .. })));
}

fn bounds(epoch: u64, begun: u64) -> LogBounds {
    LogBounds { begun, epoch, manifest: 100, ..LogBounds::from(LogPosition::first(1)) }
}

fn replayed(disk: &SimDisk, bounds: LogBounds) -> Result<ReplayEnd> {
    replay(&root(disk), bounds, |_, _| Ok(())).now_or_never().expect("a local root never suspends")
}

fn assert_missing(outcome: Result<ReplayEnd>, what: &str) {
    let Err(Error::Corrupt { file, detail, .. }) = outcome else { panic!("the loss of {what} was not seen") };
    assert_eq!(file, what, "{detail}");
    assert!(detail.contains("missing") || detail.contains("no file"), "{detail}");
}

#[test]
fn the_newest_segment_is_missed_whichever_it_is() {
    for segments in 1..5 {
        let disk = SimDisk::new();
        let mut log = LocalLog::create_after(&root(&disk), 1, 7, &ReplayEnd::default()).unwrap();
        for at in 1..segments {
            append(&mut log, at, &batch(at, &[700]), Durability::Sync).unwrap();
            log.rotate().unwrap();
        }
        append(&mut log, 10, &batch(10, &[700]), Durability::Sync).unwrap();
        let newest = log.position();
        assert_eq!(replayed(&disk, bounds(1, 1)).unwrap().commits, segments);
        for put_directory in [false, true] {
            let damaged = disk.copy();
            damaged.delete_file(file(newest));
            if put_directory {
                damaged.shared().create_dir_all(&file(newest)).unwrap();
            }
            assert_missing(replayed(&damaged, bounds(1, 1)), &newest.object_name());
        }
        let empty = SimDisk::new();
        assert_missing(replayed(&empty, bounds(1, 1)), &LogPosition::first(1).object_name());
    }
}

#[test]
fn the_first_segment_of_a_later_epoch_is_missed_too() {
    let disk = SimDisk::new();
    small_log(&disk, &[10]);
    let end = replayed(&disk, bounds(1, 1)).unwrap();
    drop(LocalLog::create_after(&root(&disk), 2, 3, &end).unwrap());
    disk.delete_file(file(LogPosition::first(2)));
    assert_missing(replayed(&disk, bounds(2, 2)), &LogPosition::first(2).object_name());
    // An epoch that was claimed by a process that died then has none.
    assert_eq!(replayed(&disk, bounds(2, 1)).unwrap().commits, 1);
    assert_eq!(replayed(&disk, bounds(9, 1)).unwrap().commits, 1);
}

#[test]
fn what_is_written_behind_a_replay_is_noticed() {
    let disk = SimDisk::new();
    let root = root(&disk);
    let mut end = replayed(&disk, bounds(1, 0)).unwrap();
    let ends_there = |end: &ReplayEnd| ends_there(&root, bounds(1, 0), end).unwrap();
    assert!(ends_there(&end), "there is no log");
    let mut log = LocalLog::create(&root, 1).unwrap();
    let later: [fn(&mut LocalLog); 4] = [
        |_| {},
        |log| append(log, 5, &batch(5, &[700]), Durability::Sync).unwrap(),
        |log| _ = log.rotate().unwrap(),
        |log| log.note_manifest(9).unwrap(),
    ];
    for write in later {
        write(&mut log);
        assert!(!ends_there(&end));
        end = replayed(&disk, bounds(1, 0)).unwrap();
        assert!(ends_there(&end));
    }
}

#[test]
fn a_log_of_before_may_not_have_begun() {
    let disk = SimDisk::new();
    assert_eq!(replayed(&disk, bounds(1, 0)).unwrap(), ReplayEnd::default());
    drop(LocalLog::create(&root(&disk), 3).unwrap());
    assert_eq!(replayed(&disk, bounds(3, 0)).unwrap().first, Some(LogPosition::first(3)));
}

#[test]
fn a_manifest_that_went_is_named_instead_of_the_segment_that_it_made_needless() {
    let disk = SimDisk::new();
    let mut log = LocalLog::create_after(&root(&disk), 1, 7, &ReplayEnd::default()).unwrap();
    append(&mut log, 1, &batch(1, &[10]), Durability::Sync).unwrap();
    log.rotate().unwrap();
    log.note_manifest(8).unwrap();
    let with = |manifest| LogBounds { manifest, ..bounds(1, 1) };
    assert_eq!(replayed(&disk, with(8)).unwrap().newest_manifest, 8);
    assert_missing(replayed(&disk, with(7)), &manifest::object_name(8));
    // The same where the segment is gone that the manifest had made needless.
    disk.delete_file(file(LogPosition::first(1)));
    assert_missing(replayed(&disk, with(7)), &manifest::object_name(8));
    assert_missing(replayed(&disk, with(8)), &LogPosition::first(1).object_name());
    // And of an epoch that no manifest claims.
    drop(LocalLog::create_after(&root(&disk), 2, 9, &ReplayEnd::default()).unwrap());
    assert_missing(replayed(&disk, with(8)), &manifest::object_name(9));
}

#[test]
fn a_log_of_version_1_0_is_read() {
    let disk = SimDisk::new();
    small_log(&disk, &[10, 2000]);
    let path = file(LogPosition::first(1));
    let mut bytes = disk.read_file(&path);
    // As it was written then: minor version 0; manifests are not known.
    let seed = segment::seed(LogPosition::first(1));
    bytes[10..12].copy_from_slice(&0u16.to_le_bytes());
    let checksum = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes[..504], seed);
    bytes[504..512].copy_from_slice(&checksum.to_le_bytes());
    disk.write_file(&path, bytes);
    assert_eq!(replayed(&disk, bounds(1, 0)).unwrap().commits, 2);
}

#[test]
fn the_room_ahead_is_given_back_and_the_log_goes_on() {
    let disk = SimDisk::new();
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    append(&mut log, 1, &batch(1, &[700]), Durability::Sync).unwrap();
    let before = disk.used();
    assert!(log.give_back().unwrap());
    assert!(!log.give_back().unwrap(), "there is nothing more");
    assert!(disk.used() + 8_192 < before, "{before} bytes became {}", disk.used());
    disk.set_capacity(Some(disk.used()));
    let mut number = 1;
    let error = loop {
        number += 1;
        match append(&mut log, number, &batch(number, &[700]), Durability::Sync) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_full(), "{error}");
    disk.set_capacity(None);
    append(&mut log, number, &batch(number, &[700]), Durability::Sync).unwrap();
    for seed in 0..8 {
        assert_eq!(replayed(&disk.crash(seed), bounds(1, 1)).unwrap().commits, number);
    }
}

#[test]
fn the_room_ahead_of_a_log_that_nobody_writes_is_given_back() {
    let disk = SimDisk::new();
    small_log(&disk, &[10, 2000]);
    let before = disk.used();
    assert!(give_back(&root(&disk), bounds(1, 1)).unwrap());
    assert!(!give_back(&root(&disk), bounds(1, 1)).unwrap());
    assert!(disk.used() + 8_192 < before);
    assert_eq!(replayed(&disk, bounds(1, 1)).unwrap().commits, 2);
}

#[test]
fn a_disk_with_little_room_is_not_filled_ahead() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(64 << 10));
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    assert!(disk.used() <= 8 << 10, "{} bytes", disk.used());
    for at in 1..8 {
        append(&mut log, at, &batch(at, &[2000]), Durability::Sync).unwrap();
        log.rotate().unwrap();
    }
    assert_eq!(replayed(&disk, bounds(1, 1)).unwrap().commits, 7);
}

#[test]
fn a_tail_lost_after_recovery_is_corrupt() {
    let disk = SimDisk::new();
    small_log(&disk, &[600, 600]);
    let (_, end) = read(&root(&disk), LogPosition::first(1)).unwrap();
    drop(LocalLog::create_after(&root(&disk), 2, 0, &end).unwrap());
    let path = file(LogPosition::first(1));
    let mut bytes = disk.read_file(&path);
    let last = end_before_last(&disk, 2) as usize;
    bytes[last..].fill(0);
    disk.write_file(&path, bytes);
    assert!(matches!(read(&root(&disk), LogPosition::first(1)), Err(Error::Corrupt { .. })));
}

#[test]
fn an_epoch_that_was_never_written_to_can_be_created_again() {
    let disk = SimDisk::new();
    drop(LocalLog::create(&root(&disk), 1).unwrap());
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    append(&mut log, 1, &batch(1, &[1]), Durability::Sync).unwrap();
    assert!(matches!(LocalLog::create(&root(&disk), 1), Err(Error::Invalid(_))));
}

#[test]
fn a_failed_write_poisons_the_log_and_a_full_disk_does_not() {
    let disk = SimDisk::new();
    let mut log = LocalLog::create(&root(&disk), 1).unwrap();
    disk.set_capacity(Some(disk.used()));
    let error = append(&mut log, 1, &batch(1, &[50 << 10]), Durability::Sync).unwrap_err();
    assert!(error.is_full(), "{error}");
    // With what it gives back it could go on in a new segment.
    assert!(log.give_back().unwrap());
    disk.set_capacity(Some(disk.used()));
    assert!(log.rotate().unwrap_err().is_full());
    append(&mut log, 1, &batch(1, &[10]), Durability::Sync).unwrap();
    disk.fail_at(disk.operations() + 2);
    let error = append(&mut log, 2, &batch(2, &[10]), Durability::Sync).unwrap_err();
    assert!(matches!(error, Error::Poisoned(_)), "the sync failed: {error}");
    assert!(matches!(append(&mut log, 3, &batch(3, &[1]), Durability::Buffered), Err(Error::Poisoned(_))));
    assert!(matches!(log.rotate(), Err(Error::Poisoned(_))));
}

#[test]
fn a_batch_over_one_gibibyte_is_refused_and_the_log_goes_on() {
    let mut log = LocalLog::create(&root(&SimDisk::new()), 1).unwrap();
    let value = bytes::Bytes::from(vec![1; 200 << 20]);
    let mut large = WriteBatch::new();
    (0..6_u8).for_each(|key| large.put(KeyspaceId::new(1), vec![key], value.clone()));
    assert!(matches!(append(&mut log, 1, &large, Durability::Sync), Err(Error::Invalid(_))));
    append(&mut log, 1, &batch(1, &[1]), Durability::Sync).unwrap();
}

#[test]
fn what_a_killed_process_left_unsynced_is_durable_once_replayed() {
    for seed in 0..20 {
        let disk = SimDisk::new();
        let mut log = LocalLog::create(&root(&disk), 1).unwrap();
        append(&mut log, 1, &batch(1, &[900]), Durability::Buffered).unwrap();
        drop(log);
        let (found, end) = read(&root(&disk), LogPosition::first(1)).unwrap();
        assert_eq!(found.len(), 1);
        let mut log = LocalLog::create_after(&root(&disk), 2, 0, &end).unwrap();
        append(&mut log, 2, &batch(2, &[1]), Durability::Sync).unwrap();
        let (found, _) = read(&root(&disk.crash(seed)), LogPosition::first(1)).unwrap();
        assert_eq!(found.len(), 2, "seed {seed}");
    }
}

/// Random commits, crashes at a random operation, recovery after recovery: what was acknowledged is there,
/// what is there is a prefix of what was written.
#[test]
fn crashes_lose_nothing_acknowledged_and_leave_no_hole() {
    for seed in 0..200 {
        let mut random = SeededRandom::new(seed);
        let mut disk = SimDisk::new();
        let mut written: Commits = Vec::new();
        let mut end = ReplayEnd::default();
        for epoch in 1..5 {
            disk.crash_at(disk.operations() + 1 + random.below(60));
            let acknowledged = run_epoch(&disk, epoch, &end, &mut written, &mut random);
            disk = disk.crash(random.next_u64());
            let (found, found_end) = read(&root(&disk), LogPosition::first(1))
                .unwrap_or_else(|error| panic!("seed {seed} epoch {epoch}: {error}"));
            assert!(found.len() >= acknowledged, "seed {seed} epoch {epoch}: an acknowledged commit is lost");
            assert_eq!(found, written[..found.len()], "seed {seed} epoch {epoch}: not a prefix");
            written.truncate(found.len());
            end = found_end;
        }
    }
}

/// Writes until the disk stops; returns how many commits of all epochs are acknowledged as durable.
fn run_epoch(
    disk: &SimDisk,
    epoch: u64,
    end: &ReplayEnd,
    written: &mut Commits,
    random: &mut SeededRandom,
) -> usize {
    let mut acknowledged = written.len();
    let Ok(mut log) = LocalLog::create_after(&root(disk), epoch, 0, end) else { return acknowledged };
    for _ in 0..60 {
        if random.one_in(12) && log.rotate().is_err() {
            return acknowledged;
        }
        let at = written.last().map_or(1, |(at, _)| at.as_micros() + 1);
        let batch = batch(at, &[random.below(1500) as usize, random.below(40) as usize]);
        let durability = if random.one_in(2) { Durability::Sync } else { Durability::Buffered };
        let result = append(&mut log, at, &batch, durability);
        written.push((Timestamp::from_micros(at), batch));
        match (result, durability) {
            (Ok(()), Durability::Sync) => acknowledged = written.len(),
            (Ok(()), Durability::Buffered) => {}
            (Err(_), _) => return acknowledged,
        }
    }
    acknowledged
}

proptest::proptest! {
    #[test]
    fn any_bytes_decode_to_writes_or_an_error(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = payload::decode(&bytes.into(), |_, _| Ok(()));
    }
}
