//! A session's questions to the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentchat_core::accounts::Authenticate;
use agentchat_core::messages::{OwnRows, Pending, PendingPage, PendingRow};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::message::Message;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::{Read, StoreError};

use super::feed::Item;
use super::session::{Ask, Fresh, OwnRow, Page, Row};
use super::{OwnPublished, Published};
use crate::app::App;
use crate::callers::KeyHash;

/// Own rows that close one hole, at most.
const OWN_ROWS: usize = 200;
/// How often a question is repeated while the store has too much to do, and the first pause; each is longer.
const REPEATS: u32 = 12;
const PAUSE: Duration = Duration::from_millis(20);

/// Where the text of a frame is.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A frame of the ring, and when it was published.
    Fresh(Arc<Published>, Instant),
    /// An own message of the ring.
    Own(Arc<OwnPublished>),
    /// A row of the store.
    Stored(Box<Message>),
}

/// What the store said.
#[derive(Debug)]
pub(super) enum Answer {
    Page(Page<Body>),
    OwnRows(Vec<OwnRow<Body>>),
    Credentials(Option<(i64, AgentStatus)>),
}

/// An open question.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<Answer, agentchat_core::Error>> + Send>>;

/// Puts a question to the store.
pub(super) fn ask(app: &App, agent: AgentKey, key_hash: KeyHash, question: Ask) -> Asking {
    let app = app.clone();
    match question {
        Ask::Page { after, limit, .. } => Box::pin(async move {
            let now = app.clock.now();
            let page = PendingPage { agent, after, limit, now, keys: app.keys.clone() };
            Ok(Answer::Page(page_of(patient(&app, page).await?, limit)))
        }),
        Ask::OwnRows { conversation, after_seq, before_seq } => Box::pin(async move {
            let now = app.clock.now();
            let rows = OwnRows { agent, conversation, after_seq, before_seq, limit: OWN_ROWS, now };
            Ok(Answer::OwnRows(own_rows(conversation, patient(&app, rows).await?)))
        }),
        Ask::Credentials => Box::pin(async move {
            let found = patient(&app, Authenticate { key_hash }).await?;
            Ok(Answer::Credentials(found.map(|caller| (caller.epoch, caller.status))))
        }),
    }
}

/// Reads, and waits a little when too many others do.
async fn patient<R>(app: &App, operation: R) -> Result<R::Out, agentchat_core::Error>
where
    R: Read<Error = agentchat_core::Error> + Clone,
{
    for repeat in 1..=REPEATS {
        match app.store.read(operation.clone()).await {
            Err(agentchat_core::Error::Store(StoreError::Busy)) => tokio::time::sleep(PAUSE * repeat).await,
            answer => return answer,
        }
    }
    app.store.read(operation).await
}

fn page_of(pending: Pending, limit: usize) -> Page<Body> {
    Page {
        full: pending.rows.len() >= limit,
        rows: pending.rows.into_iter().map(row).collect(),
        last_position: pending.last_position,
        epoch: pending.epoch,
        status: pending.status,
        paused: pending.paused == PausedByOwner::Full,
    }
}

fn row(row: PendingRow) -> Row<Body> {
    Row {
        position: row.position,
        conversation: row.conversation,
        seq: row.seq,
        quiet: row.quiet,
        message: row.id,
        body: Body::Stored(Box::new(row.message)),
    }
}

fn own_rows(conversation: ConversationKey, rows: Vec<Message>) -> Vec<OwnRow<Body>> {
    let row = |message: Message| OwnRow {
        conversation,
        seq: message.seq.unsigned_abs(),
        body: Body::Stored(Box::new(message)),
    };
    rows.into_iter().map(row).collect()
}

/// A frame of the ring as the session sees it.
pub(super) fn fresh(item: Item) -> Fresh<Body> {
    match item {
        Item::Own(own) => Fresh::Own(OwnRow { conversation: own.conversation, seq: own.seq, body: Body::Own(own) }),
        Item::Received(published, at) => Fresh::Received {
            epoch: published.epoch,
            row: Row {
                position: published.position,
                conversation: published.conversation,
                seq: published.seq,
                quiet: published.quiet,
                message: published.message,
                body: Body::Fresh(published, at),
            },
        },
    }
}
