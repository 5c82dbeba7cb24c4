//! Sockets over tokio and tungstenite.

use std::pin::Pin;
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Uri};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tower_service::Service;

use super::socket::{Inbound, OpenFailure, Socket, SocketConnector, SocketFailure, SocketLimits};
use crate::http::hyper_transport::{https_connector, tcp};
use crate::http::{BoxFuture, parse_retry_after};

/// Opens sockets with this crate's own connections.
pub(super) struct WebSocketConnector;

impl SocketConnector for WebSocketConnector {
    fn open<'a>(
        &'a self,
        url: &'a str,
        headers: HeaderMap,
        limits: SocketLimits,
    ) -> BoxFuture<'a, Result<Box<dyn Socket>, OpenFailure>> {
        Box::pin(async move {
            match timeout(limits.open, open(url, headers, limits)).await {
                Ok(result) => result.map(|socket| Box::new(socket) as Box<dyn Socket>),
                Err(_) => Err(failure(format!("no answer within {} s", limits.open.as_secs()))),
            }
        })
    }
}

fn failure(text: impl Into<String>) -> OpenFailure {
    OpenFailure { text: text.into(), ..OpenFailure::default() }
}

async fn open(url: &str, headers: HeaderMap, limits: SocketLimits) -> Result<WebSocket, OpenFailure> {
    let mut request = url.into_client_request().map_err(|error| failure(error.to_string()))?;
    request.headers_mut().extend(headers);
    let io = connect(url).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(8 * 1024)
        .max_message_size(Some(limits.max_frame_bytes))
        .max_frame_size(Some(limits.max_frame_bytes));
    let (stream, _) = client_async_with_config(request, TokioIo::new(io), Some(config)).await.map_err(refused)?;
    let timer = Box::pin(sleep_until(Instant::now() + limits.ping));
    Ok(WebSocket { stream, ping: limits.ping, timer, pong_due: false })
}

/// TCP, and TLS for `wss`.
async fn connect(url: &str) -> Result<MaybeHttpsStream<TokioIo<TcpStream>>, OpenFailure> {
    let secure = url.starts_with("wss://");
    let uri: Uri = url.replacen("ws", "http", 1).parse().map_err(|_| failure("the address cannot be used"))?;
    if secure {
        let mut connector = https_connector().map_err(|error| failure(error.text))?;
        return connector.call(uri).await.map_err(|error| failure(error.to_string()));
    }
    let stream = tcp().call(uri).await.map_err(|error| failure(error.to_string()))?;
    Ok(MaybeHttpsStream::Http(stream))
}

fn refused(error: WsError) -> OpenFailure {
    let WsError::Http(response) = &error else { return failure(error.to_string()) };
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    OpenFailure {
        status: Some(response.status().as_u16()),
        retry_after: retry_after.and_then(|raw| parse_retry_after(raw, SystemTime::now())),
        text: format!("the server answered HTTP {}", response.status().as_u16()),
    }
}

struct WebSocket {
    stream: WebSocketStream<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>,
    ping: Duration,
    /// When the next ping, or the pong, is due.
    timer: Pin<Box<Sleep>>,
    pong_due: bool,
}

impl WebSocket {
    /// The next frame of the application; pings and pongs in between are dealt with (R11).
    async fn next(&mut self) -> Option<Result<Inbound, SocketFailure>> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.stream.next() => message,
                () = self.timer.as_mut() => {
                    if std::mem::replace(&mut self.pong_due, true) {
                        return Some(Err(SocketFailure { text: "no pong".to_owned(), code: Some(1011) }));
                    }
                    self.timer.as_mut().reset(Instant::now() + self.ping);
                    if let Err(error) = self.stream.send(Message::Ping(Bytes::new())).await {
                        return Some(Err(broken(&error)));
                    }
                    continue;
                }
            };
            match message? {
                Ok(Message::Text(text)) => return Some(Ok(Inbound::Text(text.as_str().to_owned()))),
                Ok(Message::Binary(bytes)) => return Some(Ok(Inbound::Binary(bytes))),
                Ok(Message::Close(frame)) => return Some(Ok(closed(frame))),
                Ok(Message::Pong(_)) => self.pong_due = false,
                Ok(Message::Ping(_) | Message::Frame(_)) => {}
                Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => return None,
                Err(error) => return Some(Err(broken(&error))),
            }
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> Inbound {
    match frame {
        Some(frame) => Inbound::Close { code: Some(frame.code.into()), reason: frame.reason.as_str().to_owned() },
        None => Inbound::Close { code: None, reason: String::new() },
    }
}

fn broken(error: &WsError) -> SocketFailure {
    let code = if matches!(error, WsError::Capacity(_)) { Some(1009) } else { None };
    SocketFailure { text: error.to_string(), code }
}

impl Socket for WebSocket {
    fn recv(&mut self) -> BoxFuture<'_, Option<Result<Inbound, SocketFailure>>> {
        Box::pin(self.next())
    }

    fn send(&mut self, text: String) -> BoxFuture<'_, Result<(), SocketFailure>> {
        Box::pin(async move { self.stream.send(Message::Text(text.into())).await.map_err(|error| broken(&error)) })
    }

    fn send_all(&mut self, texts: Vec<String>) -> BoxFuture<'_, Result<(), SocketFailure>> {
        Box::pin(async move {
            for text in texts {
                self.stream.feed(Message::Text(text.into())).await.map_err(|error| broken(&error))?;
            }
            self.stream.flush().await.map_err(|error| broken(&error))
        })
    }

    fn close<'a>(&'a mut self, code: u16, reason: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from(reason.to_owned()) };
            if self.stream.close(Some(frame)).await.is_err() {
                return;
            }
            while let Some(Ok(message)) = self.stream.next().await {
                if message.is_close() {
                    break;
                }
            }
        })
    }
}
