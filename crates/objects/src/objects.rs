//! The store of bytes: reading, deleting, whether it works.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{Location, Writing};

/// What a probe of a bucket said holds for so long; a folder is asked each time.
const PROBE_HOLDS: Duration = Duration::from_secs(1);
const PROBE_WITHIN: Duration = Duration::from_secs(3);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const REQUEST_WITHIN: Duration = Duration::from_secs(60);
const RETRY_WITHIN: Duration = Duration::from_secs(10);
const RETRIES: usize = 2;
/// S3 takes no smaller parts.
const BUCKET_PART: usize = 5 * 1024 * 1024;
const FOLDER_PART: usize = 1024 * 1024;
const PROBE: &str = "probe";

/// The bytes of an object, in order.
pub type ByteStream = BoxStream<'static, Result<Bytes, ObjectError>>;

/// Why an object cannot be had, or a store not be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is none of this name.
    #[error("there is no such object")]
    Absent,
    /// The store does not answer, refuses, or is full. For the log: it may name hosts and paths.
    #[error("the object store failed: {0}")]
    Failed(String),
}

impl From<object_store::Error> for ObjectError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Absent,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// What a bucket asks for, where the environment is not to say it.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// How to find out whether the store works.
#[derive(Debug)]
enum Probing {
    /// A folder may be full or read-only, which only writing tells; it need not last.
    Writing(LocalFileSystem),
    /// Asking costs, so what was said last holds for a moment.
    Asking(Mutex<Option<(Instant, bool)>>),
}

/// A store of bytes by name. Clones share it.
#[derive(Debug, Clone)]
pub struct Objects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    part: usize,
    probing: Probing,
}

impl Objects {
    /// Opens a folder, created if absent, or a bucket, which is not asked yet.
    ///
    /// # Errors
    /// The folder cannot be made, or the environment's credentials make no sense.
    pub fn open(location: &Location) -> Result<Self, ObjectError> {
        Self::open_as(location, None)
    }

    /// As [`Objects::open`], a bucket with these credentials in place of the environment's.
    ///
    /// # Errors
    /// As there.
    pub fn open_as(location: &Location, credentials: Option<Credentials>) -> Result<Self, ObjectError> {
        match location {
            Location::Folder(folder) => {
                let problem = |error| ObjectError::Failed(format!("{}: {error}", folder.display()));
                std::fs::create_dir_all(folder).map_err(problem)?;
                let store = LocalFileSystem::new_with_prefix(folder)?;
                let probing = Probing::Writing(store.clone());
                Ok(Self::new(Arc::new(store.with_fsync(true)), "", FOLDER_PART, probing))
            }
            Location::Bucket { bucket, prefix, endpoint, region } => {
                let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retries());
                if let Some(given) = credentials {
                    builder = builder.with_access_key_id(given.access_key_id);
                    builder = builder.with_secret_access_key(given.secret_access_key);
                }
                if let Some(region) = region {
                    builder = builder.with_region(region);
                }
                let mut options =
                    ClientOptions::new().with_connect_timeout(CONNECT_WITHIN).with_timeout(REQUEST_WITHIN);
                if let Some(endpoint) = endpoint {
                    options = options.with_allow_http(endpoint.starts_with("http://"));
                    builder = builder.with_endpoint(endpoint);
                }
                let store = builder.with_client_options(options).build()?;
                Ok(Self::new(Arc::new(store), prefix, BUCKET_PART, Probing::Asking(Mutex::default())))
            }
        }
    }

    fn new(store: Arc<dyn ObjectStore>, prefix: &str, part: usize, probing: Probing) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self(Arc::new(Inner { store, prefix, part, probing }))
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}{name}", self.0.prefix))
    }

    /// Begins an object. Nothing is to be seen of it until it is committed; then it takes the place of what had its
    /// name.
    pub fn begin(&self, name: &str) -> Writing {
        Writing::new(Arc::clone(&self.0.store), self.path(name), self.0.part)
    }

    /// Stores a whole object; it is durable when this returns.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), ObjectError> {
        self.0.store.put(&self.path(name), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// An object's bytes, or those of a part of it (`range` in bytes, its end excluded, inside the object).
    pub async fn get(&self, name: &str, range: Option<Range<u64>>) -> Result<ByteStream, ObjectError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.0.store.get_opts(&self.path(name), options).await?;
        Ok(found.into_stream().map(|chunk| chunk.map_err(ObjectError::from)).boxed())
    }

    /// How many bytes an object has.
    pub async fn size(&self, name: &str) -> Result<u64, ObjectError> {
        Ok(self.0.store.head(&self.path(name)).await?.size)
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        match self.0.store.delete(&self.path(name)).await.map_err(ObjectError::from) {
            Err(ObjectError::Absent) | Ok(()) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// Whether the store works; of a bucket, whether it did within the last second.
    pub async fn is_healthy(&self) -> bool {
        let probed = match &self.0.probing {
            Probing::Writing(folder) => return works(write_probe(folder)).await,
            Probing::Asking(probed) => probed,
        };
        let mut probed = probed.lock().await;
        match *probed {
            Some((at, healthy)) if at.elapsed() < PROBE_HOLDS => healthy,
            _ => {
                let healthy = works(self.ask_probe()).await;
                *probed = Some((Instant::now(), healthy));
                healthy
            }
        }
    }

    async fn ask_probe(&self) -> Result<(), ObjectError> {
        match self.size(PROBE).await {
            Err(ObjectError::Absent) | Ok(_) => Ok(()),
            Err(failed) => Err(failed),
        }
    }
}

async fn write_probe(folder: &LocalFileSystem) -> Result<(), ObjectError> {
    folder.put(&Path::from(PROBE), PutPayload::from_static(b"probe")).await?;
    match folder.delete(&Path::from(PROBE)).await {
        // Somebody else's probe of this moment.
        Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
        Err(failed) => Err(failed.into()),
    }
}

async fn works(probe: impl Future<Output = Result<(), ObjectError>>) -> bool {
    match tokio::time::timeout(PROBE_WITHIN, probe).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the object store does not work");
            false
        }
        Err(_) => {
            tracing::warn!("the object store does not answer");
            false
        }
    }
}

fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_WITHIN, ..RetryConfig::default() }
}
