//! Settings of a realtime client.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::driver::{Config, Session, Started};
use super::events::Events;
use super::handle::Realtime;
use super::machine::{Options, Reconnect, Tuning};
use super::own_sends::OwnSends;
use super::socket::{SocketConnector, SocketLimits};
use super::websocket::WebSocketConnector;
use crate::client::{Client, ClientIdentity, DEFAULT_BASE_URL};
use crate::error::{Error, ErrorKind, Result};
use crate::http::url;
use crate::secret::ApiKey;

/// Settings of a realtime client. With a [`Client`] it reads the backlog after each connection and closes holes from
/// history; without one it does neither.
#[must_use]
pub struct RealtimeBuilder {
    api_key: ApiKey,
    rest: Option<Client>,
    base_url: Option<String>,
    identity: ClientIdentity,
    connector: Arc<dyn SocketConnector>,
    connect_timeout: Duration,
    max_frame_bytes: usize,
    options: Options,
}

impl RealtimeBuilder {
    /// A realtime client without a [`Client`].
    pub fn new(api_key: ApiKey) -> Self {
        Self {
            api_key,
            rest: None,
            base_url: None,
            identity: ClientIdentity::default(),
            connector: Arc::new(WebSocketConnector),
            connect_timeout: Duration::from_secs(10),
            max_frame_bytes: 16 * 1024 * 1024,
            options: Options::default(),
        }
    }

    pub(crate) fn of_client(client: Client) -> Self {
        let builder = Self::new(client.target().key.clone()).identity(client.identity().clone());
        builder.rest(client)
    }

    /// The client that reads the backlog and history. It should have the same key and server.
    pub fn rest(mut self, client: Client) -> Self {
        self.rest = Some(client);
        self
    }

    /// Where the server is, as `ws…` or `http…`; the client's server unless set.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// As what to name oneself to the server.
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = identity;
        self
    }

    /// Whether and how to reconnect.
    pub fn reconnect(mut self, policy: ReconnectPolicy) -> Self {
        self.options.reconnect = policy.0;
        self
    }

    /// Whether to read the backlog after each connection; on unless set.
    pub fn auto_drain(mut self, on: bool) -> Self {
        self.options.auto_drain = on;
        self
    }

    /// Ids of handled messages to remember, 2,048 unless set; 0 hands copies out again.
    pub fn dedup_capacity(mut self, number: usize) -> Self {
        self.options.dedup_capacity = number;
        self
    }

    /// Conversations handled at the same time, 16 unless set; 1 handles everything one after another.
    pub fn concurrency(mut self, conversations: NonZeroUsize) -> Self {
        self.options.concurrency = conversations;
        self
    }

    /// Time limit for opening a socket, 10 s unless set.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Largest frame, 16 MiB unless set.
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.max_frame_bytes = bytes;
        self
    }

    /// Another way of opening sockets.
    pub fn connector(mut self, connector: impl SocketConnector) -> Self {
        self.connector = Arc::new(connector);
        self
    }

    /// Other constants, for tests.
    pub fn tuning(mut self, tuning: Tuning) -> Self {
        self.options.tuning = tuning;
        self
    }

    /// Connects; resolves when the server has accepted. A failure of this first attempt is returned and nothing keeps
    /// running; later ones are repeated in the background.
    ///
    /// # Errors
    /// [`ErrorKind::WebSocket`] when there is no connection, [`ErrorKind::Terminal`] when the server refused the key.
    pub async fn connect(self) -> Result<(Realtime, Events)> {
        let (first, connected) = oneshot::channel();
        let started = self.begin(Some(first))?;
        let gone = || Error::local(ErrorKind::Disposed, "the realtime client ended while it was connecting");
        connected.await.map_err(|_| gone())??;
        Ok(handles(started))
    }

    /// Connects and reconnects in the background.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the URL cannot be used, [`ErrorKind::Unsupported`] outside of a tokio runtime.
    pub fn start(self) -> Result<(Realtime, Events)> {
        self.begin(None).map(handles)
    }

    fn begin(mut self, first: Option<oneshot::Sender<Result<()>>>) -> Result<Started> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::local(ErrorKind::Unsupported, "a realtime client needs a tokio runtime"));
        }
        let from_client = self.rest.as_ref().map(|client| client.base_url().to_owned());
        let base_url = self.base_url.take().or(from_client).unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let base = url::base(&base_url)?;
        let rest_of_url = base.prefix.split_once("://").map_or(base.prefix, |(_, rest)| rest);
        let scheme = if base.secure { "wss" } else { "ws" };
        self.options.rest = self.rest.is_some();
        let config = Config {
            url: format!("{scheme}://{rest_of_url}/v1/ws"),
            own_sends: OwnSends::of(&base_url, &self.api_key),
            api_key: self.api_key,
            identity: self.identity,
            connector: self.connector,
            rest: self.rest,
            limits: SocketLimits {
                open: self.connect_timeout,
                max_frame_bytes: self.max_frame_bytes,
                ping: self.options.tuning.ping,
            },
            options: self.options,
        };
        Ok(Session::start(config, first))
    }
}

fn handles(started: Started) -> (Realtime, Events) {
    let realtime = Realtime::new(started.guard.clone(), started.state);
    (realtime, Events::new(started.queue, started.guard))
}

impl fmt::Debug for RealtimeBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RealtimeBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Whether and how to reconnect: from 0.5 s, doubling, at most 30 s, without end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReconnectPolicy(Reconnect);

impl ReconnectPolicy {
    /// No reconnecting. The stream goes on after a loss; [`Realtime::reconnect_now`] connects again.
    pub fn off() -> Self {
        Self(Reconnect { enabled: false, ..Reconnect::default() })
    }

    /// First wait.
    pub fn initial(mut self, wait: Duration) -> Self {
        self.0.initial = wait;
        self
    }

    /// Longest wait.
    pub fn max(mut self, wait: Duration) -> Self {
        self.0.max = wait;
        self
    }

    /// Failed attempts in a row after which to give up.
    pub fn max_attempts(mut self, number: u32) -> Self {
        self.0.max_attempts = Some(number);
        self
    }
}
