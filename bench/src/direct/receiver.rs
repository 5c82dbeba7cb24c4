//! The receivers' hot loop: take a delivery, enter it into the book, acknowledge it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ledger::Ledger;
use super::sender::FAREWELL;
use super::window::{Clock, Window};
use crate::wire::template::Stamp;
use crate::wire::websocket::{Inbound, WebSocket};
use crate::wire::{broken, scan};

/// The books of one receiver, readable while its loop still waits.
#[derive(Debug)]
pub(crate) struct Books {
    /// By conversation, in the order of the senders; one for all senders of a group.
    pub(crate) ledgers: Vec<Ledger>,
    /// Send to delivery, of what was sent within the window.
    pub(crate) deliveries_us: Vec<u32>,
    /// Still to come.
    farewells: usize,
}

/// Shared between the loop and the one who closes the books.
pub(crate) type Shared = Arc<Mutex<Books>>;

impl Books {
    pub(crate) fn open(last_seqs: impl Iterator<Item = u64>) -> Shared {
        let ledgers: Vec<Ledger> = last_seqs.map(Ledger::after).collect();
        let farewells = ledgers.len();
        Self::of(ledgers, farewells)
    }

    /// Of a group's member: all senders speak in one conversation.
    pub(crate) fn of_group(last_seq: u64, senders: usize) -> Shared {
        Self::of(vec![Ledger::after(last_seq)], senders)
    }

    fn of(ledgers: Vec<Ledger>, farewells: usize) -> Shared {
        Arc::new(Mutex::new(Self { ledgers, deliveries_us: Vec::with_capacity(4096), farewells }))
    }

    /// Enters one delivery.
    pub(crate) fn enter(
        &mut self,
        seq: u64,
        stamp: Stamp,
        receivers: usize,
        window: &Window,
        now: u64,
    ) -> io::Result<()> {
        let ledger = self.ledgers.get_mut(stamp.pair / receivers).ok_or_else(|| broken("a stranger's message"))?;
        ledger.enter(seq);
        if window.bucket(stamp.nanos).is_some() {
            self.deliveries_us.push((now.saturating_sub(stamp.nanos) / 1000) as u32);
        }
        self.farewells -= usize::from(stamp.counter == FAREWELL && self.farewells > 0);
        Ok(())
    }

    /// Whether every sender said farewell.
    pub(crate) fn is_complete(&self) -> bool {
        self.farewells == 0
    }
}

/// The lock of the books; a panic elsewhere does not make them worthless.
pub(crate) fn lock(books: &Shared) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a receiver takes from a `message.new` frame.
struct Frame<'a> {
    id: &'a [u8],
    seq: u64,
    stamp: Stamp,
}

impl<'a> Frame<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let payload = text.strip_prefix(b"{\"type\":\"message.new\",\"payload\":")?;
        Some(Self {
            id: scan::string(payload, b"\"id\":\"")?,
            seq: scan::number(payload, b"\"seq\":")?,
            stamp: Stamp::find(payload)?,
        })
    }
}

/// Receives and acknowledges until every sender said farewell.
pub(crate) async fn run(
    mut socket: WebSocket,
    books: Shared,
    receivers: usize,
    clock: Clock,
    window: Window,
) -> io::Result<()> {
    let mut ack = Vec::with_capacity(80);
    loop {
        let Inbound::Text(range) = socket.next().await? else {
            return Err(broken("the server closed a receiver's socket"));
        };
        let Some(frame) = Frame::read(socket.text(&range)) else {
            continue;
        };
        let complete = {
            let mut books = lock(&books);
            books.enter(frame.seq, frame.stamp, receivers, &window, clock.nanos())?;
            books.is_complete()
        };
        ack.clear();
        ack.extend_from_slice(b"{\"type\":\"ack\",\"message_id\":\"");
        ack.extend_from_slice(frame.id);
        ack.extend_from_slice(b"\"}");
        socket.push_text(&ack);
        if complete {
            return socket.flush().await;
        }
    }
}
