//! Starting and stopping a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agentchat_core::accounts::CodeKey;
use agentchat_core::installation::InstallationSecret;
use agentchat_objects::{AddressKey, Location, ObjectError};
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_store::{OpenError, PostgresOptions, Store, StoreOptions};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Secrets};
use crate::bus::Link;
use crate::chatfather;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::files::Files;
use crate::layers::Edge;
use crate::mail::{MailError, Mailer};
use crate::{webhooks, workers};

/// How long requests in flight may take to finish after shutdown began.
const FINISH_WITHIN: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no descriptors left), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A connection that sends no request for this long is closed. Longer than clients keep idle connections.
const IDLE: Duration = Duration::from_secs(120);
const METRICS_TIDY: Duration = Duration::from_secs(5);

/// Why a server did not start; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder is in use, unusable, damaged, or from a newer version; or the database cannot be reached.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The installation's secrets can be neither read nor made.
    #[error("the store cannot be used: {0}")]
    Secrets(#[from] agentchat_core::Error),
    /// A bus, but no database that other servers could share.
    #[error("{}", crate::config::BUS_ALONE)]
    BusAlone,
    /// The bus cannot be used; that it does not answer is no reason.
    #[error("--nats-url: {0}")]
    Bus(#[from] agentchat_bus::BusError),
    /// TLS cannot be set up for calls to webhooks.
    #[error("TLS for calls to webhooks: {0}")]
    Tls(rustls::Error),
    /// The mail target cannot be used.
    #[error("--mail: {0}")]
    Mail(#[from] MailError),
    /// The folder of objects cannot be made, or the bucket's options make no sense.
    #[error("--objects: {0}")]
    Objects(#[from] ObjectError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What `--listen` said.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The way to start a server.
#[derive(Debug)]
pub struct Server;

/// A server that is serving.
#[derive(Debug)]
pub struct Running {
    app: App,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens the store, binds and serves; returns as soon as requests are answered.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        raise_descriptor_limit();
        let store = open_store(&config).await?;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let app = assemble(with_public_url(config, address), store).await?;
        app.spawn(workers::work_on_jobs(app.clone()));
        app.spawn(workers::resync(app.clone()));
        app.spawn(workers::keep_presence(app.clone()));
        app.spawn(workers::purge(app.clone()));
        app.spawn(workers::expire(app.clone()));
        if app.config.index_words {
            app.spawn(workers::index(app.clone()));
        }
        if app.config.deliver_webhooks {
            app.spawn(webhooks::deliver(app.clone()));
        }
        app.spawn(workers::retain(app.clone()));
        if app.config.system_agent {
            chatfather::open(&app).await?;
        }
        let (router, paths) = crate::api::router(&app);
        let edge = Arc::new(Edge::new(app.clone(), router, paths));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(app.clone(), edge, listener, stop.clone()));
        tracing::info!(%address, "serving");
        Ok(Running { app, address, stop, serving })
    }
}

impl Running {
    /// The address listened on, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Begins the shutdown: stop accepting, finish requests, close sockets, flush the store.
    /// [`Running::wait`] tells when it is done.
    pub fn shutdown(&self) {
        self.app.start_draining();
        self.stop.cancel();
    }

    /// Ends when the server has shut down and everything is on disk.
    pub async fn wait(self) {
        if let Err(panic) = self.serving.await {
            tracing::error!(%panic, "the server's task failed");
        }
    }
}

/// Each socket is a descriptor, and shells allow 1,024 by default where the system allows far more.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some() && limit.current != limit.maximum {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
        tracing::debug!(from = limit.current, to = limit.maximum, ?raised, "descriptor limit");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

/// The shared database, if there is one, else the folder's own.
async fn open_store(config: &Config) -> Result<Store, StartError> {
    if let Some(url) = &config.database_url {
        let mut options = PostgresOptions::parse(url.expose())?;
        options.connect_within = config.timing.await_store;
        return Ok(Store::connect(options).await?);
    }
    if config.nats_url.is_some() {
        return Err(StartError::BusAlone);
    }
    Ok(Store::open(StoreOptions::new(&config.data_dir))?)
}

/// The state of a server over an open store; nobody is served yet.
pub(crate) async fn assemble(config: Config, store: Store) -> Result<App, StartError> {
    let mailer = Mailer::open(&config.mail, &config.clock)?;
    let secrets = secrets(&store, &config.entropy).await?;
    let installation = secrets.installation.clone();
    let files = open_files(&config, &store).await?;
    let egress = {
        let resolver = std::sync::Arc::clone(&config.webhook_resolver);
        agentchat_egress::Client::with(config.webhook_guard, resolver, rustls::RootCertStore::empty())
            .map_err(StartError::Tls)?
    };
    let app = App::new(config, store, secrets, mailer, files, egress);
    if let Some(url) = &app.config.nats_url {
        app.connect(Link::connect(&app, url, installation).await?);
    }
    Ok(app)
}

async fn open_files(config: &Config, store: &Store) -> Result<Files, StartError> {
    let secret = async |name| store.write(InstallationSecret { name, fresh: config.entropy.bytes() }).await;
    let (addresses, names) = (secret(AddressKey::SECRET).await?, secret(Files::AVATAR_NAMES).await?);
    if config.nats_url.is_some() && matches!(config.objects, Location::Folder(_)) {
        tracing::warn!(objects = %config.objects, "files are in a folder; every node needs the same one, or a bucket");
    }
    Ok(Files::open(config, addresses, names)?)
}

/// Drawn at the first start, the same ever after.
async fn secrets(store: &Store, entropy: &Entropy) -> Result<Secrets, agentchat_core::Error> {
    let secret = async |name| store.write(InstallationSecret { name, fresh: entropy.bytes() }).await;
    let keys = DeliveryKey::new(secret("delivery_ids").await?);
    let codes = CodeKey::new(secret(CodeKey::SECRET).await?);
    let installation = name(&secret("installation").await?);
    Ok(Secrets { keys, codes, installation })
}

/// What sets this installation's subjects apart from others on the same bus.
fn name(secret: &[u8; 32]) -> String {
    secret[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with_public_url(mut config: Config, address: SocketAddr) -> Config {
    config.public_url.get_or_insert_with(|| format!("http://{address}"));
    config
}

async fn serve(app: App, edge: Arc<Edge>, listener: TcpListener, stop: CancellationToken) {
    let tidying = tokio::spawn(tidy_metrics(app.clone()));
    let connections = Connections::new(edge);
    connections.accept_until(&listener, &stop).await;
    drop(listener);
    tracing::info!("shutting down");
    connections.finish().await;
    if tokio::time::timeout(FINISH_WITHIN, app.background_done()).await.is_err() {
        tracing::warn!("work beside the requests was cut off after {} s", FINISH_WITHIN.as_secs());
    }
    app.store.close().await;
    if let Some(bus) = app.bus() {
        bus.close().await;
    }
    tidying.abort();
    tracing::info!("shut down");
}

async fn tidy_metrics(app: App) {
    let mut ticks = tokio::time::interval(METRICS_TIDY);
    loop {
        ticks.tick().await;
        app.metrics.tidy();
    }
}

/// The open connections and what serves them.
struct Connections {
    edge: Arc<Edge>,
    protocol: Arc<Builder<TokioExecutor>>,
    graceful: GracefulShutdown,
    abort: CancellationToken,
}

impl Connections {
    fn new(edge: Arc<Edge>) -> Self {
        let mut protocol = Builder::new(TokioExecutor::new());
        protocol.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
        protocol.http2().timer(TokioTimer::new()).keep_alive_interval(Some(IDLE / 4));
        let graceful = GracefulShutdown::new();
        Self { edge, protocol: Arc::new(protocol), graceful, abort: CancellationToken::new() }
    }

    async fn accept_until(&self, listener: &TcpListener, stop: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        // Without it small answers wait for the peer's delayed acknowledgement; a socket that refuses is still usable.
        let _refused = stream.set_nodelay(true);
        let (edge, protocol) = (Arc::clone(&self.edge), Arc::clone(&self.protocol));
        let stream = TokioIo::new(edge.envelope_refusals(stream));
        let (watcher, abort) = (self.graceful.watcher(), self.abort.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request: http::Request<Incoming>| {
                let edge = Arc::clone(&edge);
                async move { Ok::<http::Response<Body>, std::convert::Infallible>(edge.answer(peer, request).await) }
            });
            let connection = protocol.serve_connection_with_upgrades(stream, answer);
            tokio::select! {
                ended = watcher.watch(connection.into_owned()) => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                }
                () = abort.cancelled() => {}
            }
        });
    }

    /// Lets requests in flight finish, up to the limit.
    async fn finish(self) {
        if tokio::time::timeout(FINISH_WITHIN, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off after {} s", FINISH_WITHIN.as_secs());
        }
        self.abort.cancel();
    }
}
