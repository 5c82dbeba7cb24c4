//! Where a ladder stands: a server on a manual clock, its agents, and the names given to what they made.

use std::collections::BTreeMap;
use std::time::Duration;

use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::{CreateAgent, TextLengths};
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_server::{Config, Policy, Secret};
use agentchat_store::{Engine, StoreError, Tx, Write};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::accounts::wrong;
use crate::client::Answer;
use crate::stage::{Stage, Standing};

/// The operator's token; "operator" asks with it.
pub(super) const TOKEN: &str = "operator-token-0123456789-0123456789";

/// How long what happens beside a request may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mail {
    Arrives,
    /// The mailer refuses to take it.
    Refused,
}

/// What becomes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    Works,
    Fails,
}

/// Something that is done between two rungs.
#[derive(Debug)]
pub(super) enum Deed {
    /// A call that must succeed.
    Call(Call),
    /// What no endpoint does; the server is down for a moment, so that buckets are full again.
    Standing(Standing),
    /// An agent of the platform, with a key.
    SystemAgent(&'static str),
    /// Milliseconds pass.
    Wait(i64),
    /// The next code mailed to an address is kept as `$code`, and another one as `$wrong`.
    ReadMail(&'static str),
    /// The mailer takes mail again, or refuses it from now on.
    Mailer(Mail),
    /// What an agent's webhooks are owed was tried to the end.
    Buried(&'static str),
    /// An agent's webhooks are gone for good, as their receivers said.
    Retired(&'static str),
    /// What keeps files works again, or fails from now on.
    Storage(Storage),
}

/// A call of somebody in the world.
#[derive(Debug, Clone)]
pub(super) struct Call {
    by: &'static str,
    method: String,
    path: String,
    body: String,
    bytes: Option<&'static [u8]>,
    times: usize,
    may_fail: bool,
    waits: bool,
    kept: Vec<(&'static str, &'static str)>,
}

impl From<Call> for Deed {
    fn from(call: Call) -> Self {
        Self::Call(call)
    }
}

impl From<Standing> for Deed {
    fn from(standing: Standing) -> Self {
        Self::Standing(standing)
    }
}

/// `did("bob", "POST /v1/contacts", json!({"handle": "alice"}))`; a body of `null` is none.
pub(super) fn did(by: &'static str, endpoint: &str, body: Value) -> Call {
    let (method, path) = endpoint.split_once(' ').unwrap_or_else(|| panic!("{endpoint} has no method"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (method, path) = (method.to_owned(), path.to_owned());
    Call { by, method, path, body, bytes: None, times: 1, may_fail: false, waits: false, kept: Vec::new() }
}

/// A message whose text is its `client_msg_id`.
pub(super) fn said(by: &'static str, to: &str, text: &str) -> Call {
    did(by, "POST /v1/messages", json!({ "to": to, "client_msg_id": text, "content": { "text": text } }))
}

/// The operator suspends an agent.
pub(super) fn suspended(agent: &str) -> Call {
    did("operator", &format!("POST /admin/agents/{agent}/suspend"), Value::Null)
}

/// The operator lets it back in.
pub(super) fn reinstated(agent: &str) -> Call {
    did("operator", &format!("POST /admin/agents/{agent}/reinstate"), Value::Null)
}

/// The second becomes a contact of the first.
pub(super) fn befriended(by: &'static str, other: &str) -> Call {
    did(by, "POST /v1/contacts", json!({ "handle": other }))
}

impl Call {
    /// Names a member of its answer, by JSON pointer, or a header.
    pub(super) fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.kept.push((name, pointer));
        self
    }

    /// With a body that is no text.
    pub(super) fn with(mut self, bytes: &'static [u8]) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// So often.
    pub(super) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Again and again until there is something to name: what the server does by itself takes its time.
    pub(super) fn until_it_is_there(mut self) -> Self {
        self.waits = true;
        self
    }

    /// Whatever it is answered: to use up a policy.
    pub(super) fn whatever_comes(mut self) -> Self {
        self.may_fail = true;
        self
    }
}

/// One request; `$name` stands for what was kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Nobody when empty.
    pub(super) by: &'static str,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// Sent instead, as they are.
    pub(super) bytes: Option<&'static [u8]>,
}

pub(super) struct World {
    stage: Option<Stage>,
    names: BTreeMap<&'static str, String>,
    /// Mails read so far, by address.
    read: BTreeMap<String, usize>,
    /// The internal ids that nobody else may see.
    ids: BTreeMap<&'static str, String>,
}

impl World {
    /// A server with these agents and limits; policies that are not named are off. Inboxes begin empty unless the
    /// platform's own agent is there.
    pub(super) async fn of(engine: Engine, cast: &[&'static str], limits: &[&str], attended: bool) -> Self {
        let change = |config: &mut Config| {
            configure(config, limits);
            config.system_agent = attended;
        };
        let stage = Stage::with(engine, cast, change).await;
        let mut world =
            Self { stage: Some(stage), names: BTreeMap::new(), read: BTreeMap::new(), ids: BTreeMap::new() };
        for agent in cast {
            world.learn_id(agent).await;
            world.read.insert(format!("{agent}@example.com"), 1);
        }
        world
    }

    pub(super) fn stage(&self) -> &Stage {
        self.stage.as_ref().unwrap_or_else(|| panic!("the stage is being changed"))
    }

    /// The internal ids of everybody else.
    pub(super) fn ids_but(&self, agent: &str) -> impl Iterator<Item = &str> {
        self.ids.iter().filter(move |(name, _)| **name != agent).map(|(_, id)| id.as_str())
    }

    /// Sends a request as it stands, names put in.
    pub(super) async fn ask(&self, asked: &Asked) -> Answer {
        let credentials = match asked.by {
            "" => None,
            "operator" => Some(format!("Bearer {TOKEN}")),
            agent => Some(format!("Bearer {}", self.stage().key(agent))),
        };
        let mut headers: Vec<(&str, String)> = Vec::new();
        headers.extend(credentials.map(|credentials| ("Authorization", credentials)));
        headers.extend(asked.headers.iter().map(|(name, value)| (*name, self.filled(value))));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (path, body) = (self.filled(&asked.path), self.filled(&asked.body));
        let body = asked.bytes.unwrap_or(body.as_bytes());
        self.stage().server.request(&asked.method, local(&path), &headers, body).await
    }

    /// A text with every `$name` replaced; longer names first, so that `$group` leaves `$group-two` alone.
    fn filled(&self, text: &str) -> String {
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let filled = names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value));
        assert!(!filled.contains('$'), "nothing was kept under a name in {filled}");
        filled
    }

    /// The same for an expected value.
    pub(super) fn filled_value(&self, value: &Value) -> Value {
        value.as_str().map_or_else(|| value.clone(), |text| self.filled(text).into())
    }

    /// Gives a member of an answer a name, or a header when it is none.
    pub(super) fn keep(&mut self, name: &'static str, answer: &Answer, pointer: &str) {
        if !pointer.starts_with('/') {
            let header = answer.header(pointer).unwrap_or_else(|| panic!("no {pointer}: {answer:?}"));
            self.names.insert(name, header.to_owned());
            return;
        }
        let json = answer.json();
        let value = json.pointer(pointer).and_then(Value::as_str);
        let value = value.unwrap_or_else(|| panic!("no text at {pointer}: {answer:?}"));
        self.names.insert(name, value.to_owned());
    }

    pub(super) async fn undergo(&mut self, deed: &Deed) {
        match deed {
            Deed::Call(call) => self.call(call).await,
            Deed::Standing(standing) => self.rebuild(standing.clone()).await,
            Deed::SystemAgent(handle) => self.make_system_agent(handle).await,
            Deed::Wait(millis) => self.stage().clock.advance(*millis),
            Deed::ReadMail(email) => self.read_mail(email).await,
            Deed::Buried(agent) => self.rebuild(Ended { agent, forever: false }).await,
            Deed::Retired(agent) => self.rebuild(Ended { agent, forever: true }).await,
            Deed::Mailer(mail) => self.folder_is_there("mail", *mail == Mail::Arrives),
            Deed::Storage(storage) => self.folder_is_there("objects", *storage == Storage::Works),
        }
    }

    /// What a call is answered.
    pub(super) async fn answer(&self, call: &Call) -> Answer {
        let (method, path, body) = (call.method.clone(), call.path.clone(), call.body.clone());
        self.ask(&Asked { by: call.by, method, path, headers: Vec::new(), body, bytes: call.bytes }).await
    }

    async fn call(&mut self, call: &Call) {
        for _ in 0..call.times {
            let answer = self.waited_for(call).await;
            assert!(call.may_fail || (200..400).contains(&answer.status), "{call:?} was answered {answer:?}");
            for (name, pointer) in &call.kept {
                self.keep(name, &answer, pointer);
            }
        }
    }

    async fn waited_for(&self, call: &Call) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.answer(call).await;
            let there = |(_, pointer): &(&str, &str)| answer.json().pointer(pointer).is_some();
            if !call.waits || call.kept.iter().all(there) || Instant::now() > end {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn rebuild<E: std::fmt::Debug>(&mut self, change: impl Write<Error = E>) {
        let stage = self.stage.take().unwrap_or_else(|| panic!("the stage is being changed"));
        self.stage = Some(stage.meanwhile(change).await);
    }

    async fn make_system_agent(&mut self, handle: &'static str) {
        let body = json!({ "email": "system@example.com", "handle": handle }).to_string();
        let key = ApiKey::from_entropy([7; 32]);
        let create = CreateAgent {
            account: NewAccount::parse(body.as_bytes(), TextLengths::default()).unwrap(),
            id: AgentId::from_bytes([7; 16]),
            key_hash: hash_key(key.expose()),
            is_system: true,
            caps: EmailCaps::default(),
            now: self.stage().clock.now(),
        };
        self.rebuild(create).await;
        if let Some(stage) = &mut self.stage {
            stage.know(handle, key.expose().to_owned());
        }
        self.learn_id(handle).await;
    }

    async fn learn_id(&mut self, agent: &'static str) {
        let record = self.stage().get(agent, "/v1/agents/me").await.json();
        self.ids.insert(agent, record["id"].as_str().unwrap_or_else(|| panic!("no record of {agent}")).to_owned());
    }

    /// Waits for the mail: some are sent off the request's path.
    async fn read_mail(&mut self, email: &str) {
        let server = &self.stage.as_ref().unwrap_or_else(|| panic!("the stage is being changed")).server;
        let read = self.read.entry(email.to_owned()).or_default();
        let end = Instant::now() + PATIENCE;
        while server.mails_to(email) <= *read {
            assert!(Instant::now() < end, "no mail for {email}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        *read += 1;
        let code = server.mailed_code(email);
        self.names.insert("wrong", wrong(&code).to_owned());
        self.names.insert("code", code);
    }

    /// A folder of the server's is there to be written into, or it is not.
    fn folder_is_there(&self, name: &str, is_there: bool) {
        let folder = self.stage().server.home.folder.path().join(name);
        let away = folder.with_extension("away");
        if is_there {
            std::fs::remove_file(&folder).unwrap();
            std::fs::rename(&away, &folder).unwrap();
        } else {
            std::fs::rename(&folder, &away).unwrap();
            // A file in its place: nobody can make the folder anew.
            std::fs::write(&folder, "").unwrap();
        }
    }
}

/// What attempts over days, or one answer 410, make of webhooks.
#[derive(Debug, Clone, Copy)]
struct Ended {
    agent: &'static str,
    forever: bool,
}

impl Write for Ended {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let agent = tx.agent_by_handle(&Handle::parse(self.agent).unwrap()).await?;
        for webhook in tx.webhooks_of(agent.unwrap().key).await? {
            if self.forever {
                tx.retire_webhook(webhook.key).await?;
            }
            tx.bury_calls(webhook.key, "nobody was there").await?;
        }
        Ok(())
    }
}

/// What a request to an address that the server gave out asks for.
fn local(address: &str) -> &str {
    let Some((_, rest)) = address.split_once("://") else { return address };
    rest.find('/').map_or("/", |path| &rest[path..])
}

/// Every policy off but those that are named.
pub(super) fn configure(config: &mut Config, limits: &[&str]) {
    for policy in Policy::ALL.iter().filter(|policy| **policy != Policy::SendSystem) {
        config.limits.set_named(policy.name(), "off").unwrap();
    }
    for limit in limits {
        config.limits.set(limit).unwrap();
    }
    config.admin_token = Some(Secret::new(TOKEN));
    config.security_contact = Some("mailto:security@example.com".to_owned());
}
