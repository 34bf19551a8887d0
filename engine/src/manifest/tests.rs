use std::path::PathBuf;

use bytes::Bytes;
use futures::FutureExt;

use super::*;
use crate::{
    Error,
    store::{OsDisk, Root},
};

fn sample(id: u64, parent: Option<(u64, u128)>) -> Manifest {
    let file = |number: u64| FileMeta {
        id: FileId { epoch: 3, number },
        owner: (number == 2).then(|| "s3://other/db".to_owned()),
        len: 1000 + number,
        hash: u128::MAX - u128::from(number),
        rows: 10,
        min_key: Bytes::from_static(b"a"),
        max_key: Bytes::from_static(b"zz"),
        max_end: Timestamp::OPEN,
        begin_override: Some(Timestamp::from_micros(77)),
        schema_version: 4,
        ..FileMeta::default()
    };
    let run = |number| Run { files: vec![file(number), file(number + 1)] };
    let keyspace = KeyspaceManifest {
        horizon: Timestamp::from_micros(5),
        retention_us: Some(9),
        level0: vec![run(1), run(3)],
        levels: vec![Run::default(), run(5)],
        history: vec![HistoryGroup { newest_pin: Timestamp::OPEN, runs: vec![run(7)] }],
        ..KeyspaceManifest::default()
    };
    Manifest {
        id,
        epoch: 3,
        nonce: u128::from(id) << 70,
        parent,
        last_timestamp: Timestamp::from_micros(1 << 50),
        log: LogPosition { epoch: 3, sequence: 9 },
        next_file: 12,
        horizon: Timestamp::from_micros(1 << 40),
        retention_us: 1 << 30,
        keyspaces: [(KeyspaceId::new(1), KeyspaceManifest::default()), (KeyspaceId::FIRST_USER, keyspace)]
            .into(),
        settings: [("a".to_owned(), vec![1, 2, 3]), ("b".to_owned(), Vec::new())].into(),
    }
}

#[test]
fn a_manifest_reads_back_as_written() {
    let manifest = sample(42, Some((41, 7)));
    assert_eq!(decode("m", 42, &encode(&manifest).unwrap()).unwrap(), manifest);
}

#[test]
fn the_newest_manifest_is_loaded_and_a_taken_id_fences() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), PathBuf::from(dir.path()))] {
        let run = async {
            assert!(load_newest(&root).await.unwrap().is_none());
            let first = publish(&root, &sample(1, None)).await.unwrap();
            let second = publish(&root, &sample(2, Some((1, first)))).await.unwrap();
            let newest = load_newest(&root).await.unwrap().unwrap();
            assert_eq!((newest.manifest.id, newest.hash), (2, second));
            let other = Manifest { nonce: 5, ..sample(2, None) };
            assert!(matches!(publish(&root, &other).await, Err(Error::Fenced { epoch: 3 })));
            prune(&root, 2).await.unwrap();
            assert!(matches!(publish(&root, &sample(1, None)).await, Err(Error::Fenced { epoch: 3 })));
            prune(&root, 2).await.unwrap();
            publish(&root, &sample(3, Some((2, 1)))).await.unwrap();
            assert!(matches!(load_newest(&root).await, Err(Error::Corrupt { .. })));
        };
        run.now_or_never().expect("neither root suspends");
    }
}
