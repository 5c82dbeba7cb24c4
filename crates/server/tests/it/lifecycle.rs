//! Start and shutdown.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::time::{Duration, Instant};

use agentchat_server::{Config, Server, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{TestServer, is_listening};

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = TestServer::start().await;
    let error = Server::start(server.home.config()).await.unwrap_err();
    assert!(matches!(error, StartError::Store(_)));
    assert!(error.to_string().contains("in use by another process"), "{error}");
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.listen = server.running.addr();
    let error = Server::start(config).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}", server.running.addr())), "{error}");
}

#[tokio::test]
async fn after_a_shutdown_nobody_listens_and_the_folder_is_free() {
    let server = TestServer::start().await;
    let address = server.running.addr();
    let home = server.leave().await;
    assert!(!is_listening(address).await);
    let again = Server::start(home.config()).await.unwrap();
    again.shutdown();
    again.wait().await;
}

#[store_test]
async fn a_request_in_flight_is_finished_and_told_that_the_server_drains(engine: Engine) {
    let server = TestServer::on(engine).await;
    let mut stream = TcpStream::connect(server.running.addr()).await.unwrap();
    // The body's last byte is missing, so the server is in the middle of this request.
    stream.write_all(b"GET /v1/ready HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n").await.unwrap();
    // Answered after the server took the first connection: accepts are in order.
    assert_eq!(server.get("/v1/health").await.status, 200);
    server.running.shutdown();
    stream.write_all(b"x\r\n0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!(
        answer.contains(r#""details":{"checks":{"database":"ok","storage":"ok"},"retry_after_ms":1000}"#),
        "{answer}"
    );
    server.running.wait().await;
}

#[store_test]
async fn an_idle_connection_does_not_hold_the_shutdown_up(engine: Engine) {
    let server = TestServer::on(engine).await;
    let _idle = TcpStream::connect(server.running.addr()).await.unwrap();
    assert_eq!(server.get("/v1/health").await.status, 200);
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
