//! Decisions about trees made by hand.

use std::sync::Arc;

use futures::FutureExt;

use super::{Garbage, Job, LEVELS, Work, pick};
use crate::{
    EngineOptions, Root,
    manifest::FileId,
    pins::Retained,
    sst::{PageCache, Table, TableOptions, TableWriter},
    state::{SortedRun, Tree},
    types::{KeyspaceId, Kind, Timestamp, VersionRef},
};

const KEYSPACE: KeyspaceId = KeyspaceId::FIRST_USER;

/// Makes tables in memory.
struct Files {
    root: Root,
    next: u64,
}

impl Files {
    fn new() -> Self {
        Self { root: Root::memory(), next: 0 }
    }

    /// A table with a version of each key: key, begin, end (0: open) and whether it is a value.
    fn table(&mut self, versions: &[(&str, u64, u64, bool)]) -> Table {
        self.next += 1;
        let id = FileId { epoch: 1, number: self.next };
        let root = self.root.clone();
        let write = async {
            let mut writer = TableWriter::create(&root, id, &TableOptions::default()).await.unwrap();
            for (key, begin, end, is_put) in versions {
                let end = if *end == 0 { Timestamp::OPEN } else { Timestamp::from_micros(*end) };
                let kind = if *is_put { Kind::Put } else { Kind::Delete };
                let (key, begin) = (key.as_bytes(), Timestamp::from_micros(*begin));
                writer.push(VersionRef { key, begin, end, kind, value: b"" }).await.unwrap();
            }
            let meta = writer.finish().await.unwrap();
            Table::open(&root, &meta, &PageCache::new(0)).await.unwrap()
        };
        write.now_or_never().expect("a root in memory never suspends")
    }

    fn run(&mut self, versions: &[(&str, u64, u64, bool)]) -> Arc<SortedRun> {
        Arc::new(SortedRun::new(vec![self.table(versions)]))
    }
}

fn levels(runs: Vec<(usize, Arc<SortedRun>)>) -> Vec<Arc<SortedRun>> {
    let mut levels = vec![Arc::default(); LEVELS];
    for (level, run) in runs {
        levels[level] = run;
    }
    levels
}

/// A delete of `a` in the file that is merged into would be dropped, and its older value below come back.
#[test]
fn a_merge_into_a_file_that_reaches_further_looks_below_all_of_it() {
    let mut files = Files::new();
    let level0 = (0..3).map(|at| files.run(&[("k", 50 - at, 0, true), ("l", 50 - at, 0, true)])).collect();
    let wide = files.run(&[("a", 20, 0, false), ("z", 20, 0, true)]);
    let last = files.run(&[("a", 10, 0, true)]);
    let levels = levels(vec![(LEVELS - 2, wide), (LEVELS - 1, last)]);
    let tree = Tree { level0, levels, history: Vec::new() };
    let retained = Retained { horizon: Timestamp::from_micros(100), pins: Vec::new() };
    let job = pick(KEYSPACE, &tree, &retained, &EngineOptions::tiny()).unwrap();
    assert_eq!(job.inputs.len(), 4);
    let work = Work::Merge { to_level: LEVELS - 2, garbage: Garbage::Keep };
    assert_eq!(job.work, work, "the oldest version of a is below");
}

#[test]
fn a_large_merge_is_cut_between_two_files_of_its_largest_run() {
    let mut files = Files::new();
    let tables: Vec<Table> = ["a", "c", "e", "g", "i"].map(|key| files.table(&[(key, 10, 0, true)])).to_vec();
    let bytes = tables[0].meta().len;
    let inputs = vec![files.run(&[("b", 20, 0, true), ("h", 20, 0, true)]), Arc::new(SortedRun::new(tables))];
    let work = Work::Merge { to_level: LEVELS - 1, garbage: Garbage::DropDeletes };
    let job = Job { keyspace: KEYSPACE, inputs, work };
    let whole = job.ranges(bytes * 2);
    assert!(
        whole.len() == 1 && whole[0].contains(b"a") && whole[0].contains(b"i"),
        "not large enough: {whole:?}"
    );
    let parts = job.ranges(bytes);
    assert_eq!(parts.len(), 2);
    for key in ["a", "b", "c", "e", "g", "h", "i", "z"] {
        let held = parts.iter().position(|part| part.contains(key.as_bytes())).unwrap();
        assert_eq!(held, usize::from(key >= "g"), "{key}");
        assert_eq!(parts.iter().filter(|part| part.contains(key.as_bytes())).count(), 1);
    }
}
