//! The senders: one a flow, paced, each send repeated under the same id until it is acknowledged.

use std::time::Duration;

use agentchat::{Client, Error, SendMessage};
use tokio::task::JoinSet;

use super::balancer::Balancer;
use super::book::Books;
use super::cast::{Cast, Flow};
use crate::direct::sdk;
use crate::direct::window::Clock;
use crate::wire::template::Stamp;

const TEXT_BYTES: usize = 200;
/// Between two calls for the same send, when the server did not say.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a send may take beyond the end of the traffic.
const PATIENCE: Duration = Duration::from_secs(60);

/// When which send of which flow is due, in nanoseconds of the run's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    start: u64,
    rate: f64,
    seconds: f64,
    flows: usize,
}

impl Pace {
    pub(crate) fn new(start: u64, rate: f64, seconds: f64, flows: usize) -> Self {
        Self { start, rate, seconds, flows }
    }

    /// Sends of all flows.
    pub(crate) fn intended(&self) -> u64 {
        (self.rate * self.seconds).round() as u64
    }

    /// When this share of the traffic's time is over.
    pub(crate) fn moment(&self, share: f64) -> u64 {
        self.start + (self.seconds * share * 1e9) as u64
    }

    pub(crate) fn seconds_since_start(&self, nanos: u64) -> f64 {
        nanos.saturating_sub(self.start) as f64 / 1e9
    }

    /// When send `counter` of `flow` is due; none when it is not intended.
    fn due(&self, flow: usize, counter: u64) -> Option<u64> {
        let number = counter * self.flows as u64 + flow as u64;
        (number < self.intended()).then(|| self.start + (number as f64 / self.rate * 1e9) as u64)
    }
}

/// What a sender saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// From when a send was due until it was acknowledged.
    pub(crate) answers_us: Vec<u32>,
    /// Sends that took more than one attempt.
    pub(crate) retried: u64,
    /// Attempts that were not answered with success.
    pub(crate) failed_attempts: u64,
    /// Sends that an earlier attempt had stored although its answer never came.
    pub(crate) replayed: u64,
    /// Why it gave up, if it did.
    pub(crate) refusal: Option<String>,
}

/// Runs all senders to their end.
pub(crate) async fn send(
    cast: &Cast,
    balancer: &Balancer,
    books: &Books,
    pace: Pace,
    clock: Clock,
) -> anyhow::Result<Vec<Tally>> {
    let mut tasks = JoinSet::new();
    for (number, &flow) in cast.flows.iter().enumerate() {
        let sender = Sender::new(cast, balancer, number, flow, clock)?;
        tasks.spawn(sender.run(books.clone(), pace));
    }
    Ok(tasks.join_all().await)
}

struct Sender {
    client: Client,
    flow: usize,
    to: String,
    clock: Clock,
    tally: Tally,
}

impl Sender {
    fn new(cast: &Cast, balancer: &Balancer, number: usize, flow: Flow, clock: Clock) -> agentchat::Result<Self> {
        let client = sdk::client(balancer.url(flow.from), &cast.agents[flow.from])?;
        Ok(Self { client, flow: number, to: cast.agents[flow.to].handle.clone(), clock, tally: Tally::default() })
    }

    async fn run(mut self, books: Books, pace: Pace) -> Tally {
        let give_up_at = pace.moment(1.0) + PATIENCE.as_nanos() as u64;
        let mut counter = 0;
        while let Some(due) = pace.due(self.flow, counter) {
            let nanos = self.wait_until(due).await;
            let text = Stamp { pair: self.flow, counter, nanos }.text(TEXT_BYTES);
            let message = SendMessage::to(self.to.as_str()).text(text);
            let message = message.client_msg_id(format!("{}-{counter}", self.flow));
            match self.insist(&message, give_up_at).await {
                Ok(seq) => books.of(self.flow).acknowledge(counter, seq),
                Err(error) => {
                    self.tally.refusal = Some(format!("send {counter} of flow {}: {error}", self.flow));
                    break;
                }
            }
            self.tally.answers_us.push(((self.clock.nanos() - nanos) / 1000) as u32);
            counter += 1;
        }
        self.tally
    }

    /// When the send begins to count: when it leaves, or when it was due and an earlier one stood in its way.
    async fn wait_until(&self, due: u64) -> u64 {
        let early = due.saturating_sub(self.clock.nanos());
        if early == 0 {
            return due;
        }
        tokio::time::sleep(Duration::from_nanos(early)).await;
        self.clock.nanos()
    }

    /// The message's `seq`, however often it takes.
    async fn insist(&mut self, message: &SendMessage, give_up_at: u64) -> Result<u64, Error> {
        let mut failed = 0;
        loop {
            match self.client.send_message(message.clone()).with_response().await {
                Ok(answer) => {
                    failed += u64::from(answer.attempts - 1);
                    self.tally.failed_attempts += failed;
                    self.tally.retried += u64::from(failed > 0);
                    self.tally.replayed += u64::from(answer.data.replayed);
                    return Ok(answer.data.message.seq);
                }
                Err(error) if error.is_retryable() && self.clock.nanos() < give_up_at => {
                    failed += u64::from(error.attempts());
                    tokio::time::sleep(error.retry_after().unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_take_turns_and_are_all_due_within_the_time() {
        let pace = Pace::new(1000, 10.0, 2.0, 3);
        assert_eq!(pace.intended(), 20);
        let due: Vec<u64> = (0..20).filter_map(|number| pace.due(number % 3, number as u64 / 3)).collect();
        assert_eq!(due.len(), 20);
        assert!(due.is_sorted() && due[0] == 1000 && due[19] < pace.moment(1.0));
        assert_eq!((pace.due(2, 6), pace.due(1, 6).is_some()), (None, true));
    }
}
