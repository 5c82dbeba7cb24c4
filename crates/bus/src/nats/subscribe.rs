//! Brings what is joined to the server.
//!
//! A subscription costs this process about 5 KiB, for the client gives each a channel of its own. So up to
//! [`MOST_APART`] subjects have a subscription each, and the server sends what concerns them alone. With more, one
//! subscription takes in everything that agents and owners are told, and what nobody joined is put aside on arrival:
//! that costs about a microsecond a payload and no memory, and a node of that size is concerned by much of it anyway.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_nats::{Client, Subscriber};
use futures_util::stream::{AbortHandle, Abortable, abortable};
use tokio::sync::mpsc::UnboundedSender;

use super::link::{Link, answers};
use super::names::Names;
use super::wanted::{Changes, Wanted};
use crate::{Health, Subject};

const MOST_APART: usize = 1024;
/// Well below, so that a node at the border does not go to and fro.
const FEWEST_TOGETHER: usize = 512;

/// Ends when it is aborted or the client closes.
pub(super) type Incoming = Abortable<Subscriber>;

pub(super) struct Subscriptions {
    client: Client,
    names: Names,
    link: Arc<Link>,
    wanted: Arc<Wanted>,
    incoming: UnboundedSender<Incoming>,
    apart: HashMap<Subject, AbortHandle>,
    together: Option<AbortHandle>,
    /// Whether something was subscribed to since the server last answered.
    unanswered: bool,
}

impl Subscriptions {
    pub(super) fn new(
        client: Client,
        names: Names,
        link: Arc<Link>,
        wanted: Arc<Wanted>,
        incoming: UnboundedSender<Incoming>,
    ) -> Subscriptions {
        let (apart, together) = (HashMap::new(), None);
        Subscriptions { client, names, link, wanted, incoming, apart, together, unanswered: false }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        self.subscribe_apart(Subject::All).await;
        loop {
            self.wanted.wait().await;
            let changes = self.wanted.take();
            let asked = changes.asked;
            self.apply(changes).await;
            self.settle(asked).await;
        }
    }

    async fn apply(&mut self, changes: Changes) {
        match self.together.take() {
            None if changes.joined > MOST_APART => self.merge().await,
            None => self.change_apart(&changes.subjects).await,
            Some(together) if changes.joined < FEWEST_TOGETHER => self.part(together).await,
            // Everything comes in already.
            together => self.together = together,
        }
    }

    async fn change_apart(&mut self, subjects: &HashSet<Subject>) {
        for &subject in subjects {
            if !self.wanted.contains(subject) {
                self.end_apart(|other| other == subject);
            } else if !self.apart.contains_key(&subject) {
                self.subscribe_apart(subject).await;
            }
        }
    }

    /// What comes in meanwhile may arrive twice, and overtake.
    async fn merge(&mut self) {
        self.together = self.subscribe(self.names.everybody()).await;
        answers(&self.client, &self.names).await;
        self.end_apart(|subject| subject != Subject::All);
    }

    /// What comes in meanwhile may arrive twice, and overtake.
    async fn part(&mut self, together: AbortHandle) {
        for subject in self.wanted.subjects() {
            self.subscribe_apart(subject).await;
        }
        answers(&self.client, &self.names).await;
        together.abort();
    }

    async fn subscribe_apart(&mut self, subject: Subject) {
        if let Some(handle) = self.subscribe(self.names.spell(subject)).await {
            self.apart.insert(subject, handle);
        }
    }

    fn end_apart(&mut self, ends: impl Fn(Subject) -> bool) {
        for (_, handle) in self.apart.extract_if(|subject, _| ends(*subject)) {
            handle.abort();
        }
    }

    /// Waits for the connection when there is none and many others wait already. `None` when the client is gone.
    async fn subscribe(&mut self, name: String) -> Option<AbortHandle> {
        let subscriber = self.client.subscribe(name).await.ok()?;
        let (incoming, handle) = abortable(subscriber);
        self.unanswered = true;
        self.incoming.send(incoming).ok()?;
        Some(handle)
    }

    /// Waits until the server has taken all that, or until there is more to bring to it.
    async fn settle(&mut self, asked: u64) {
        while self.unanswered && !answers(&self.client, &self.names).await {
            tokio::select! {
                () = self.link.until(Health::Up) => {}
                () = self.wanted.wait() => return,
            }
        }
        self.unanswered = false;
        self.wanted.settle(asked);
    }
}
