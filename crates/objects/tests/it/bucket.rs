//! An S3-compatible server in this process, over a folder.

use std::net::SocketAddr;
use std::path::Path;

use agentchat_objects::{Credentials, Location};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A bucket, served for as long as this exists.
pub(crate) struct Bucket {
    pub(crate) folder: tempfile::TempDir,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bytes")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, folder.path().to_owned()));
        Self { folder, address, serving }
    }

    pub(crate) fn location(&self) -> Location {
        let text = format!("s3://bytes/some/prefix?endpoint=http://{}&region=eu-west-1", self.address);
        text.parse().unwrap()
    }

    pub(crate) fn credentials() -> Credentials {
        Credentials { access_key_id: KEY.to_owned(), secret_access_key: SECRET.to_owned() }
    }

    /// Nobody answers there any more.
    pub(crate) async fn stop(&mut self) {
        self.serving.abort();
        let _aborted = (&mut self.serving).await;
    }

    /// Files of the server, whatever they are called.
    pub(crate) fn files(&self) -> Vec<String> {
        files(self.folder.path())
    }
}

async fn serve(listener: TcpListener, folder: std::path::PathBuf) {
    let service = {
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        builder.build()
    };
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        connections.spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            let _ended = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Every file below a folder, by its path from there.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}
