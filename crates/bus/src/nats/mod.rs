//! The bus over core NATS.
//!
//! Four tasks beside the client's own: [`link`] follows the connection, [`subscribe`] brings what is joined to the
//! server, [`receive`] hands over what comes in, [`publish`] sends.

mod link;
mod names;
mod options;
mod publish;
mod receive;
mod subscribe;
mod wanted;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use self::link::{Link, count};
use self::names::Names;
pub use self::options::NatsOptions;
use self::options::{Credentials, Servers};
use self::publish::Outgoing;
use self::receive::Receiver;
use self::subscribe::Subscriptions;
use self::wanted::Wanted;
use crate::{Bus, BusError, Health, Joined, Subject};

/// A silent server is asked after this, and lost when it has not answered two of these later.
const PING: Duration = Duration::from_millis(900);
/// For one attempt, from the first packet to the server's word that we are welcome.
const CONNECT: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long [`Nats::connect`] waits for the first connection.
const FIRST: Duration = Duration::from_secs(1);
const JOINED: Duration = Duration::from_secs(2);
const CLOSE: Duration = Duration::from_secs(2);
/// Payloads that may wait to be handed over; beyond, they are missed.
const INCOMING: usize = 16 * 1024;
/// Commands that may wait in the client; [`publish`] has a queue of its own, which knows how large they are.
const COMMANDS: usize = 256;

/// The bus over core NATS. Tries to connect for ever; meanwhile, payloads are lost. Dropping it ends the connection at
/// once, [`Nats::close`] after what was published is sent.
///
/// Up to 1,024 joined subjects have a subscription each; with more, one takes in everything the installation's agents
/// and owners are told, and what is not joined is put aside. While a node changes from one to the other, payloads may
/// come twice and overtake each other.
pub struct Nats {
    client: Client,
    servers: String,
    link: Arc<Link>,
    wanted: Arc<Wanted>,
    outgoing: Outgoing,
    subscribing: AbortHandle,
    following: AbortHandle,
    tasks: Mutex<JoinSet<()>>,
}

/// What went through a [`Nats`] since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Payloads given to the connection. It may have ended before they were on their way.
    pub published: u64,
    /// Payloads that were not sent: NATS was lost, too much waited, or they were too large.
    pub dropped: u64,
    /// Payloads handed over.
    pub received: u64,
    /// Payloads that came in and that nobody had joined: left since, or the node has so many subjects that it takes in
    /// all of them.
    pub unwanted: u64,
    /// Payloads that came in faster than they were handed over, at least.
    pub missed: u64,
    /// How often the connection came about.
    pub connected: u64,
    /// Bytes that wait to be sent now, at most 16 MiB.
    pub waiting: usize,
}

impl Nats {
    /// Starts to connect, and comes back when connected or after a second, whichever is first.
    ///
    /// `inbound` is called with other nodes' payloads for what is joined and for [`Subject::All`], as they arrive, one at
    /// a time; it must be quick and must not panic. A payload is a part of what was read from the connection (64 KiB):
    /// whoever keeps one for long copies it.
    ///
    /// # Errors
    /// When the options can never work. That nobody answers, or that the credentials are refused, is no error: see
    /// [`Nats::changed`] and the log.
    pub async fn connect(
        options: NatsOptions,
        inbound: impl Fn(Subject, Bytes) + Send + Sync + 'static,
    ) -> Result<Nats, BusError> {
        let names = Names::new(&options.installation)?;
        let servers = Servers::parse(&options.url)?;
        let link = Arc::new(Link::new());
        let client = start(&servers, &names, &link).await?;
        let bus = Nats::run(client, &names, servers.to_string(), link, inbound);
        if timeout(FIRST, bus.link.until(Health::Up)).await.is_err() {
            tracing::warn!(servers = bus.servers, "NATS does not answer yet; attempts go on");
        }
        Ok(bus)
    }

    fn run(
        client: Client,
        names: &Names,
        servers: String,
        link: Arc<Link>,
        inbound: impl Fn(Subject, Bytes) + Send + Sync + 'static,
    ) -> Nats {
        let wanted = Arc::new(Wanted::default());
        let (incoming, added) = mpsc::unbounded_channel();
        let (outgoing, sending) = publish::queue(client.clone(), names.clone(), link.clone());
        let subscriptions = Subscriptions::new(client.clone(), names.clone(), link.clone(), wanted.clone(), incoming);
        let receiver = Receiver { names: names.clone(), link: link.clone(), wanted: wanted.clone(), inbound };

        let mut tasks = JoinSet::new();
        let subscribing = tasks.spawn(subscriptions.run());
        tasks.spawn(receiver.run(added));
        tasks.spawn(sending.run());
        let (watched, names) = (link.clone(), names.clone());
        let followed = client.clone();
        let following = tasks.spawn(async move { watched.watch(followed, names).await });
        Nats { client, servers, link, wanted, outgoing, subscribing, following, tasks: Mutex::new(tasks) }
    }

