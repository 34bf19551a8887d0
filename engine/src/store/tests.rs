use bytes::Bytes;
use futures::FutureExt;

use super::*;
use crate::Error;

#[test]
fn both_kinds_of_root_keep_objects_alike() {
    let dir = tempfile::tempdir().unwrap();
    for root in [Root::memory(), Root::local(OsDisk::shared(), dir.path().join("a/b"))] {
        let run = async {
            let lock = root.lock().unwrap();
            root.preflight().await.unwrap();
            let body = Bytes::from_static(b"hello");
            assert_eq!(root.put_new("m/1", body.clone()).await.unwrap(), PutOutcome::Created);
            assert_eq!(root.put_new("m/1", Bytes::new()).await.unwrap(), PutOutcome::Exists);
            let mut writer = root.create("data/x").await.unwrap();
            for size in [10_usize, 300 << 10, 9 << 20, 5] {
                writer.write(vec![size as u8; size].into()).await.unwrap();
            }
            assert!(root.list("data/").await.unwrap().is_empty());
            let len = writer.finish().await.unwrap();
            let reader = root.open("data/x", len).await.unwrap();
            assert_eq!(reader.read(8..12).await.unwrap(), &[10, 10, 0, 0][..]);
            assert_eq!(reader.read(len - 6..len).await.unwrap(), &[0, 5, 5, 5, 5, 5][..]);
            assert!(matches!(reader.read(len..len + 1).await, Err(Error::Corrupt { .. })));
            drop(root.create("data/y").await.unwrap());
            let listed: Vec<_> = root.list("").await.unwrap().into_iter().map(|e| e.name).collect();
            assert_eq!(listed, ["data/x", "m/1"]);
            assert_eq!(root.get("m/1").await.unwrap(), Some(body));
            root.delete("m/1").await.unwrap();
            root.delete("m/1").await.unwrap();
            assert_eq!(root.get("m/1").await.unwrap(), None);
            drop(lock);
        };
        run.now_or_never().expect("neither root suspends");
    }
}
