//! The receivers: the client crate's realtime connection, every message entered and acknowledged.

use agentchat::{Connected, Delivery, Event, Events, Realtime};
use anyhow::Context;
use tokio::task::JoinHandle;

use super::balancer::Balancer;
use super::book::Books;
use super::cast::Cast;
use crate::direct::sdk;
use crate::direct::window::Clock;
use crate::setup;
use crate::wire::template::Stamp;

/// All receivers, connected.
pub(crate) struct Handlers(Vec<(Realtime, JoinHandle<Handled>)>);

/// What the receivers saw, all together.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// From when a send counts until its message is in the handler's hands.
    pub(crate) deliveries_us: Vec<u32>,
    /// Connections after each one's first.
    pub(crate) reconnects: u64,
    /// Holes in a conversation that the client passed over.
    pub(crate) gaps: u64,
    /// Why a client stopped for good.
    pub(crate) stopped: Vec<String>,
    /// Messages that are no sender's.
    pub(crate) strange: u64,
}

impl Handlers {
    /// What is sent through one node is received through another, as far as there are several.
    pub(crate) async fn connect(cast: &Cast, balancer: &Balancer, books: &Books, clock: Clock) -> anyhow::Result<Self> {
        let places = cast.receivers().into_iter().map(|index| Place {
            url: balancer.url(entry(cast, index)),
            agent: cast.agents[index].clone(),
            flows: (0..cast.flows.len()).filter(|&flow| cast.flows[flow].to == index).collect(),
            books: books.clone(),
            clock,
        });
        setup::all(places.collect(), Place::connect).await.map(Self)
    }

    /// Says good-bye and adds up; each client settles what it has in hand.
    pub(crate) async fn close(self) -> anyhow::Result<Handled> {
        let mut sum = Handled::default();
        for (realtime, task) in self.0 {
            realtime.close().await?;
            let one = task.await?;
            sum.deliveries_us.extend(one.deliveries_us);
            sum.reconnects += one.reconnects;
            sum.gaps += one.gaps;
            sum.strange += one.strange;
            sum.stopped.extend(one.stopped);
        }
        Ok(sum)
    }
}

/// The node after the one through which its first sender sends.
fn entry(cast: &Cast, receiver: usize) -> usize {
    cast.flows.iter().find(|flow| flow.to == receiver).map_or(0, |flow| flow.from + 1)
}

struct Place {
    url: String,
    agent: setup::Agent,
    flows: Vec<usize>,
    books: Books,
    clock: Clock,
}

impl Place {
    async fn connect(self) -> anyhow::Result<(Realtime, JoinHandle<Handled>)> {
        let client = sdk::client(self.url.clone(), &self.agent)?;
        let connected = client.realtime().connect().await;
        let (realtime, events) = connected.with_context(|| format!("the socket of {}", self.agent.handle))?;
        Ok((realtime, tokio::spawn(self.handle(events))))
    }

    async fn handle(self, mut events: Events) -> Handled {
        let mut handled = Handled::default();
        while let Some(event) = events.next().await {
            match event {
                Event::Message(delivery) => {
                    self.enter(&delivery, &mut handled);
                    delivery.ack();
                }
                Event::Connected(Connected { first, .. }) => handled.reconnects += u64::from(!first),
                Event::Gap(gap) => handled.gaps += u64::from(!gap.recovered),
                Event::Terminal(error) => handled.stopped.push(format!("{}: {error}", self.agent.handle)),
                _ => {}
            }
        }
        handled
    }

    fn enter(&self, delivery: &Delivery, handled: &mut Handled) {
        let Ok(message) = delivery.message() else {
            handled.strange += 1;
            return;
        };
        // An agent's own messages come back when both sides send.
        if message.is_own == Some(true) {
            return;
        }
        let stamp = message.content.text.as_deref().and_then(|text| Stamp::read(text.as_bytes()));
        match stamp.filter(|stamp| self.flows.contains(&stamp.pair)) {
            Some(stamp) => {
                self.books.of(stamp.pair).hand(stamp.counter, message.seq);
                handled.deliveries_us.push((self.clock.nanos().saturating_sub(stamp.nanos) / 1000) as u32);
            }
            None => handled.strange += 1,
        }
    }
}
