//! One authenticated socket: executes what its session decides.
//!
//! One task, woken by the connection, by the hub, by the store's answers and by one timer. Each turn feeds all that
//! is there into the outbox and writes it at once.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use agentchat_core::accounts::Caller;
use agentchat_core::messages::Ack;
use agentchat_protocol::frame::close::{self, Close};
use agentchat_protocol::frame::{ClientFrame, Pong, ServerFrame};
use agentchat_protocol::id::MessageId;
use agentchat_store::StoreError;
use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use super::asking::{self, Answer, Asking, Body};
use super::beat::{Beat, Heart};
use super::budget::FrameBudget;
use super::hub::Seat;
use super::line::Line;
use super::replies::{Replies, text};
use super::session::{Ask, Begin, Origin, Session, Step, Writing};
use super::wire::Received;
use super::{Control, Event};
use crate::app::App;
use crate::callers::KeyHash;
use crate::limits::Policy;

/// Bytes in the outbox from which on nothing more of the log is put there.
const QUEUED: usize = 256 * 1024;
/// Bytes in the outbox from which on nothing is read that could add to them.
const UNREAD: usize = 4 * QUEUED;
/// Frames of the client in one turn.
const FRAMES: usize = 64;
/// Events that wait for the outbox; beyond that the oldest are lost.
const EVENTS: usize = 1024;

/// How a socket came to its end.
enum Ending {
    /// We close it.
    Close(Close),
    /// The peer closed it.
    Closed,
    /// The connection broke.
    Gone,
}

/// Who a socket belongs to.
pub(super) struct Owner {
    pub(super) caller: Arc<Caller>,
    pub(super) key_hash: KeyHash,
}

pub(super) struct Socket<L> {
    app: App,
    owner: Owner,
    wire: L,
    seat: Seat,
    session: Session<Body>,
    asking: Option<Asking>,
    replies: Replies,
    heart: Heart,
    budget: FrameBudget,
    timer: Pin<Box<Sleep>>,
    began: Instant,
    /// Frames that came while the key was looked at.
    early: VecDeque<Bytes>,
    events: VecDeque<Event>,
    /// Events that wait until the log was written up to a position.
    behind: VecDeque<(u64, Event)>,
    /// Without `ack`: messages that are settled once the outbox was written this far.
    unflushed: VecDeque<(u64, MessageId)>,
    settles_by_flush: bool,
    /// The seat still reports sync calls.
    led: bool,
}

impl<L: Line> Socket<L> {
    /// A socket that has its seat; `hello.ok` is in the outbox already.
    pub(super) fn new(app: App, owner: Owner, wire: L, seat: Seat, begin: &Begin, early: VecDeque<Bytes>) -> Self {
        let rhythm = L::rhythm(&app.config.timing);
        let began = Instant::now();
        Self {
            session: Session::new(begin, Duration::ZERO),
            timer: Box::pin(tokio::time::sleep_until(began + rhythm.ping)),
            heart: Heart::new(rhythm),
            asking: None,
            replies: Replies::new(app.store.engine()),
            budget: FrameBudget::default(),
            events: VecDeque::new(),
            behind: VecDeque::new(),
            unflushed: VecDeque::new(),
            settles_by_flush: !begin.ack,
            led: begin.lead.is_some(),
            app,
            owner,
            wire,
            seat,
            began,
            early,
        }
    }

    /// Serves the socket until it ends.
    pub(super) async fn run(mut self: Box<Self>) {
        let ending = poll_fn(|context| self.poll(context)).await;
        let within = self.app.config.timing.farewell;
        // Nothing reaches it any more, and it is not counted while it says farewell.
        drop(self.seat);
        match ending {
            Ending::Close(close) => Box::pin(self.wire.close(&close, within)).await,
            Ending::Closed => Box::pin(self.wire.end(within)).await,
            Ending::Gone => super::meters::Meters::closed(1006),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        loop {
            match self.turn(context) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(ending) => return Poll::Ready(ending),
            }
        }
    }

    /// Does what can be done now; true when there may be more.
    fn turn(&mut self, context: &mut Context<'_>) -> Result<bool, Ending> {
        let now = self.began.elapsed();
        self.take_notices(context, now)?;
        self.poll_answer(context)?;
        let mut again = self.receive(context, now)?;
        again |= self.poll_replies(context);
        again |= self.advance(now)?;
        self.write_events();
        self.beat(now)?;
        again |= self.write(context, now)?;
        again |= self.poll_timer(context);
        Ok(again)
    }

