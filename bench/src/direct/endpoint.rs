//! Both ends of a pair, whatever drives them.

use std::io;
use std::net::SocketAddr;

use anyhow::Context;

use super::receiver::{self, Shared};
use super::sdk::{SdkLine, SdkReceiver};
use super::sender::{HttpLine, Line, SocketLine, Task, hello};
use super::window::{Clock, Window};
use super::{Driver, Transport};
use crate::setup::Agent;
use crate::wire::websocket::WebSocket;

/// A sender's connection.
pub(crate) enum AnyLine {
    Http(HttpLine),
    Ws(SocketLine),
    Sdk(SdkLine),
}

impl AnyLine {
    pub(crate) async fn open(task: Task, driver: Driver, transport: Transport) -> anyhow::Result<Self> {
        Ok(match (driver, transport) {
            (Driver::Lean, Transport::Http) => Self::Http(HttpLine::open(&task).await?),
            (Driver::Lean, Transport::Ws) => Self::Ws(SocketLine::open(&task).await?),
            (Driver::Sdk, _) => Self::Sdk(SdkLine::open(&task)?),
        })
    }
}

impl Line for AnyLine {
    async fn send(&mut self, counter: u64, nanos: u64) -> io::Result<Result<u64, Vec<u8>>> {
        match self {
            Self::Http(line) => line.send(counter, nanos).await,
            Self::Ws(line) => line.send(counter, nanos).await,
            Self::Sdk(line) => line.send(counter, nanos).await,
        }
    }
}

/// A receiver's connection.
pub(crate) enum AnyReceiver {
    Lean(WebSocket),
    Sdk(SdkReceiver),
}

impl AnyReceiver {
    pub(crate) async fn open(address: SocketAddr, agent: Agent, driver: Driver) -> anyhow::Result<Self> {
        let opened = match driver {
            Driver::Lean => hello(address, &agent.key, r#"["ack"]"#).await.map(Self::Lean).map_err(Into::into),
            Driver::Sdk => SdkReceiver::open(address, &agent).await.map(Self::Sdk).map_err(anyhow::Error::from),
        };
        opened.with_context(|| format!("the socket of {}", agent.handle))
    }

    pub(crate) async fn run(self, books: Shared, receivers: usize, clock: Clock, window: Window) -> io::Result<()> {
        match self {
            Self::Lean(socket) => receiver::run(socket, books, receivers, clock, window).await,
            Self::Sdk(receiver) => receiver.run(books, receivers, clock, window).await,
        }
    }
}
