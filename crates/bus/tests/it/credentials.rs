//! Passwords, tokens, TLS, and that none of them shows.

use std::io::Write;
use std::sync::{Arc, Mutex};

use agentchat_bus::{Bus, Health, NatsOptions, Subject};
use agentchat_launch::Nats;
use tracing_subscriber::fmt::MakeWriter;

use crate::node::Node;

/// Payloads pass at this address.
async fn works(url: &str) {
    let sender = Node::at(url, &[]).await;
    let mut receiver = Node::at(url, &[Subject::Agent(1)]).await;
    receiver.hears(&sender, Subject::Agent(1), "welcome").await;
}

fn with(nats: &Nats, credentials: &str) -> String {
    format!("nats://{credentials}@{}", nats.address())
}

#[tokio::test]
async fn user_and_password() {
    let nats = Nats::start_with(&["--user", "ann", "--pass", "a:b@c/d,e%"]);
    works(&with(&nats, "ann:a%3Ab%40c%2Fd%2Ce%25")).await;
}

#[tokio::test]
async fn token() {
    let nats = Nats::start_with(&["--auth", "s3cret-token"]);
    works(&with(&nats, "s3cret-token")).await;
}

#[tokio::test]
async fn an_account_limited_to_the_installation_is_enough() {
    let settings = tempfile::NamedTempFile::new().unwrap();
    let limited = r#"authorization { users = [ { user: ann, password: s3cret,
        permissions: { publish: "agentchat.main.>", subscribe: "agentchat.main.>" } } ] }"#;
    std::fs::write(settings.path(), limited).unwrap();
    let nats = Nats::start_with(&["--config", settings.path().to_str().unwrap()]);
    works(&with(&nats, "ann:s3cret")).await;
}

/// A server that insists on TLS, with a certificate of its own making, and where that is.
struct Encrypted {
    nats: Nats,
    folder: tempfile::TempDir,
}

impl Encrypted {
    fn start() -> Encrypted {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap());
        let nats = Nats::start_with(&["--tls", "--tlscert", certificate, "--tlskey", key]);
        Encrypted { nats, folder }
    }

    fn url(&self, scheme: &str) -> String {
        let trusted = self.folder.path().join("certificate.pem");
        format!("{scheme}://{}?sslrootcert={}", self.nats.address(), trusted.display())
    }
}

#[tokio::test]
async fn tls_with_certificates_of_ones_own() {
    let server = Encrypted::start();
    works(&server.url("tls")).await;
    // The server insists.
    works(&server.url("nats")).await;
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_talked_to() {
    let server = Encrypted::start();
    let node = Node::begin(&format!("tls://{}", server.nats.address())).await;
    assert_eq!(node.bus.health(), Health::Lost);
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_when_tls_is_asked_for() {
    let nats = Nats::start();
    let node = Node::begin(&format!("tls://{}", nats.address())).await;
    assert_eq!(node.bus.health(), Health::Lost);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// On one thread, so that the log has what all tasks say, at the finest level.
#[tokio::test]
async fn secrets_are_not_shown() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let nats = Nats::start_with(&["--user", "ann", "--pass", "s3cret"]);

    let (right, wrong) = (with(&nats, "ann:s3cret"), with(&nats, "ann:s3crets"));
    works(&right).await;
    let refused = Node::begin(&wrong).await;
    assert_eq!(refused.bus.health(), Health::Lost);

    let options = NatsOptions { url: wrong, installation: "main".into() };
    let shown = format!("{options:?} {:?} {}", refused.bus, log.text());
    assert!(shown.contains("authorization violation"), "the log is there, and tells what is wrong");
    assert!(shown.contains(&nats.address().to_string()));
    assert!(!shown.contains("s3cret"));
}