    fn take_notices(&mut self, context: &Context<'_>, now: Duration) -> Result<(), Ending> {
        let Some(notices) = self.seat.poll_notices(context) else { return Ok(()) };
        if notices.stopping {
            return Err(Ending::Close(close::SHUTTING_DOWN));
        }
        match notices.ended {
            Some(Control::Suspended) => return Err(Ending::Close(close::ACCOUNT_SUSPENDED)),
            Some(Control::Deleted) => return Err(Ending::Close(close::ACCOUNT_DELETED)),
            // A socket may have come with the new key already: the store knows.
            Some(Control::KeyRotated) => self.session.key_changed(),
            Some(Control::PauseChanged) | None => {}
        }
        if notices.pause_changed {
            self.session.pause_changed();
        }
        if notices.head.is_some_and(|head| self.session.look(head)) {
            self.app.hub.meters().resynced();
        }
        for page in &notices.synced {
            self.session.synced(now, page);
        }
        if notices.acked_through > 0 {
            self.session.acked_through(now, notices.acked_through);
        }
        self.events.extend(notices.events);
        self.behind.extend(notices.behind);
        let excess = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..excess);
        Ok(())
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Result<(), Ending> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let Poll::Ready(answer) = asking.as_mut().poll(context) else { return Ok(()) };
        self.asking = None;
        match answer.map_err(|error| unanswered(&error))? {
            Answer::Page(page) => {
                self.session.page(page);
                if self.session.is_led() || self.session.is_paused() {
                    self.seat.ignore();
                }
            }
            Answer::OwnRows(rows) => self.session.own_rows(rows),
            Answer::Credentials(found) => self.session.credentials(found),
        }
        Ok(())
    }

    /// Reads what the client sent; true when there may be more.
    fn receive(&mut self, context: &mut Context<'_>, now: Duration) -> Result<bool, Ending> {
        for _ in 0..FRAMES {
            if self.replies.is_full() || self.wire.out().len() >= UNREAD {
                return Ok(false);
            }
            let received = match self.early.pop_front() {
                Some(frame) => Received::Frame(frame),
                None => match self.wire.poll_receive(context) {
                    Poll::Ready(received) => received,
                    Poll::Pending => return Ok(false),
                },
            };
            match received {
                Received::Frame(frame) => self.frame(&frame, now),
                Received::Beat => {}
                Received::Closed => return Err(Ending::Closed),
                Received::TooLarge => return Err(Ending::Close(close::FRAME_TOO_LARGE)),
                Received::Broken(close) => return Err(Ending::Close(close)),
                Received::Gone => return Err(Ending::Gone),
            }
            self.heart.heard();
        }
        Ok(true)
    }

    /// A frame of the client. What means nothing is ignored.
    fn frame(&mut self, frame: &[u8], now: Duration) {
        let frame = ClientFrame::parse(frame);
        if let Ok(ClientFrame::Ack { message_ids }) = frame {
            if !self.session.is_paused() {
                let agent = self.owner.caller.key;
                self.session.acked_by_frame(message_ids.len());
                self.app.acks.push(message_ids.into_iter().map(|message| Ack { agent, message }));
            }
            return;
        }
        if let Ok(ClientFrame::Hello(_)) = frame {
            return;
        }
        let rate = self.app.limits.rate(Policy::WsFrame);
        let permitted = self.budget.take(now, rate);
        let Ok(frame) = frame else { return };
        match (frame, permitted) {
            (ClientFrame::Send(frame), Err(wait)) => self.replies.refuse(frame, rate, wait),
            (_, Err(_)) => {}
            (ClientFrame::Send(frame), Ok(())) => self.replies.send(&self.app, &self.owner.caller, &frame),
            (ClientFrame::ReadAck { conversation_id, through_seq }, Ok(())) => {
                self.replies.read_through(&self.app, &self.owner.caller, conversation_id, through_seq);
            }
            (ClientFrame::Ping, Ok(())) => {
                self.write_frame(&ServerFrame::Pong(Pong { server_time: self.app.clock.now() }));
            }
            (ClientFrame::TypingStart { conversation_id }, Ok(())) => {
                self.replies.composing(&self.app, &self.owner.caller, conversation_id, true);
            }
            (ClientFrame::TypingStop { conversation_id }, Ok(())) => {
                self.replies.composing(&self.app, &self.owner.caller, conversation_id, false);
            }
            (ClientFrame::PresenceUpdate(update), Ok(())) => {
                self.replies.say_presence(&self.app, &self.owner.caller, &update);
            }
            (ClientFrame::Hello(_) | ClientFrame::Ack { .. }, Ok(())) => {}
        }
    }

    /// Writes answers whose turn has come; true when a full queue of them got shorter.
    fn poll_replies(&mut self, context: &mut Context<'_>) -> bool {
        let was_full = self.replies.is_full();
        while let Poll::Ready(text) = self.replies.poll_next(&self.app, context) {
            self.wire.frame(&text);
        }
        was_full && !self.replies.is_full()
    }

    /// Executes the session's steps; true when a question was put that must be polled.
    fn advance(&mut self, now: Duration) -> Result<bool, Ending> {
        let mut asked = false;
        while self.wire.out().len() < QUEUED {
            match self.session.next(now) {
                Step::Write(writing) => self.write_message(writing),
                Step::Ask(question) => {
                    self.ask(question);
                    asked = true;
                }
                Step::Take if self.take_fresh() => {}
                Step::Take | Step::Idle => break,
                Step::Close(close) => return Err(Ending::Close(close)),
            }
        }
        if self.led && !self.session.is_led() {
            self.led = false;
            self.seat.end_lead();
        }
        Ok(asked)
    }

    fn ask(&mut self, question: Ask) {
        if let Ask::Page { pass: false, .. } = question {
            self.seat.listen();
        }
        self.asking = Some(asking::ask(&self.app, self.owner.caller.key, self.owner.key_hash, question));
    }

    /// Hands fresh frames to the session; false when there are none.
    fn take_fresh(&mut self) -> bool {
        let mut items = VecDeque::new();
        if !self.seat.take(&mut items) {
            self.session.lost();
            return true;
        }
        let some = !items.is_empty();
        for item in items {
            self.session.offer(asking::fresh(item));
        }
        some
    }

    fn write_message(&mut self, writing: Writing<Body>) {
        let meters = self.app.hub.meters();
        match writing.origin {
            Origin::Drained => meters.drained(),
            Origin::Reoffered => meters.reoffered(),
            Origin::Live | Origin::Own => {}
        }
        match writing.body {
            Body::Fresh(published, at) => {
                let id = published.delivery_id.to_string();
                self.wire.message(Some(&id), &[&published.frame.head, &id, &published.frame.tail]);
                meters.delivered(at.elapsed());
            }
            Body::Own(own) => self.wire.message(None, &[&own.frame]),
            Body::Stored(mut message) => {
                if writing.origin == Origin::Reoffered {
                    message.redelivered = Some(true);
                }
                let id = message.delivery_id.flatten().map(|id| id.to_string());
                if let Some(text) = text(&ServerFrame::MessageNew(message)) {
                    self.wire.message(id.as_deref(), &[&text]);
                }
            }
        }
        if let Some(message) = writing.message.filter(|_| self.settles_by_flush) {
            self.unflushed.push_back((self.wire.out().end(), message));
        }
    }

    fn write_frame(&mut self, frame: &ServerFrame) {
        if let Some(text) = text(frame) {
            self.wire.frame(&text);
        }
    }

    fn write_events(&mut self) {
        if self.session.is_paused() {
            self.events.clear();
            self.behind.clear();
        }
        while self.behind.front().is_some_and(|(position, _)| self.session.has_passed(*position)) {
            self.events.extend(self.behind.pop_front().map(|(_, event)| event));
        }
        if self.wire.out().len() >= QUEUED {
            self.events.retain(|event| !event.droppable);
        }
        while self.session.may_write_events() && self.wire.out().len() < QUEUED {
            let Some(event) = self.events.pop_front() else { break };
            self.wire.frame(&event.text);
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    fn beat(&mut self, now: Duration) -> Result<(), Ending> {
        match self.heart.tick(now) {
            Beat::Fine => Ok(()),
            Beat::Ping => {
                self.wire.ping();
                Ok(())
            }
            Beat::Silent => Err(Ending::Close(close::HEARTBEAT_TIMEOUT)),
            Beat::Stalled => Err(Ending::Close(close::SLOW_CONSUMER)),
        }
    }

    /// Writes the outbox; true when there is room again for what had to wait.
    fn write(&mut self, context: &mut Context<'_>, now: Duration) -> Result<bool, Ending> {
        let before = self.wire.out().len();
        if let Poll::Ready(Err(_)) = self.wire.poll_write(context) {
            return Err(Ending::Gone);
        }
        let out = self.wire.out();
        self.heart.wrote(now, out.written(), out.is_blocked());
        let room = (before >= QUEUED && out.len() < QUEUED) || (before >= UNREAD && out.len() < UNREAD);
        self.settle_flushed();
        Ok(room)
    }

    fn settle_flushed(&mut self) {
        let written = self.wire.out().written();
        let agent = self.owner.caller.key;
        let flushed = self.unflushed.iter().take_while(|(end, _)| *end <= written).count();
        if flushed > 0 {
            let messages = self.unflushed.drain(..flushed);
            self.app.acks.push(messages.map(|(_, message)| Ack { agent, message }));
        }
    }

    /// Sets the timer to the next deadline; true when that has come.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let mut due = self.heart.deadline();
        if self.wire.out().len() < QUEUED {
            due = self.session.deadline().map_or(due, |deadline| deadline.min(due));
        }
        let due = self.began + due;
        // One that is set too early only looks once more.
        if due < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(due);
        }
        self.timer.as_mut().poll(context).is_ready()
    }
}

/// How a socket ends whose question the store did not answer.
fn unanswered(error: &agentchat_core::Error) -> Ending {
    if let agentchat_core::Error::Store(StoreError::Busy) = error {
        return Ending::Close(close::OVERLOADED);
    }
    tracing::error!(%error, "a socket's look into the store failed");
    Ending::Close(close::INTERNAL_ERROR)
}

#[cfg(test)]
mod tests;
