//! A server on a free port, and HTTP/1.1 spelled by hand, so that no client tidies up a request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use agentchat_egress::{Addresses, Resolve};
use agentchat_launch::TestDatabase;
use agentchat_server::{Config, Running, Secret, Server};
use agentchat_store::{Engine, PostgresOptions, Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a server keeps everything: a folder, and a database when that is not in the folder.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    database: Option<TestDatabase>,
}

/// Knows no name.
#[derive(Debug)]
struct Nobody;

impl Resolve for Nobody {
    fn resolve<'a>(&'a self, _host: &'a str) -> Addresses<'a> {
        Box::pin(async { Err(std::io::ErrorKind::NotFound.into()) })
    }
}

impl Home {
    pub(crate) async fn new(engine: Engine) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(TestDatabase::new().await),
        };
        Self { folder: tempfile::tempdir().unwrap(), database }
    }

    /// The defaults of a server that lives here.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(self.folder.path());
        // Inboxes begin empty; tests of the system agent switch it on.
        config.system_agent = false;
        // Nothing leaves this machine, and what webhooks are owed stays as it was queued; tests of calls switch them on.
        config.deliver_webhooks = false;
        config.webhook_resolver = Arc::new(Nobody);
        config.database_url = self.database.as_ref().map(|database| Secret::new(database.url()));
        config
    }

    /// The store, while no server runs here.
    pub(crate) async fn store(&self) -> Store {
        match &self.database {
            None => Store::open(StoreOptions::new(self.folder.path())).unwrap(),
            Some(database) => Store::connect(PostgresOptions::parse(&database.url()).unwrap()).await.unwrap(),
        }
    }
}

/// A running server and where it lives.
pub(crate) struct TestServer {
    pub(crate) running: Running,
    pub(crate) home: Home,
}

impl TestServer {
    /// Starts with the defaults, in a folder alone.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with changes to the defaults.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on_with(Engine::Sqlite, change).await
    }

    /// Starts with the defaults on this engine.
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::on_with(engine, |_| {}).await
    }

    /// The same with changes to the defaults.
    pub(crate) async fn on_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let home = Home::new(engine).await;
        let mut config = home.config();
        change(&mut config);
        Self { running: Server::start(config).await.unwrap(), home }
    }

    /// Ends it; where it lived stays.
    pub(crate) async fn leave(self) -> Home {
        self.running.shutdown();
        self.running.wait().await;
        self.home
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"").await
    }

    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.running.addr()).await.unwrap();
        stream.write_all(&head(method, path, headers, Some(body.len()))).await.unwrap();
        stream.write_all(body).await.unwrap();
        Answer::read(stream).await
    }

    /// A body without a length, in chunks.
    pub(crate) async fn chunked(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.running.addr()).await.unwrap();
        stream.write_all(&head(method, path, &[("Transfer-Encoding", "chunked")], None)).await.unwrap();
        for chunk in body.chunks(64 * 1024) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            stream.write_all(chunk).await.unwrap();
            stream.write_all(b"\r\n").await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        Answer::read(stream).await
    }

    /// Whatever bytes, and what is answered until the connection closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.running.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        Answer::read(stream).await
    }

    /// Registers an agent as people do, reading the code from the mail folder; returns its key.
    pub(crate) async fn register(&self, handle: &str) -> String {
        let email = format!("{handle}@example.com");
        let begin = json!({ "email": email, "handle": handle }).to_string();
        let pending = self.request("POST", "/v1/register", &[], begin.as_bytes()).await.json();
        let verify = json!({ "pending_id": pending["pending_id"], "code": self.mailed_code(&email) }).to_string();
        let registered = self.request("POST", "/v1/register/verify", &[], verify.as_bytes()).await;
        assert_eq!(registered.status, 201, "{registered:?}");
        registered.json()["api_key"].as_str().unwrap().to_owned()
    }

    /// The six digits of the newest mail to an address.
    pub(crate) fn mailed_code(&self, email: &str) -> String {
        let text = std::fs::read_to_string(self.mails(email).max().unwrap()).unwrap();
        let (_headers, body) = text.split_once("\r\n\r\n").unwrap();
        let code = body.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6);
        code.unwrap_or_else(|| panic!("no code in {body}")).to_owned()
    }

    /// How many mails an address has got.
    pub(crate) fn mails_to(&self, email: &str) -> usize {
        self.mails(email).count()
    }

    fn mails(&self, email: &str) -> impl Iterator<Item = PathBuf> {
        let end = format!("-{email}.eml");
        let mails = std::fs::read_dir(self.home.folder.path().join("mail")).unwrap();
        mails.map(|entry| entry.unwrap().path()).filter(move |path| path.to_str().unwrap().ends_with(&end))
    }

    pub(crate) async fn stop(self) {
        self.leave().await;
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length.filter(|length| *length > 0) {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) content: Vec<u8>,
}

impl Answer {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let (head, content) = (std::str::from_utf8(&bytes[..end]).unwrap(), bytes[end + 4..].to_vec());
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let body = String::from_utf8_lossy(&content).into_owned();
        Self { status, headers: headers.collect(), body, content }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code, after checking that the answer is a whole error envelope.
    pub(crate) fn error_code(&self) -> String {
        let json = self.json();
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"), "{self:?}");
        assert!(json["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert!(json.as_object().unwrap().keys().all(|key| ["code", "message", "details"].contains(&key.as_str())));
        json["code"].as_str().unwrap().to_owned()
    }
}

/// Connects and gives the stream up at once, to see whether anybody listens.
pub(crate) async fn is_listening(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_ok()
}
