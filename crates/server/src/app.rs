//! What every handler shares, behind one `Arc`.
//!
//! A handler extracts, makes the operation, executes it and responds:
//!
//! ```text
//! /// Own record.
//! #[utoipa::path(get, path = "/v1/agents/me", tag = "agents", security(("api_key" = [])),
//!     responses((status = 200, body = Agent)))]
//! async fn me(State(app): State<App>, AnyCaller(caller): AnyCaller) -> Result<Json<Agent>> {
//!     let agent = app.store.read(ReadOwnAgent { agent: caller.key }).await?;
//!     Ok(Json(agent))
//! }
//!
//! /// A body, an IP policy, time and ids.
//! async fn register(State(app): State<App>, client: ClientIp, Body(body): Body) -> Result<Json<Started>> {
//!     app.limit_ip(Policy::Register, &client)?;
//!     let request = Registration::parse(&body)?;             // FieldErrors → 400
//!     let now = app.clock.now();
//!     let operation = StartRegistration { request, pending: PendingId::from_bytes(app.entropy.uuid_v7(now)), now, … };
//!     Ok(Json(app.store.write(operation).await?))            // core::Error → envelope
//! }
//!
//! /// A reservation that the operation judges, given back when nothing was stored.
//! async fn send(State(app): State<App>, UnmeteredCaller(caller): UnmeteredCaller, Body(body): Body) -> Result<Response> {
//!     let verdict = app.limiter.reserve(Policy::Send, Key::Agent(caller.key.0));   // Granted | Refused
//!     …
//! }
//!
//! pub(crate) fn routes() -> OpenApiRouter<App> {
//!     OpenApiRouter::new().routes(routes!(me)).routes(routes!(register))
//! }
//! ```
//!
//! Extractors (`crate::extract`): `Caller`, `AnyCaller`, `UnmeteredCaller` (all dereference to the cached record of the
//! agent), `Operator`, `Body`, `Query` (`limit`, `offset`, `int`, `text`), `PathHandle`, `PathText`, `ClientIp`. Methods that share a path must spell its parameter alike: use `{id}` under `/v1/messages/` and
//! `/v1/conversations/`, `{handle}` under `/v1/agents/` and `/admin/agents/`. After an operation that changes an
//! agent's key, status or record call `app.agent_changed(key, control)` in `write_then`.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use agentchat_core::accounts::CodeKey;
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, Store};
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::bus::Link;
use crate::callers::Callers;
use crate::chatfather::Desk;
use crate::clock::Clock;
use crate::config::Config;
use crate::enforcement::Reviews;
use crate::entropy::Entropy;
use crate::error::Result;
use crate::extract::ClientIp;
use crate::files::Files;
use crate::idempotency::Running;
use crate::limits::{Key, Limiter, Limits, Policy, Warnings, hold, take_shared};
use crate::mail::Mailer;
use crate::realtime::{Control, Hub, Relay};
use crate::webhooks::Hooks;
use crate::workers::{Acks, Jobs};

/// The state of one server; clones share it.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

/// What an installation keeps secret, drawn at its first start.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    pub(crate) keys: DeliveryKey,
    pub(crate) codes: CodeKey,
    /// Names the installation to a bus that others may use as well.
    pub(crate) installation: String,
}

