//! State of a disk after a power loss.

use std::collections::{BTreeMap, BTreeSet};

use super::{Directory, Inode, Machine, Pending};
use crate::testing::SeededRandom;

const SECTOR: usize = 512;

/// Fate of everything that was not synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Kept,
    /// Every name and every sector for itself.
    Mixed,
}

pub(super) fn crash(before: &Machine, seed: u64) -> Machine {
    let mut random = SeededRandom::new(seed);
    let fate = match random.below(4) {
        0 => Fate::Lost,
        1 => Fate::Kept,
        _ => Fate::Mixed,
    };
    rebuild(before, fate, &mut random)
}

pub(super) fn keep_all(before: &Machine) -> Machine {
    rebuild(before, Fate::Kept, &mut SeededRandom::new(0))
}

fn rebuild(before: &Machine, fate: Fate, random: &mut SeededRandom) -> Machine {
    let mut after = Machine {
        next_inode: before.next_inode,
        capacity: before.capacity,
        directories: before
            .directories
            .iter()
            .map(|(path, directory)| {
                let names = surviving_names(directory, fate, random);
                (path.clone(), Directory { synced: names.clone(), names })
            })
            .collect(),
        ..Machine::default()
    };
    let named: BTreeSet<u64> =
        after.directories.values().flat_map(|directory| directory.names.values().copied()).collect();
    for inode in named {
        let bytes = surviving_bytes(&before.inodes[&inode], fate, random);
        after.inodes.insert(inode, Inode { synced: bytes.clone(), bytes, pending: Vec::new() });
    }
    after
}

fn surviving_names(directory: &Directory, fate: Fate, random: &mut SeededRandom) -> BTreeMap<String, u64> {
    let all: BTreeSet<&String> = directory.names.keys().chain(directory.synced.keys()).collect();
    let mut names = BTreeMap::new();
    for name in all {
        let keep_new = match fate {
            Fate::Lost => false,
            Fate::Kept => true,
            Fate::Mixed => random.one_in(2),
        };
        let from = if keep_new { &directory.names } else { &directory.synced };
        if let Some(inode) = from.get(name) {
            names.insert(name.clone(), *inode);
        }
    }
    names
}

fn surviving_bytes(inode: &Inode, fate: Fate, random: &mut SeededRandom) -> Vec<u8> {
    match fate {
        Fate::Lost => inode.synced.clone(),
        Fate::Kept => inode.bytes.clone(),
        Fate::Mixed => mixed_bytes(inode, random),
    }
}

/// Every unsynced sector in one of the states it had since the last sync; the length anywhere between.
fn mixed_bytes(inode: &Inode, random: &mut SeededRandom) -> Vec<u8> {
    let (old_len, new_len) = (inode.synced.len(), inode.bytes.len());
    let len = match random.below(3) {
        0 => old_len,
        1 => new_len,
        _ => {
            let sectors = (new_len - old_len).div_ceil(SECTOR) as u64;
            (old_len + random.below(sectors + 1) as usize * SECTOR).min(new_len)
        }
    };
    let mut bytes = inode.synced.clone();
    bytes.resize(len, 0);
    let mut changes: BTreeMap<usize, Vec<(usize, &[u8])>> = BTreeMap::new();
    for pending in &inode.pending {
        let Pending::Write { offset, bytes } = pending else { continue };
        let mut at = *offset as usize;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            changes.entry(at / SECTOR).or_default().push((at, part));
            (at, rest) = (at + part.len(), behind);
        }
    }
    for parts in changes.values() {
        let kept = random.below(parts.len() as u64 + 1) as usize;
        for (at, part) in &parts[..kept] {
            let end = (at + part.len()).min(len);
            if *at < end {
                bytes[*at..end].copy_from_slice(&part[..end - at]);
            }
        }
    }
    bytes
}
