//! What every store promises, shown on a folder and on a bucket.

use std::time::{Duration, Instant};

use agentchat_objects::{Credentials, Location, ObjectError, Objects};
use bytes::Bytes;
use futures_util::TryStreamExt;

use crate::bucket::{Bucket, files};

/// A store of each kind, and what has to live as long as it.
struct Place {
    objects: Objects,
    folder: Option<tempfile::TempDir>,
    bucket: Option<Bucket>,
}

impl Place {
    async fn every() -> [Self; 2] {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&Location::folder(folder.path().join("objects"))).unwrap();
        let bucket = Bucket::start().await;
        let in_bucket = open_bucket(&bucket);
        [
            Self { objects, folder: Some(folder), bucket: None },
            Self { objects: in_bucket, folder: None, bucket: Some(bucket) },
        ]
    }

    /// Files that are there, finished or not.
    fn files(&self) -> Vec<String> {
        match (&self.folder, &self.bucket) {
            (Some(folder), _) => files(&folder.path().join("objects")),
            (None, Some(bucket)) => bucket.files(),
            (None, None) => Vec::new(),
        }
    }

    async fn break_it(&mut self) {
        if let Some(folder) = &self.folder {
            // A file where the folder was: nothing can be written below it, whoever tries.
            let objects = folder.path().join("objects");
            std::fs::remove_dir_all(&objects).unwrap();
            std::fs::write(objects, b"in the way").unwrap();
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.stop().await;
        }
    }
}

fn open_bucket(bucket: &Bucket) -> Objects {
    Objects::open_as(&bucket.location(), Some(Bucket::credentials())).unwrap()
}

async fn all(objects: &Objects, name: &str) -> Vec<u8> {
    read(objects, name, None).await
}

async fn read(objects: &Objects, name: &str, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let stream = objects.get(name, range).await.unwrap();
    stream
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
        .unwrap()
}

/// Bytes that are nowhere the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

#[tokio::test]
async fn an_object_is_read_as_it_was_written_whole_and_in_part() {
    for place in Place::every().await {
        let objects = &place.objects;
        // Around the sizes of parts: none, less than one, one, several and a bit.
        for length in [0, 1, 1024 * 1024, 5 * 1024 * 1024, 11 * 1024 * 1024 + 7] {
            let bytes = pattern(length);
            let mut writing = objects.begin("attachments/a");
            for chunk in bytes.chunks(70_001) {
                writing.write(chunk).await.unwrap();
            }
            writing.commit().await.unwrap();
            assert_eq!(objects.size("attachments/a").await.unwrap(), length as u64);
            assert!(all(objects, "attachments/a").await == bytes, "{length} bytes");
            if length > 10 {
                assert!(read(objects, "attachments/a", Some(3..9)).await == bytes[3..9]);
                let tail = length as u64 - 5..length as u64;
                assert!(read(objects, "attachments/a", Some(tail)).await == bytes[length - 5..]);
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_seen_of_an_object_that_was_not_committed() {
    for place in Place::every().await {
        let objects = &place.objects;
        let mut writing = objects.begin("attachments/a");
        writing.write(&pattern(12 * 1024 * 1024)).await.unwrap();
        assert!(matches!(objects.size("attachments/a").await, Err(ObjectError::Absent)));
        assert!(matches!(objects.get("attachments/a", None).await, Err(ObjectError::Absent)));
        drop(writing);
        until(|| place.files().iter().all(|file| !file.contains('#') && !file.contains("upload"))).await;
        assert!(matches!(objects.size("attachments/a").await, Err(ObjectError::Absent)));
    }
}

#[tokio::test]
async fn an_object_takes_the_place_of_another_at_once() {
    for place in Place::every().await {
        let objects = &place.objects;
        objects.put("avatars/a", Bytes::from_static(b"first")).await.unwrap();
        let mut writing = objects.begin("avatars/a");
        writing.write(&pattern(6 * 1024 * 1024)).await.unwrap();
        assert_eq!(all(objects, "avatars/a").await, b"first");
        writing.commit().await.unwrap();
        assert_eq!(objects.size("avatars/a").await.unwrap(), 6 * 1024 * 1024);
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_may_be_deleted_again() {
    for place in Place::every().await {
        let objects = &place.objects;
        objects.put("attachments/a", Bytes::from_static(b"a")).await.unwrap();
        objects.put("attachments/b", Bytes::from_static(b"b")).await.unwrap();
        objects.delete("attachments/a").await.unwrap();
        objects.delete("attachments/a").await.unwrap();
        assert!(matches!(objects.get("attachments/a", None).await, Err(ObjectError::Absent)));
        assert_eq!(all(objects, "attachments/b").await, b"b");
    }
}

#[tokio::test]
async fn a_store_that_fails_says_so() {
    for mut place in Place::every().await {
        assert!(place.objects.is_healthy().await);
        assert!(place.files().is_empty(), "a probe leaves nothing");
        place.objects.put("attachments/a", Bytes::from_static(b"a")).await.unwrap();
        place.break_it().await;
        let failed = place.objects.put("attachments/b", Bytes::from_static(b"b")).await;
        assert!(matches!(failed, Err(ObjectError::Failed(_))), "{failed:?}");
        let objects = place.objects.clone();
        let deadline = Instant::now() + Duration::from_secs(30);
        while objects.is_healthy().await {
            assert!(Instant::now() < deadline, "the probe does not notice");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_bucket_that_knows_nothing_of_these_credentials_fails() {
    let bucket = Bucket::start().await;
    let stranger = Credentials { secret_access_key: "another".into(), ..Bucket::credentials() };
    let objects = Objects::open_as(&bucket.location(), Some(stranger)).unwrap();
    assert!(matches!(objects.put("a", Bytes::from_static(b"a")).await, Err(ObjectError::Failed(_))));
    assert!(!objects.is_healthy().await);
}