/// The fields of [`App`].
#[derive(Debug)]
pub struct Shared {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter,
    pub(crate) warnings: Warnings,
    pub(crate) mailer: Mailer,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) callers: Callers,
    pub(crate) reviews: Reviews,
    /// Makes and reads delivery ids.
    pub(crate) keys: DeliveryKey,
    /// Hashes one-time codes.
    pub(crate) codes: CodeKey,
    pub(crate) files: Files,
    pub(crate) hub: Arc<Hub>,
    pub(crate) acks: Acks,
    pub(crate) jobs: Jobs,
    pub(crate) hooks: Hooks,
    /// Calls addresses that agents named.
    pub(crate) egress: agentchat_egress::Client,
    /// The system agent, if this server has one.
    pub(crate) desk: OnceLock<Arc<Desk>>,
    /// Requests under an `Idempotency-Key`, where no other node handles any.
    pub(crate) running: Running,
    /// This process, among those that share the store.
    pub(crate) node: [u8; 16],
    /// The way to the other nodes, if there is one.
    bus: OnceLock<Link>,
    pub(crate) metrics: crate::layers::Metrics,
    /// The OpenAPI document, made together with the router.
    pub(crate) document: OnceLock<Bytes>,
    draining: AtomicBool,
    background: TaskTracker,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// Puts the parts together. Must be called inside a tokio runtime: acks are gathered from now on.
    pub(crate) fn new(
        config: Config,
        store: Store,
        secrets: Secrets,
        mailer: Mailer,
        files: Files,
        egress: agentchat_egress::Client,
    ) -> Self {
        let clock = config.clock.clone();
        let timing = &config.timing;
        let shared = store.engine() != Engine::Sqlite;
        Self(Arc::new(Shared {
            limiter: Limiter::new(&config.limits, clock.clone()),
            limits: config.limits.clone(),
            warnings: Warnings::default(),
            entropy: config.entropy.clone(),
            callers: Callers::new(shared.then_some(timing.keep_callers)),
            reviews: Reviews::default(),
            keys: secrets.keys,
            codes: secrets.codes,
            hub: Hub::new(&config.limits, shared.then(Relay::default)),
            acks: Acks::start(store.clone(), clock.clone(), timing.gather_acks),
            jobs: Jobs::default(),
            hooks: Hooks::default(),
            egress,
            desk: OnceLock::new(),
            running: Running::default(),
            node: config.entropy.bytes(),
            bus: OnceLock::new(),
            metrics: crate::layers::Metrics::install(),
            document: OnceLock::new(),
            draining: AtomicBool::new(false),
            background: TaskTracker::new(),
            store,
            config,
            mailer,
            files,
            clock,
        }))
    }

    /// Takes a token of an IP policy. Loopback peers are exempt unless trusted proxies are configured.
    pub(crate) async fn limit_ip(&self, policy: Policy, client: &ClientIp) -> Result<()> {
        if client.is_exempt() {
            return Ok(());
        }
        let key = Key::ip(client.address());
        if policy.is_exact() && self.is_shared() {
            return Ok(take_shared(&self.store, policy, self.limits.rate(policy), key, self.clock.now()).await?);
        }
        hold(self.limiter.reserve(policy, key).granted()?);
        Ok(())
    }

    /// Takes a token of a policy that counts for one agent.
    pub(crate) fn limit_agent(&self, policy: Policy, agent: AgentKey) -> Result<()> {
        hold(self.limiter.reserve(policy, Key::Agent(agent.0)).granted()?);
        Ok(())
    }

    /// After a commit that changed an agent's key, status, pause or record: no node goes on with what it remembers,
    /// and with a control its sockets are closed or updated, wherever they are.
    pub(crate) fn agent_changed(&self, agent: AgentKey, control: Option<Control>) {
        self.callers.forget(agent);
        self.hub.changed(agent, control);
    }

    /// What every absolute URL begins with, without a slash at its end.
    pub(crate) fn public_url(&self) -> &str {
        self.config.public_url.as_deref().unwrap_or("")
    }

    /// Other nodes may share the store.
    pub(crate) fn is_shared(&self) -> bool {
        self.hub.relay().is_some()
    }

    /// Lets this node and the others hear each other. Before anybody is served.
    pub(crate) fn connect(&self, link: Link) {
        self.hub.connect(link.bus());
        let _only_one = self.bus.set(link);
    }

    /// The way to the other nodes, if one is configured.
    pub(crate) fn bus(&self) -> Option<&Link> {
        self.bus.get()
    }

    /// For what must not keep the server alive.
    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.0)
    }

    /// Runs work that outlives its request (mail off the request path). Shutdown waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn(work);
    }

    /// Runs the handling of a request that is brought to its end whether or not anybody waits for it.
    pub(crate) fn spawn_answer<T: Send + 'static>(
        &self,
        answer: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.background.spawn(answer)
    }

    /// True from the first moment of shutdown on.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
        self.hub.shutdown();
    }

    /// Ends when all spawned work has; no more may be spawned afterwards.
    pub(crate) async fn background_done(&self) {
        self.background.close();
        self.background.wait().await;
        self.acks.close().await;
    }
}
