//! Hands over what comes in, one payload after the other.

use std::sync::Arc;

use async_nats::Message;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use tokio::sync::mpsc::UnboundedReceiver;

use super::link::{Link, count};
use super::names::Names;
use super::subscribe::Incoming;
use super::wanted::Wanted;
use crate::Subject;

pub(super) struct Receiver<F> {
    pub(super) names: Names,
    pub(super) link: Arc<Link>,
    pub(super) wanted: Arc<Wanted>,
    pub(super) inbound: F,
}

impl<F: Fn(Subject, Bytes)> Receiver<F> {
    /// Runs until nobody adds subscriptions any more and all of them have ended.
    pub(super) async fn run(self, mut added: UnboundedReceiver<Incoming>) {
        let mut incoming = SelectAll::new();
        loop {
            tokio::select! {
                Some(message) = incoming.next() => self.hand_over(message),
                Some(subscription) = added.recv() => incoming.push(subscription),
                else => return,
            }
        }
    }

    fn hand_over(&self, message: Message) {
        let Some(subject) = self.names.parse(&message.subject) else { return };
        let counters = &self.link.counters;
        if subject != Subject::All && !self.wanted.contains(subject) {
            return count(&counters.unwanted);
        }
        count(&counters.received);
        (self.inbound)(subject, message.payload);
    }
}
