//! The transport itself, against a server that misbehaves byte by byte (D-21).

use std::time::{Duration, Instant};

use agentchat::{Client, ErrorKind, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BODY: &str = r#"{"count":7}"#;

/// A server that treats its connections so, one after another.
async fn server<F, Fut>(treat: F) -> String
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            treat(number, stream).await;
        }
    });
    format!("http://{address}")
}

/// Reads a request up to the end of its head.
async fn head(stream: &mut TcpStream) {
    let mut buffer = Vec::new();
    while !buffer.ends_with(b"\r\n\r\n") && stream.read_buf(&mut buffer).await.unwrap() > 0 {}
}

fn client(base: &str, timeout: u64, retries: u32) -> Client {
    let policy = RetryPolicy::new().max_retries(retries).base_delay(Duration::from_millis(1));
    Client::builder().base_url(base).timeout(Duration::from_millis(timeout)).retry(policy).build().unwrap()
}

#[tokio::test]
async fn answers_come_over_a_kept_connection() {
    let base = server(|number, mut stream| async move {
        assert_eq!(number, 0, "the connection is kept");
        for _ in 0..3 {
            head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = client(&base, 5000, 0);
    for _ in 0..3 {
        assert_eq!(client.undelivered_count().await.unwrap(), 7);
    }
}

#[tokio::test]
async fn d21_a_an_answer_that_never_ends_is_a_timeout() {
    let base = server(|_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{").await.unwrap();
        stream.read_buf(&mut Vec::new()).await.ok();
    })
    .await;
    let before = Instant::now();
    let error = client(&base, 200, 1).undelivered_count().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2));
    assert!(error.message().starts_with("AgentChat SDK: request timed out"));
    assert!((400..2000).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
}

#[tokio::test]
async fn d21_c_an_answer_that_is_cut_is_asked_for_again() {
    let base = server(|number, mut stream| async move {
        head(&mut stream).await;
        let cut = if number == 0 { 4 } else { BODY.len() };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", BODY.len(), &BODY[..cut]);
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    assert_eq!(client(&base, 5000, 1).undelivered_count().await.unwrap(), 7);
}

#[tokio::test]
async fn d21_e_a_call_that_is_dropped_closes_its_connection() {
    let (closed, was_closed) = tokio::sync::oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let base = server(move |_, mut stream| {
        let closed = closed.lock().unwrap().take();
        async move {
            head(&mut stream).await;
            assert_eq!(stream.read_buf(&mut Vec::new()).await.unwrap_or(0), 0);
            closed.unwrap().send(()).unwrap();
        }
    })
    .await;
    let client = client(&base, 60_000, 0);
    let call = tokio::time::timeout(Duration::from_millis(100), client.undelivered_count().into_future()).await;
    assert!(call.is_err());
    was_closed.await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&base, 5000, 0).undelivered_count().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_transport() && error.is_retryable());
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_a_protocol_error() {
    let base = server(|_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    })
    .await;
    let error = client(&base, 5000, 0).undelivered_count().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
