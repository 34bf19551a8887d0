use std::path::PathBuf;

use futures::FutureExt;

use super::*;
use crate::{
    store::{OsDisk, Root},
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};

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

fn read(root: &Root, from: LogPosition) -> Result<(Vec<(Timestamp, WriteBatch)>, ReplayEnd)> {
    let mut commits = Vec::new();
    let end = replay(root, from, |at, writes| {
        let mut batch = WriteBatch::new();
        writes.into_iter().for_each(|write| batch.push(write));
        commits.push((at, batch));
        Ok(())
    })
    .now_or_never()
    .expect("a local root never suspends")?;
    Ok((commits, end))
}

#[test]
fn what_was_appended_is_replayed_through_segments_and_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::local(OsDisk::shared(), PathBuf::from(dir.path()));
    let mut expected = Vec::new();
    let mut clock = 0;
    let mut end = ReplayEnd::default();
    for epoch in 1..4 {
        let mut log = Log::create_after(&root, epoch, &end).unwrap();
        for segment in 0..3 {
            for size in [0, 1, 300, 384, 385, 508, 509, 5000] {
                clock += 2;
                let (a, b) = (batch(clock, &[size, usize::MAX, 3]), batch(clock + 1, &[size]));
                let at = Timestamp::from_micros(clock);
                let group = [StampedBatch { at, batch: &a }, StampedBatch { at: at.next(), batch: &b }];
                log.append(&group, if size % 2 == 0 { Durability::Sync } else { Durability::Buffered })
                    .unwrap();
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
