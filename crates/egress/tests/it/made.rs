//! Calls that are made: to whom, and what is taken of the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentchat_egress::{CallError, Client, Guard};
use http::{HeaderMap, HeaderValue, StatusCode};
use rustls::RootCertStore;

use crate::names::Names;
use crate::receiver::{GOOD, Identity, Manner, Receiver};

const HERE: &[&str] = &["127.0.0.1"];

fn client(names: &Arc<Names>, roots: RootCertStore) -> Client {
    Client::with(Guard::AllowPrivate, Arc::clone(names) as _, roots).unwrap()
}

async fn post(client: &Client, url: &str) -> Result<StatusCode, CallError> {
    client.post(url, HeaderMap::new(), "{}".into()).await
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(5), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_call_reaches_the_host_that_its_url_names() {
    let identity = Identity::of("hooks.test");
    let receiver = Receiver::secure(&identity, GOOD).await;
    let client = client(&Names::stand_for(&[HERE]), identity.roots.clone());
    let mut headers = HeaderMap::new();
    headers.insert("x-agentchat-event", HeaderValue::from_static("message.new"));
    let url = format!("https://hooks.test:{}/in/here?a=b", receiver.address.port());
    assert_eq!(client.post(&url, headers, "{\"a\":1}".into()).await.unwrap(), 200);
    let request = receiver.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"a\":1}");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /in/here?a=b HTTP/1.1"));
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_unstable();
    let host = format!("host: hooks.test:{}", receiver.address.port());
    assert_eq!(lines, ["content-length: 7", &host, "x-agentchat-event: message.new"]);
}

#[tokio::test]
async fn a_certificate_must_say_the_urls_host() {
    let identity = Identity::of("hooks.test");
    let receiver = Receiver::secure(&identity, GOOD).await;
    let port = receiver.address.port();
    let client_that_trusts = client(&Names::stand_for(&[HERE]), identity.roots.clone());
    // Its address, and every other name, are not what the certificate says.
    for host in ["other.test", "127.0.0.1", "hooks.test.evil.test"] {
        let error = post(&client_that_trusts, &format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, CallError::Tls(_)), "{host}: {error}");
    }
    let stranger = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    let error = post(&stranger, &format!("https://hooks.test:{port}/")).await.unwrap_err();
    assert!(matches!(error, CallError::Tls(_)), "{error}");
    assert_eq!(receiver.requests(), Vec::<String>::new());
    assert_eq!(post(&client_that_trusts, &format!("https://hooks.test.:{port}/")).await.unwrap(), 200);
}

#[tokio::test]
async fn redirects_are_answers_like_others() {
    let elsewhere = Receiver::plain(GOOD).await;
    for status in ["301", "302", "307", "308"] {
        let location = format!("http://{}/", elsewhere.address);
        let answer = format!("HTTP/1.1 {status} x\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let receiver = Receiver::plain(Manner::Says(answer.leak())).await;
        let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
        let answered = post(&client, &format!("http://{}/", receiver.address)).await.unwrap();
        assert_eq!(answered.as_str(), status);
        assert_eq!(receiver.requests().len(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// The name stands for something else the moment after it was looked at: the call goes to what was looked at.
#[tokio::test]
async fn a_name_is_asked_once_and_the_connection_goes_to_that_answer() {
    let looked_at = Receiver::plain(GOOD).await;
    let port = looked_at.address.port();
    let later = Receiver::at(SocketAddr::from(([127, 0, 0, 2], port)), None, GOOD).await;
    let names = Names::stand_for(&[HERE, &["127.0.0.2"]]);
    let client = client(&names, RootCertStore::empty());
    assert_eq!(post(&client, &format!("http://hooks.test:{port}/")).await.unwrap(), 200);
    assert_eq!(names.asked(), ["hooks.test"]);
    assert_eq!((looked_at.requests().len(), later.connections()), (1, 0));
}

#[tokio::test]
async fn connections_are_kept_while_the_name_stands_for_their_address() {
    let first = Receiver::plain(GOOD).await;
    let port = first.address.port();
    let second = Receiver::at(SocketAddr::from(([127, 0, 0, 2], port)), None, GOOD).await;
    let names = Names::stand_for(&[HERE, HERE, HERE, &["127.0.0.2"]]);
    let client = client(&names, RootCertStore::empty());
    for _ in 0..3 {
        assert_eq!(post(&client, &format!("http://hooks.test:{port}/")).await.unwrap(), 200);
    }
    assert_eq!((first.connections(), first.requests().len()), (1, 3));
    assert_eq!(names.asked().len(), 3, "it is asked at every call");
    assert_eq!(post(&client, &format!("http://hooks.test:{port}/")).await.unwrap(), 200);
    assert_eq!((first.requests().len(), second.requests().len()), (3, 1));
}

#[tokio::test]
async fn a_connection_serves_one_name_alone() {
    let receiver = Receiver::plain(GOOD).await;
    let port = receiver.address.port();
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    for host in ["one.test", "two.test"] {
        assert_eq!(post(&client, &format!("http://{host}:{port}/")).await.unwrap(), 200);
    }
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_the_other_side_closed_is_replaced() {
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let receiver = Receiver::plain(Manner::Says(closing)).await;
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    for _ in 0..2 {
        assert_eq!(post(&client, &format!("http://{}/", receiver.address)).await.unwrap(), 200);
    }
    assert_eq!((receiver.connections(), receiver.requests().len()), (2, 2));
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let receiver = Receiver::plain(GOOD).await;
    let client = client(&Names::stand_for(&[&["127.0.0.3", "127.0.0.1"]]), RootCertStore::empty());
    assert_eq!(post(&client, &format!("http://hooks.test:{}/", receiver.address.port())).await.unwrap(), 200);
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let receiver = Receiver::plain(Manner::Endless).await;
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    let began = Instant::now();
    assert_eq!(post(&client, &format!("http://{}/", receiver.address)).await.unwrap(), 200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    until("the connection is given up", || receiver.ended() == 1).await;
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    let receiver = Receiver::plain(Manner::Says("hello\r\n\r\n")).await;
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    let error = post(&client, &format!("http://{}/", receiver.address)).await.unwrap_err();
    assert!(matches!(error, CallError::Exchange(_)), "{error}");
}

#[tokio::test]
async fn a_call_takes_ten_seconds_at_the_most() {
    let receiver = Receiver::plain(Manner::Silent).await;
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    let began = Instant::now();
    let error = post(&client, &format!("http://{}/", receiver.address)).await.unwrap_err();
    assert_eq!(error.to_string(), "timed out after 10 s");
    assert!((10..13).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    until("the connection is given up", || receiver.ended() == 1).await;
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let receiver = Receiver::plain(GOOD).await;
    let url = format!("http://{}/", receiver.address);
    drop(receiver);
    let client = client(&Names::stand_for(&[HERE]), RootCertStore::empty());
    until("it is gone", || std::net::TcpStream::connect(&url[7..url.len() - 1]).is_err()).await;
    let error = post(&client, &url).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect: connection refused");
}
