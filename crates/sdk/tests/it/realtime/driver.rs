//! The task that executes the machine, over a scripted socket and a paused clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentchat::http::BoxFuture;
use agentchat::realtime::{Inbound, OpenFailure, Socket, SocketConnector, SocketFailure, SocketLimits};
use agentchat::{ApiKey, ClientFrame, Error, ErrorKind, Event, Events, Origin, Realtime, RealtimeBuilder, State};
use http::HeaderMap;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::http::scripted::{MESSAGE, Script, ok};

const KEY: &str = "ac_live_SECRET";

/// The other end of a socket.
struct Peer {
    to_client: Option<UnboundedSender<Inbound>>,
    from_client: UnboundedReceiver<String>,
}

struct ClientEnd {
    inbound: UnboundedReceiver<Inbound>,
    outbound: UnboundedSender<String>,
}

impl Socket for ClientEnd {
    fn recv(&mut self) -> BoxFuture<'_, Option<Result<Inbound, SocketFailure>>> {
        Box::pin(async { self.inbound.recv().await.map(Ok) })
    }

    fn send(&mut self, text: String) -> BoxFuture<'_, Result<(), SocketFailure>> {
        let result = self.outbound.send(text);
        Box::pin(async { result.map_err(|_| SocketFailure { text: "broken pipe".to_owned(), code: None }) })
    }

    fn close<'a>(&'a mut self, code: u16, _: &'a str) -> BoxFuture<'a, ()> {
        self.outbound.send(format!("close {code}")).ok();
        Box::pin(async {})
    }
}

/// Hands out sockets in the order they were prepared; when none is left, opening fails.
#[derive(Clone, Default)]
struct Network {
    sockets: Arc<Mutex<VecDeque<ClientEnd>>>,
    opened: Arc<Mutex<Vec<String>>>,
}

impl Network {
    fn socket(&self) -> Peer {
        let (to_client, inbound) = unbounded_channel();
        let (outbound, from_client) = unbounded_channel();
        self.sockets.lock().unwrap().push_back(ClientEnd { inbound, outbound });
        Peer { to_client: Some(to_client), from_client }
    }

    fn opened(&self) -> usize {
        self.opened.lock().unwrap().len()
    }

    fn builder(&self) -> RealtimeBuilder {
        RealtimeBuilder::new(ApiKey::parse(KEY).unwrap()).base_url("http://h/").connector(self.clone())
    }
}

impl SocketConnector for Network {
    fn open<'a>(
        &'a self,
        url: &'a str,
        headers: HeaderMap,
        _: SocketLimits,
    ) -> BoxFuture<'a, Result<Box<dyn Socket>, OpenFailure>> {
        assert!(headers.is_empty(), "no header names the agent");
        self.opened.lock().unwrap().push(url.to_owned());
        let socket = self.sockets.lock().unwrap().pop_front();
        let failure = OpenFailure { text: "refused".to_owned(), ..OpenFailure::default() };
        Box::pin(async move { socket.map(|socket| Box::new(socket) as Box<dyn Socket>).ok_or(failure) })
    }
}

impl Peer {
    fn text(&self, text: &str) {
        self.to_client.as_ref().unwrap().send(Inbound::Text(text.to_owned())).unwrap();
    }

    fn accept(&self) {
        self.text(
            r#"{"type":"hello.ok","handle":"me","capabilities":["ack"],"server_time":"2026-01-15T09:30:00.000Z"}"#,
        );
    }

    fn message(&self, n: u64) {
        self.text(&format!(
            r#"{{"type":"message.new","payload":{{"id":"c{n}","conversation_id":"c","sender":"bob","seq":{n},"type":"text","content":{{"text":"t{n}"}},"status":"stored","created_at":"2026-01-15T09:30:00.000Z","delivery_id":"del_{n}"}}}}"#
        ));
    }

    fn close(&self, code: u16, reason: &str) {
        self.to_client.as_ref().unwrap().send(Inbound::Close { code: Some(code), reason: reason.to_owned() }).unwrap();
    }

    async fn heard(&mut self) -> String {
        self.from_client.recv().await.unwrap_or_default()
    }

    /// Nothing is written within a virtual second.
    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(1), self.from_client.recv()).await.is_err()
    }
}

/// A client that is connected, and its HELLO.
async fn connected(network: &Network) -> (Realtime, Events, Peer) {
    let mut peer = network.socket();
    peer.accept();
    let (realtime, events) = network.builder().connect().await.unwrap();
    peer.heard().await;
    (realtime, events, peer)
}

