//! The queue between a session and its stream of events.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::event::Event;

/// Frames of one type that wait at most.
const MOST_OF_A_TYPE: usize = 1024;

/// Events on their way to the application. Messages are bounded by the machine, frames by their type.
#[derive(Default)]
pub(super) struct Queue(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    events: VecDeque<(Option<Arc<str>>, Event)>,
    waiting: HashMap<Arc<str>, usize>,
    dropped: HashMap<Arc<str>, u64>,
    /// The stream ends when it is empty; a new attempt begins it again.
    ended: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, event: Event) {
        let mut inner = self.lock();
        inner.events.push_back((None, event));
        wake(inner);
    }

    /// Queues a frame of which too many may come.
    pub(super) fn push_frame(&self, kind: Arc<str>, event: Event) {
        let mut inner = self.lock();
        inner.events.push_back((Some(kind.clone()), event));
        let waiting = inner.waiting.entry(kind.clone()).or_default();
        *waiting += 1;
        if *waiting > MOST_OF_A_TYPE {
            inner.drop_oldest(&kind);
        }
        wake(inner);
    }

    pub(super) fn set_ended(&self, ended: bool) {
        let mut inner = self.lock();
        inner.ended = ended;
        wake(inner);
    }

    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut inner = self.lock();
        match inner.pop() {
            Some(event) => Poll::Ready(Some(event)),
            None if inner.ended => Poll::Ready(None),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn try_pop(&self) -> Option<Event> {
        self.lock().pop()
    }

    /// Messages that were not taken go back to the server.
    pub(super) fn drop_messages(&self) {
        let events = std::mem::take(&mut self.lock().events);
        let (messages, others): (VecDeque<_>, _) =
            events.into_iter().partition(|(_, event)| matches!(event, Event::Message(_)));
        self.lock().events = others;
        drop(messages);
    }

    /// Everything that waits, for dropping outside the lock.
    pub(super) fn clear(&self) -> impl Sized {
        std::mem::take(&mut self.lock().events)
    }
}

/// Wakes the reader after the lock is gone.
fn wake(mut inner: MutexGuard<'_, Inner>) {
    let waker = inner.waker.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Inner {
    fn pop(&mut self) -> Option<Event> {
        let kind = self.events.front()?.0.clone();
        if let Some(kind) = &kind {
            if let Some(dropped) = self.dropped.remove(kind) {
                return Some(Event::Lagged { event_type: kind.to_string(), dropped });
            }
            if let Some(waiting) = self.waiting.get_mut(kind) {
                *waiting -= 1;
            }
        }
        self.events.pop_front().map(|(_, event)| event)
    }

    fn drop_oldest(&mut self, kind: &Arc<str>) {
        let oldest = self.events.iter().position(|(waiting, _)| waiting.as_ref() == Some(kind));
        if oldest.and_then(|at| self.events.remove(at)).is_some() {
            let dropped = self.dropped.entry(kind.clone()).or_default();
            if *dropped == 0 {
                tracing::warn!(target: "agentchat::realtime", event_type = %kind, "events are dropped: they are not taken");
            }
            *dropped += 1;
            if let Some(waiting) = self.waiting.get_mut(kind) {
                *waiting -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RawJson;

    fn frame(number: usize) -> Event {
        let raw = RawJson::of(&serde_json::json!({"type": "x", "payload": number})).unwrap_or_default();
        Event::of_frame("x".into(), raw)
    }

    #[test]
    fn a_flood_of_one_type_drops_its_oldest() {
        let queue = Queue::default();
        queue.push(Event::Error(crate::Error::realtime("first")));
        for number in 0..MOST_OF_A_TYPE + 3 {
            queue.push_frame("x".into(), frame(number));
        }
        assert!(matches!(queue.try_pop(), Some(Event::Error(_))));
        assert!(matches!(queue.try_pop(), Some(Event::Lagged { dropped: 3, .. })));
        let Some(Event::Other(next)) = queue.try_pop() else { unreachable!() };
        assert_eq!(next.payload::<usize>().ok(), Some(3));
        assert_eq!(std::iter::from_fn(|| queue.try_pop()).count(), MOST_OF_A_TYPE - 1);
    }
}
