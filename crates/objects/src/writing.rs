//! An object that is being written.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};

use crate::ObjectError;

/// An object in the making, never more than a part of it in memory. Dropped without [`Writing::commit`], it never was.
#[derive(Debug)]
pub struct Writing {
    store: Arc<dyn ObjectStore>,
    path: Path,
    part: usize,
    gathered: BytesMut,
    /// Begun with the first full part; what is shorter is stored at once.
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Writing {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, path: Path, part: usize) -> Self {
        Self { store, path, part, gathered: BytesMut::new(), upload: None }
    }

    /// Adds bytes at the end; waits for the store when a part is full.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), ObjectError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.part - self.gathered.len()));
            self.gathered.extend_from_slice(now);
            bytes = later;
            if self.gathered.len() == self.part {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    /// Makes the object visible; it is durable when this returns.
    pub async fn commit(mut self) -> Result<(), ObjectError> {
        if self.upload.is_none() {
            let whole = PutPayload::from_bytes(self.take());
            self.store.put(&self.path, whole).await?;
            return Ok(());
        }
        if !self.gathered.is_empty() {
            self.send_part().await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        // Complete: nothing is left to be given up.
        self.upload = None;
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), ObjectError> {
        let part = PutPayload::from_bytes(self.take());
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => self.upload.insert(self.store.put_multipart(&self.path).await?),
        };
        Ok(upload.put_part(part).await?)
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.gathered).freeze()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(mut upload), Ok(runtime)) = (self.upload.take(), runtime) {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, "an unfinished object was not given up");
                }
            });
        }
    }
}
