use std::time::Duration;

use agentchat_launch::Gate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn behind_a_gate() -> (Gate, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Gate::to(listener.local_addr().unwrap()).await, listener)
}

async fn connect(gate: &Gate) -> TcpStream {
    TcpStream::connect(gate.address()).await.unwrap()
}

async fn accept_one(listener: &TcpListener) -> TcpStream {
    timeout(PATIENCE, listener.accept()).await.expect("a connection comes").unwrap().0
}

async fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut came = vec![0; bytes.len()];
    timeout(PATIENCE, stream.read_exact(&mut came)).await.expect("bytes come").unwrap();
    assert_eq!(came, bytes);
}

async fn expect_nothing(stream: &mut TcpStream) {
    let came = timeout(Duration::from_millis(200), stream.read_u8()).await;
    assert!(came.is_err(), "{came:?} came");
}

async fn expect_end(stream: &mut TcpStream) {
    let end = timeout(PATIENCE, stream.read_u8()).await.expect("the end comes");
    assert!(end.is_err(), "{end:?} came");
}

#[tokio::test]
async fn an_open_gate_passes_both_ways_and_the_end() {
    let (gate, listener) = behind_a_gate().await;
    let mut client = connect(&gate).await;
    let mut server = accept_one(&listener).await;
    client.write_all(b"ping").await.unwrap();
    expect(&mut server, b"ping").await;
    server.write_all(b"pong").await.unwrap();
    expect(&mut client, b"pong").await;
    drop(client);
    expect_end(&mut server).await;
}

#[tokio::test]
async fn a_cut_holds_everything_back_until_healed() {
    let (gate, listener) = behind_a_gate().await;
    let mut client = connect(&gate).await;
    let mut server = accept_one(&listener).await;
    client.write_all(b"before").await.unwrap();
    expect(&mut server, b"before").await;

    gate.cut();
    client.write_all(b"ping").await.unwrap();
    server.write_all(b"pong").await.unwrap();
    let mut late = connect(&gate).await;
    late.write_all(b"late").await.unwrap();
    expect_nothing(&mut server).await;
    expect_nothing(&mut client).await;
    let accepted = timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(accepted.is_err(), "{accepted:?}");

    gate.heal();
    expect(&mut server, b"ping").await;
    expect(&mut client, b"pong").await;
    expect(&mut accept_one(&listener).await, b"late").await;
}

#[tokio::test]
async fn a_cut_gate_hides_the_end_too() {
    let (gate, listener) = behind_a_gate().await;
    let client = connect(&gate).await;
    let mut server = accept_one(&listener).await;
    gate.cut();
    drop(client);
    expect_nothing(&mut server).await;
    gate.heal();
    expect_end(&mut server).await;
}

#[tokio::test]
async fn severing_closes_what_is_open_or_waits() {
    let (gate, listener) = behind_a_gate().await;
    let mut client = connect(&gate).await;
    let mut server = accept_one(&listener).await;
    client.write_all(b"ping").await.unwrap();
    expect(&mut server, b"ping").await;
    gate.sever();
    expect_end(&mut client).await;
    expect_end(&mut server).await;

    let mut next = connect(&gate).await;
    next.write_all(b"next").await.unwrap();
    expect(&mut accept_one(&listener).await, b"next").await;
}

#[tokio::test]
async fn without_a_gate_there_are_no_connections() {
    let (gate, listener) = behind_a_gate().await;
    let mut client = connect(&gate).await;
    let mut server = accept_one(&listener).await;
    let address = gate.address();
    drop(gate);
    expect_end(&mut client).await;
    expect_end(&mut server).await;
    assert!(TcpStream::connect(address).await.is_err());
}
