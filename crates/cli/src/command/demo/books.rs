//! Every message that was sent, and whether it came: once, in order, acknowledged.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agentchat::Message;
use serde::Serialize;
use tokio::sync::Notify;

use super::screenplay::DIALOGUES;
use crate::failure::Failure;

/// How long a dialogue may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shared by all players.
#[derive(Default)]
pub(super) struct Books {
    pages: Mutex<Pages>,
    changed: Notify,
}

#[derive(Default)]
struct Pages {
    /// By `client_msg_id`.
    sent: HashMap<String, Entry>,
    /// By receiver and conversation.
    last_seq: HashMap<(&'static str, String), u64>,
    duplicated: u64,
    reordered: u64,
    dialogues_over: usize,
    latencies: Vec<Duration>,
}

struct Entry {
    at: Instant,
    accepted: bool,
    delivered: bool,
}

/// The end of a demo.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    sent: u64,
    delivered: u64,
    acked: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Books {
    /// Before a message goes out.
    pub(super) fn sending(&self, client_msg_id: &str) {
        let entry = Entry { at: Instant::now(), accepted: false, delivered: false };
        self.lock().sent.insert(client_msg_id.to_owned(), entry);
    }

    /// The server acknowledged it.
    pub(super) fn sent(&self, client_msg_id: &str) {
        if let Some(entry) = self.lock().sent.get_mut(client_msg_id) {
            entry.accepted = true;
        }
        self.changed.notify_waiters();
    }

    /// A message came; how long it took, unless it came before.
    pub(super) fn delivered(&self, receiver: &'static str, message: &Message) -> Option<Duration> {
        let took = self.lock().enter(receiver, message);
        self.changed.notify_waiters();
        took
    }

    /// The last line of a dialogue came.
    pub(super) fn dialogue_over(&self) {
        self.lock().dialogues_over += 1;
        self.changed.notify_waiters();
    }

    /// Returns when every dialogue of the act is over, and begins to count anew.
    pub(super) async fn dialogues_over(&self) -> Result<(), Failure> {
        let over = self.wait(|pages| pages.dialogues_over >= DIALOGUES.len());
        tokio::time::timeout(PATIENCE, over)
            .await
            .map_err(|_| Failure::failed("a dialogue came to a standstill: a message did not arrive"))?;
        self.lock().dialogues_over = 0;
        Ok(())
    }

    /// Returns when everything that was sent was delivered.
    pub(super) async fn all_delivered(&self) {
        self.wait(|pages| pages.sent.values().all(|entry| entry.accepted && entry.delivered)).await;
    }

    /// The summary, given what the server still holds as undelivered.
    pub(super) fn close(&self, undelivered: u64) -> Summary {
        self.lock().summary(undelivered)
    }

    async fn wait(&self, condition: impl Fn(&Pages) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if condition(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn enter(&mut self, receiver: &'static str, message: &Message) -> Option<Duration> {
        let entry = self.sent.get_mut(&message.client_msg_id)?;
        if entry.delivered {
            self.duplicated += 1;
            return None;
        }
        entry.delivered = true;
        let took = entry.at.elapsed();
        self.latencies.push(took);
        let last = self.last_seq.entry((receiver, message.conversation_id.as_str().to_owned())).or_default();
        self.reordered += u64::from(message.seq <= *last);
        *last = message.seq.max(*last);
        Some(took)
    }

    fn summary(&mut self, undelivered: u64) -> Summary {
        let accepted: Vec<&Entry> = self.sent.values().filter(|entry| entry.accepted).collect();
        let (sent, delivered) = (accepted.len() as u64, accepted.iter().filter(|entry| entry.delivered).count() as u64);
        self.latencies.sort_unstable();
        Summary {
            sent,
            delivered,
            acked: sent.saturating_sub(undelivered),
            lost: sent - delivered,
            duplicated: self.duplicated,
            reordered: self.reordered,
            p50_ms: percentile(&self.latencies, 0.5),
            p99_ms: percentile(&self.latencies, 0.99),
        }
    }
}

/// Nearest rank, in milliseconds; 0 without any.
fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
}

impl Summary {
    pub(super) fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered == 0 && self.acked == self.sent && self.sent > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, delivered, acked, lost, duplicated, reordered, p50_ms, p99_ms } = self;
        write!(
            out,
            "\nsent {sent} · delivered {delivered} · acked {acked} · lost {lost} · duplicated {duplicated} · \
             reordered {reordered}\nsend to delivery: p50 {p50_ms:.1} ms · p99 {p99_ms:.1} ms"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(client_msg_id: &str, seq: u64) -> Message {
        let value = serde_json::json!({
            "id": "msg_1", "conversation_id": "conv_1", "sender": "a-1", "client_msg_id": client_msg_id, "seq": seq,
            "type": "text", "content": {"text": "x"}, "metadata": {}, "status": "stored",
            "created_at": "2026-01-15T09:30:00.000Z"
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let books = Books::default();
        for id in ["1", "2", "3", "4"] {
            books.sending(id);
            books.sent(id);
        }
        assert!(books.delivered("b", &message("2", 2)).is_some());
        assert!(books.delivered("b", &message("2", 2)).is_none());
        assert!(books.delivered("b", &message("1", 1)).is_some());
        let summary = books.close(1);
        assert_eq!((summary.sent, summary.delivered, summary.acked), (4, 2, 3));
        assert_eq!((summary.lost, summary.duplicated, summary.reordered), (2, 1, 1));
        assert!(!summary.is_clean());
    }

    #[test]
    fn a_clean_run_balances() {
        let books = Books::default();
        books.sending("1");
        books.sent("1");
        books.delivered("b", &message("1", 1));
        assert!(books.close(0).is_clean());
        assert!(!books.close(1).is_clean(), "an unacknowledged message does not balance");
        assert!(!Books::default().close(0).is_clean(), "nothing sent proves nothing");
    }
}
