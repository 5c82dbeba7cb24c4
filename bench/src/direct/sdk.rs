//! The same load through the client crate: what an agent written with it gets.

use std::io;

use agentchat::{Client, ClientIdentity, Delivery, Event, Events, Realtime, SendMessage};

use super::receiver::{Shared, lock};
use super::sender::{Line, Task};
use super::window::{Clock, Window};
use crate::setup::Agent;
use crate::wire::broken;
use crate::wire::template::Stamp;

/// An agent's client.
pub(crate) fn client(base_url: String, agent: &Agent) -> agentchat::Result<Client> {
    Client::builder().api_key(&agent.key).base_url(base_url).identity(ClientIdentity::new("agentchat_bench")).build()
}

fn failed(error: &agentchat::Error) -> io::Error {
    broken(&error.to_string())
}

/// Sends with `Client::send_message`.
pub(crate) struct SdkLine {
    client: Client,
    pair: usize,
    to: String,
    text_bytes: usize,
}

impl SdkLine {
    pub(crate) fn open(task: &Task) -> io::Result<Self> {
        let client = client(format!("http://{}", task.address), &task.sender).map_err(|error| failed(&error))?;
        Ok(Self { client, pair: task.pair, to: task.to.clone(), text_bytes: task.text_bytes })
    }
}

impl Line for SdkLine {
    async fn send(&mut self, counter: u64, nanos: u64) -> io::Result<Result<u64, Vec<u8>>> {
        let text = Stamp { pair: self.pair, counter, nanos }.text(self.text_bytes);
        match self.client.send_message(SendMessage::to(self.to.as_str()).text(text)).await {
            Ok(sent) if !sent.replayed => Ok(Ok(sent.message.seq)),
            Ok(_) => Err(broken("a first write was answered as a replay")),
            Err(error) if error.is_api() => Ok(Err(error.to_string().into_bytes())),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// A connected realtime client.
pub(crate) struct SdkReceiver {
    realtime: Realtime,
    events: Events,
}

impl SdkReceiver {
    pub(crate) async fn open(address: std::net::SocketAddr, agent: &Agent) -> agentchat::Result<Self> {
        let (realtime, events) = client(format!("http://{address}"), agent)?.realtime().connect().await?;
        Ok(Self { realtime, events })
    }

    /// Receives and acknowledges until every sender said farewell.
    pub(crate) async fn run(mut self, books: Shared, receivers: usize, clock: Clock, window: Window) -> io::Result<()> {
        while let Some(event) = self.events.next().await {
            match event {
                Event::Message(delivery) => {
                    if take(&delivery, &books, receivers, clock, &window)? {
                        delivery.ack();
                        break;
                    }
                    delivery.ack();
                }
                Event::Terminal(error) => return Err(failed(&error)),
                _ => {}
            }
        }
        self.realtime.close().await.map_err(|error| failed(&error))?;
        Ok(())
    }
}

/// Enters a delivery; whether it was the last one.
fn take(delivery: &Delivery, books: &Shared, receivers: usize, clock: Clock, window: &Window) -> io::Result<bool> {
    let message = delivery.message().map_err(|error| failed(&error))?;
    let stamp = message.content.text.as_deref().and_then(|text| Stamp::read(text.as_bytes()));
    let Some(stamp) = stamp else {
        return Ok(false);
    };
    let mut books = lock(books);
    books.enter(message.seq, stamp, receivers, window, clock.nanos())?;
    Ok(books.is_complete())
}