    /// Follows [`Bus::health`]: [`Health::Up`] or [`Health::Lost`]. After every `Up` something may have been missed.
    pub fn changed(&self) -> watch::Receiver<Health> {
        self.link.changed()
    }

    /// What went through so far.
    pub fn traffic(&self) -> Traffic {
        let counters = &self.link.counters;
        Traffic {
            published: counters.published.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            received: counters.received.load(Ordering::Relaxed),
            unwanted: counters.unwanted.load(Ordering::Relaxed),
            missed: counters.missed.load(Ordering::Relaxed),
            connected: counters.connected.load(Ordering::Relaxed),
            waiting: self.outgoing.waiting(),
        }
    }

    /// Sends what was published, hands over what came in, and ends the connection, within two seconds. The bus is lost
    /// afterwards.
    pub async fn close(&self) {
        self.link.close();
        self.subscribing.abort();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let _ = timeout(CLOSE, self.drain(&mut tasks)).await;
        self.link.lose();
        tasks.shutdown().await;
    }

    async fn drain(&self, tasks: &mut JoinSet<()>) {
        if self.outgoing.close().await {
            self.link.until(Health::Lost).await;
            self.following.abort();
            // Sending has ended; receiving does when everything that came in is handed over.
            while tasks.join_next().await.is_some() {}
        }
    }
}

impl Bus for Nats {
    fn publish(&self, subject: Subject, payload: Bytes) {
        let limit = self.client.max_payload();
        let fits = payload.len() <= limit;
        if !fits {
            tracing::warn!(?subject, bytes = payload.len(), limit, "a payload is larger than NATS takes: dropped");
        }
        let there = self.link.health() == Health::Up && !self.link.is_closed();
        if !(fits && there && self.outgoing.push(subject, payload)) {
            count(&self.link.counters.dropped);
        }
    }

    fn join(&self, subject: Subject) {
        if subject != Subject::All {
            self.wanted.join(subject);
        }
    }

    fn leave(&self, subject: Subject) {
        self.wanted.leave(subject);
    }

    fn joined(&self) -> Joined<'_> {
        Box::pin(async { timeout(JOINED, self.wanted.settled()).await.is_ok() })
    }

    fn health(&self) -> Health {
        self.link.health()
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Nats");
        debug.field("servers", &self.servers).field("health", &self.health()).finish_non_exhaustive()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// The client, which connects in the background.
async fn start(servers: &Servers, names: &Names, link: &Arc<Link>) -> Result<Client, BusError> {
    let (noticing, pausing) = (link.clone(), link.clone());
    let mut options = ConnectOptions::new()
        .name("agentchat")
        .no_echo()
        .retry_on_initial_connect()
        .max_reconnects(None)
        // Behind address translation, what servers tell of each other is wrong more often than it helps.
        .ignore_discovered_servers()
        .connection_timeout(CONNECT)
        .ping_interval(PING)
        .subscription_capacity(INCOMING)
        .client_capacity(COMMANDS)
        .custom_inbox_prefix(names.replies())
        .require_tls(servers.insist_on_tls)
        .reconnect_delay_callback(move |attempts| pause(&pausing, attempts))
        .event_callback(move |event| {
            noticing.notice(&event);
            std::future::ready(())
        });
    if let Some(path) = &servers.certificates {
        options = options.add_root_certificates(path.clone());
    }
    options = match &servers.credentials {
        Some(Credentials::Password { user, password }) => options.user_and_password(user.clone(), password.clone()),
        Some(Credentials::Token(token)) => options.token(token.clone()),
        None => options,
    };
    Ok(options.connect(servers.addresses.as_slice()).await?)
}

/// The first attempt is made at once. The client does not look whether anybody still wants a connection while it tries
/// to have one, so after the end it is given time without end.
fn pause(link: &Link, attempts: usize) -> Duration {
    const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    if link.is_closed() {
        return FOR_EVER;
    }
    let doublings = attempts.saturating_sub(2).min(5) as u32;
    if attempts <= 1 { Duration::ZERO } else { LONGEST_PAUSE.min(Duration::from_millis(50) * 2_u32.pow(doublings)) }
}