async fn delivery(events: &mut Events) -> agentchat::Delivery {
    loop {
        if let Event::Message(delivery) = events.next().await.expect("the stream goes on") {
            return delivery;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_says_hello_and_is_connected_when_the_server_accepts() {
    let network = Network::default();
    let mut peer = network.socket();
    peer.accept();
    let (realtime, mut events) = network.builder().connect().await.unwrap();
    let hello: serde_json::Value = serde_json::from_str(&peer.heard().await).unwrap();
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["api_key"], KEY);
    assert_eq!(hello["capabilities"], serde_json::json!(["ack"]));
    assert_eq!(hello["client"], "rust_sdk");
    assert_eq!(*network.opened.lock().unwrap(), ["ws://h/v1/ws"]);
    assert!(realtime.is_connected());
    let Some(Event::Connected(connected)) = events.next().await else { panic!("connected comes first") };
    assert!(connected.ack_mode && connected.first && connected.handle == "me");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_when_it_was_handled_and_not_before() {
    let network = Network::default();
    let (_realtime, mut events, mut peer) = connected(&network).await;
    peer.message(1);
    let first = delivery(&mut events).await;
    assert_eq!(first.message().unwrap().content.text.as_deref(), Some("t1"));
    assert!(peer.is_silent().await);
    first.ack();
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c1"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_dropped_is_offered_again() {
    let network = Network::default();
    let (_realtime, mut events, mut peer) = connected(&network).await;
    peer.message(1);
    let first = delivery(&mut events).await;
    assert_eq!(first.attempt(), 1);
    drop(first);
    assert!(peer.is_silent().await);
    peer.message(1);
    let again = delivery(&mut events).await;
    assert_eq!(again.attempt(), 2);
    again.nack();
    assert!(peer.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn d06_b_nothing_is_handed_out_or_acknowledged_before_the_events_are_read() {
    let network = Network::default();
    let (_realtime, mut events, mut peer) = connected(&network).await;
    peer.message(5);
    assert!(peer.is_silent().await);
    delivery(&mut events).await.ack();
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c5"}"#);
}

#[tokio::test(start_paused = true)]
async fn d03_b_the_backlog_is_read_handled_and_acknowledged_through_the_client() {
    let rows =
        MESSAGE.replace("msg_1", "c7").replace("conv_1", "c").replace(r#""seq":1"#, r#""seq":7,"delivery_id":"del_7""#);
    let script = Script::new([ok(&format!("[{rows}]")), ok(r#"{"acked":1}"#)]);
    let network = Network::default();
    let mut peer = network.socket();
    peer.accept();
    let (realtime, mut events) = network.builder().rest(script.client()).connect().await.unwrap();
    peer.heard().await;
    peer.message(8);
    let first = delivery(&mut events).await;
    assert_eq!((first.seq(), first.origin()), (Some(7), Origin::Drain));
    assert_eq!(first.delivery_id().map(|id| id.as_str()), Some("del_7"));
    first.ack();
    let second = delivery(&mut events).await;
    assert_eq!((second.seq(), second.origin()), (Some(8), Origin::Live));
    second.ack();
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c8"}"#);
    realtime.close().await.unwrap();
    let asked: Vec<String> = script.requests().iter().map(|request| request.uri().to_string()).collect();
    assert_eq!(asked, ["http://h/v1/messages/sync?limit=200", "http://h/v1/messages/sync/ack"]);
    assert_eq!(script.requests()[1].body(), r#"{"last_delivery_id":"del_7"}"#.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_filled_from_history_through_the_client() {
    let row = MESSAGE.replace("msg_1", "c2").replace("conv_1", "c").replace(r#""seq":1"#, r#""seq":2"#);
    let script = Script::new([ok(&format!("[{row}]"))]);
    let network = Network::default();
    let peer = network.socket();
    peer.accept();
    let builder = network.builder().rest(script.client()).auto_drain(false);
    let (_realtime, mut events) = builder.connect().await.unwrap();
    peer.message(1);
    peer.message(3);
    for (seq, origin) in [(1, Origin::Live), (2, Origin::GapFill), (3, Origin::Live)] {
        let next = delivery(&mut events).await;
        assert_eq!((next.seq(), next.origin()), (Some(seq), origin));
        next.ack();
    }
    let Some(Event::Gap(gap)) = events.next().await else { panic!("the hole is reported") };
    assert!(gap.recovered && gap.missing.is_empty());
    assert_eq!(script.line(), "GET http://h/v1/messages/c?limit=200&after_seq=1");
}

#[tokio::test(start_paused = true)]
async fn r19_a_send_of_the_same_agent_is_no_hole() {
    let sent = MESSAGE.replace("conv_1", "c").replace(r#""seq":1"#, r#""seq":2"#);
    let script = Script::new([ok(&sent)]);
    let network = Network::default();
    let (_realtime, mut events, peer) = connected(&network).await;
    peer.message(1);
    delivery(&mut events).await.ack();
    script.client().send_message(agentchat::SendMessage::to("bob").text("hi")).await.unwrap();
    peer.message(3);
    let before = tokio::time::Instant::now();
    delivery(&mut events).await.ack();
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn d01_a_holes_are_events() {
    let network = Network::default();
    let (_realtime, mut events, peer) = connected(&network).await;
    peer.message(1);
    peer.message(3);
    delivery(&mut events).await.ack();
    let waiting = delivery(&mut events).await;
    assert_eq!(waiting.seq(), Some(3));
    waiting.ack();
    let Some(Event::Gap(gap)) = events.next().await else { panic!("the hole is reported") };
    assert_eq!((gap.expected_seq, gap.buffered_seq, gap.recovered), (2, Some(3), false));
    assert_eq!(gap.missing, [2..=2]);
}

#[tokio::test(start_paused = true)]
async fn d25_c_a_failed_connect_leaves_nothing_running() {
    let network = Network::default();
    let error = network.builder().connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WebSocket);
    assert!(error.message().starts_with("WebSocket connection failed"), "{error}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(network.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_the_error_of_connect() {
    let network = Network::default();
    let peer = network.socket();
    peer.close(4401, "Invalid API key");
    let error = network.builder().connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Terminal);
    assert!(error.message().contains("4401") && !format!("{error:?}").contains(KEY));
}

#[tokio::test(start_paused = true)]
async fn d25_b_a_started_client_goes_on_trying() {
    let network = Network::default();
    let (realtime, _events) = network.builder().start().unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(network.opened() >= 4, "{}", network.opened());
    let peer = network.socket();
    peer.accept();
    realtime.wait_for(State::Online { ack_mode: true, since: std::time::Instant::now() }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_reconnects_and_says_so() {
    let network = Network::default();
    let (_realtime, mut events, peer) = connected(&network).await;
    let next = network.socket();
    next.accept();
    peer.close(1001, "Server shutting down");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match events.next().await.unwrap() {
            Event::Connected(connected) => seen.push(format!("connected {}", connected.first)),
            Event::Disconnected(end) => seen.push(format!("disconnected {} {}", end.code, end.reason)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["connected true", "disconnected 1001 Server shutting down", "connected false"]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_client_ends_its_stream_with_the_reason_and_can_start_afresh() {
    let network = Network::default();
    let (realtime, mut events, peer) = connected(&network).await;
    peer.close(4403, "API key rotated");
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    let Some(Event::Terminal(error)) = last else { panic!("{last:?}") };
    assert!(error.message().starts_with("WebSocket closed with auth-terminal code 4403"));
    assert_eq!(realtime.state(), State::Terminal);
    let next = network.socket();
    next.accept();
    realtime.reconnect_now().await.unwrap();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
}

#[tokio::test(start_paused = true)]
async fn frames_are_sent_only_while_connected() {
    let network = Network::default();
    let (realtime, _events, mut peer) = connected(&network).await;
    realtime.send(ClientFrame::read_ack("conv_1", 7)).await.unwrap();
    assert_eq!(
        peer.heard().await,
        r#"{"type":"message.read_ack","payload":{"conversation_id":"conv_1","through_seq":7}}"#
    );
    peer.close(1006, "");
    realtime.wait_for(State::Waiting { until: std::time::Instant::now(), attempt: 1 }).await.unwrap();
    let error = realtime.send(ClientFrame::typing_start("conv_1")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::WebSocket, "WebSocket is not connected"));
}

#[tokio::test(start_paused = true)]
async fn d30_closing_ends_the_stream_and_may_be_repeated() {
    let network = Network::default();
    let (realtime, mut events, mut peer) = connected(&network).await;
    let report = realtime.close().await.unwrap();
    assert_eq!((report.unacked, report.closed_cleanly), (0, true));
    assert_eq!(peer.heard().await, "close 1000");
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    let Some(Event::Disconnected(end)) = events.next().await else { panic!() };
    assert!(end.clean);
    assert!(events.next().await.is_none());
    assert_eq!(realtime.state(), State::Closed);
    assert_eq!(realtime.close().await.unwrap().unacked, 0);
    assert_eq!(realtime.drain().await.unwrap_err().kind(), ErrorKind::Disposed);
}

#[tokio::test(start_paused = true)]
async fn d30_d_a_message_that_is_never_settled_does_not_hold_the_close_for_ever() {
    let network = Network::default();
    let (realtime, mut events, peer) = connected(&network).await;
    peer.message(1);
    let held = delivery(&mut events).await;
    let before = tokio::time::Instant::now();
    let report = realtime.close().await.unwrap();
    assert_eq!(report.unacked, 1);
    assert!(before.elapsed() <= Duration::from_millis(6500));
    held.ack();
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_while_closing_is_acknowledged_before_the_socket_closes() {
    let network = Network::default();
    let (realtime, mut events, mut peer) = connected(&network).await;
    peer.message(1);
    let held = delivery(&mut events).await;
    let closing = tokio::spawn(async move { realtime.close().await });
    assert!(peer.is_silent().await);
    held.ack();
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c1"}"#);
    assert_eq!(peer.heard().await, "close 1000");
    assert_eq!(closing.await.unwrap().unwrap().unacked, 0);
}

#[tokio::test(start_paused = true)]
async fn r19_a_send_over_the_socket_is_no_hole() {
    let network = Network::default();
    let (_realtime, mut events, peer) = connected(&network).await;
    peer.message(1);
    delivery(&mut events).await.ack();
    peer.text(
        r#"{"type":"message.sent","payload":{"request_id":"r","message":{"id":"c2","conversation_id":"c","seq":2}}}"#,
    );
    peer.message(3);
    let before = tokio::time::Instant::now();
    delivery(&mut events).await.ack();
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn dropping_everything_closes() {
    let network = Network::default();
    let (realtime, events, mut peer) = connected(&network).await;
    drop(events);
    drop(realtime);
    assert_eq!(peer.heard().await, "close 1000");
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_dropped_closes() {
    let network = Network::default();
    let mut peer = network.socket();
    let connecting = tokio::time::timeout(Duration::from_secs(1), network.builder().connect()).await;
    assert!(connecting.is_err());
    assert!(peer.heard().await.contains("hello"));
    assert_eq!(peer.heard().await, "close 1000");
}

#[tokio::test(start_paused = true)]
async fn process_acknowledges_what_succeeds_and_handles_conversations_beside_each_other() {
    let network = Network::default();
    let (_realtime, events, mut peer) = connected(&network).await;
    peer.message(1);
    peer.message(2);
    peer.message(3);
    let processing = tokio::spawn(events.process(|delivery| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if delivery.seq() == Some(2) { Err("not today") } else { Ok(()) }
    }));
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c1"}"#);
    assert_eq!(peer.heard().await, r#"{"type":"ack","message_id":"c3"}"#);
    peer.close(4401, "Invalid API key");
    let error: Error = processing.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Terminal);
}

#[tokio::test(start_paused = true)]
async fn r11_binary_frames_hold_the_same_as_text() {
    let network = Network::default();
    let (_realtime, mut events, peer) = connected(&network).await;
    let frame = br#"{"type":"message.new","payload":{"id":"c1","conversation_id":"c","seq":1,"content":{"text":"a"#;
    let frame = [frame.as_slice(), b"\xff\"}}}"].concat();
    peer.to_client.as_ref().unwrap().send(Inbound::Binary(frame.into())).unwrap();
    assert_eq!(delivery(&mut events).await.id().map(|id| id.as_str()), Some("c1"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_an_abnormal_end() {
    let network = Network::default();
    let (_realtime, mut events, mut peer) = connected(&network).await;
    peer.to_client = None;
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert!(matches!(events.next().await, Some(Event::Error(_))));
    let Some(Event::Disconnected(end)) = events.next().await else { panic!() };
    assert_eq!((end.code, end.clean), (1006, false));
}

#[test]
fn handles_may_go_anywhere() {
    fn anywhere<T: Send + Sync>() {}
    anywhere::<Realtime>();
    anywhere::<Events>();
    anywhere::<Event>();
    anywhere::<agentchat::Delivery>();
    anywhere::<agentchat::Client>();
    anywhere::<agentchat::Accounts>();
    anywhere::<Error>();
    fn sent<T: Send>(_: &T) {}
    let client = agentchat::Client::new("k").unwrap();
    sent(&client.get_me().into_future());
    sent(&client.send_message(agentchat::SendMessage::to("bob")).into_future());
}
