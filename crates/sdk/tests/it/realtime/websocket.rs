//! Real sockets against a server that misbehaves (D-8f, D-9, D-10d, D-19, R3, R11).

use std::time::Duration;

use agentchat::{ApiKey, ErrorKind, Event, Events, RealtimeBuilder, ReconnectPolicy, State, Tuning};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

const HELLO_OK: &str = r#"{"type":"hello.ok","handle":"me","capabilities":["ack"]}"#;

async fn listen() -> (TcpListener, RealtimeBuilder) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let builder = RealtimeBuilder::new(ApiKey::parse("ac_live_SECRET").unwrap()).base_url(base);
    (listener, builder.reconnect(ReconnectPolicy::default().initial(Duration::from_millis(1))))
}

/// A server's side that has accepted HELLO.
async fn accepted(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    let hello = socket.next().await.unwrap().unwrap();
    assert!(hello.to_text().unwrap().contains(r#""api_key":"ac_live_SECRET""#));
    socket.send(Message::text(HELLO_OK)).await.unwrap();
    socket
}

/// Answers one upgrade with this.
async fn refuse(listener: &TcpListener, answer: &str) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("GET /v1/ws HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("SECRET") && !head.to_ascii_lowercase().contains("authorization"), "{head}");
    stream.write_all(format!("{answer}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
}

fn message(n: u64, text: &str) -> Message {
    Message::text(format!(
        r#"{{"type":"message.new","payload":{{"id":"c{n}","conversation_id":"c","seq":{n},"content":{{"text":"{text}"}}}}}}"#
    ))
}

async fn until<T>(events: &mut Events, mut found: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = found(events.next().await.expect("the stream goes on")) {
            return found;
        }
    }
}

fn disconnected(event: Event) -> Option<u16> {
    match event {
        Event::Disconnected(end) => Some(end.code),
        _ => None,
    }
}

#[tokio::test]
async fn a_message_goes_there_and_its_acknowledgement_back() {
    let (listener, builder) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = accepted(&listener).await;
        socket.send(message(1, "hi")).await.unwrap();
        let ack = socket.next().await.unwrap().unwrap();
        assert_eq!(ack.to_text().unwrap(), r#"{"type":"ack","message_id":"c1"}"#);
        let close = socket.next().await.unwrap().unwrap();
        assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));
        assert!(socket.next().await.is_none());
    });
    let (realtime, mut events) = builder.connect().await.unwrap();
    until(&mut events, |event| match event {
        Event::Message(delivery) => Some(delivery),
        _ => None,
    })
    .await
    .ack();
    assert!(realtime.close().await.unwrap().closed_cleanly);
    server.await.unwrap();
}

#[tokio::test]
async fn d08_f_large_frames_are_taken_up_to_the_limit() {
    let (listener, builder) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = accepted(&listener).await;
        socket.send(message(1, &"x".repeat(2 << 20))).await.unwrap();
        // The client leaves in the middle of this one.
        socket.send(message(2, &"x".repeat(4 << 20))).await.ok();
        accepted(&listener).await
    });
    let (realtime, mut events) = builder.max_frame_bytes(3 << 20).connect().await.unwrap();
    let first = until(&mut events, |event| match event {
        Event::Message(delivery) => Some(delivery),
        _ => None,
    });
    let first = first.await;
    assert_eq!(first.raw().as_str().len() >> 20, 2);
    first.ack();
    assert_eq!(until(&mut events, disconnected).await, 1009);
    until(&mut events, |event| matches!(event, Event::Connected(_)).then_some(())).await;
    drop(realtime);
    server.await.unwrap();
}

#[tokio::test]
async fn d09_a_a_close_in_place_of_an_answer_is_followed_by_a_reconnect() {
    let (listener, builder) = listen().await;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        socket.send(Message::Close(Some(CloseFrame { code: 1013.into(), reason: "overload".into() }))).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
        accepted(&listener).await
    });
    let (realtime, mut events) = builder.start().unwrap();
    assert_eq!(until(&mut events, disconnected).await, 1013);
    until(&mut events, |event| matches!(event, Event::Connected(_)).then_some(())).await;
    assert!(realtime.is_connected());
    server.await.unwrap();
}

#[tokio::test]
async fn d10_d_a_refusal_for_good_is_the_error_of_connect() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (listener, builder) = listen().await;
        let server = tokio::spawn(async move { refuse(&listener, &format!("HTTP/1.1 {status}")).await });
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Terminal);
        assert!(error.message().starts_with("WebSocket connection rejected with HTTP 40"), "{error}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn d10_g_an_upgrade_that_is_to_wait_waits() {
    let (listener, builder) = listen().await;
    let server = tokio::spawn(async move { refuse(&listener, "HTTP/1.1 503 Busy\r\nretry-after: 7").await });
    let (realtime, _events) = builder.start().unwrap();
    server.await.unwrap();
    let now = std::time::Instant::now();
    realtime.wait_for(State::Waiting { until: now, attempt: 1 }).await.unwrap();
    let State::Waiting { until, .. } = realtime.state() else { panic!("{realtime:?}") };
    assert!(until.duration_since(now) > Duration::from_secs(6));
}

#[tokio::test]
async fn d19_a_the_upgrade_follows_no_redirect() {
    let (listener, builder) = listen().await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{}/v1/ws", other.local_addr().unwrap());
    let server = tokio::spawn(async move { refuse(&listener, &answer).await });
    let error = builder.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WebSocket);
    assert!(error.message().contains("302"), "{error}");
    server.await.unwrap();
    let visited = std::future::poll_fn(|context| std::task::Poll::Ready(other.poll_accept(context).is_ready())).await;
    assert!(!visited, "the other host is not visited");
}

#[tokio::test]
async fn r11_a_peer_that_answers_no_ping_is_left() {
    let (listener, builder) = listen().await;
    let mut tuning = Tuning::default();
    tuning.ping = Duration::from_millis(50);
    let server = tokio::spawn(async move {
        // The stream is held but not read, so no pong goes out.
        let silent = accepted(&listener).await;
        let again = accepted(&listener).await;
        drop((silent, again));
    });
    let (_realtime, mut events) = builder.tuning(tuning).connect().await.unwrap();
    assert_eq!(until(&mut events, disconnected).await, 1011);
    until(&mut events, |event| matches!(event, Event::Connected(_)).then_some(())).await;
    server.await.unwrap();
}

#[tokio::test]
async fn r11_a_peer_that_answers_pings_is_kept() {
    let (listener, builder) = listen().await;
    let mut tuning = Tuning::default();
    tuning.ping = Duration::from_millis(20);
    let server = tokio::spawn(async move {
        let mut socket = accepted(&listener).await;
        let mut pings = 0;
        while pings < 5 {
            pings += usize::from(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        }
        socket.send(message(1, "still there")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let (realtime, mut events) = builder.tuning(tuning).connect().await.unwrap();
    let kept = until(&mut events, |event| match event {
        Event::Message(delivery) => Some(Ok(delivery)),
        Event::Disconnected(end) => Some(Err(end)),
        _ => None,
    });
    kept.await.unwrap().ack();
    realtime.close().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_no_secure_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        }
    });
    let key = ApiKey::parse("k").unwrap();
    let error = RealtimeBuilder::new(key).base_url(format!("https://{address}")).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WebSocket);
    let client = agentchat::Client::builder().base_url(format!("https://{address}"));
    let error = client.retry(agentchat::RetryPolicy::NONE).build().unwrap().get_me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}
