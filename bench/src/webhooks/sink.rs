//! What webhooks call: takes every call, notes which message it brought, and can go away for a while.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::wire::{broken, closed, scan};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const LENGTH: &[u8] = b"content-length: ";

/// What came in so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Messages, each once.
    pub(super) messages: HashSet<Vec<u8>>,
    /// Calls about messages that had come before.
    pub(super) duplicates: u64,
    /// When the first and the last new message came since [`Sink::begin`].
    pub(super) first: Option<Instant>,
    pub(super) last: Option<Instant>,
}

impl Calls {
    fn note(&mut self, message: &[u8], now: Instant) {
        if !self.messages.insert(message.to_vec()) {
            self.duplicates += 1;
            return;
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

/// A receiver at one address.
#[derive(Debug)]
pub(super) struct Sink {
    address: SocketAddr,
    calls: Arc<Mutex<Calls>>,
    open: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens on a free port.
    pub(super) async fn open() -> io::Result<Self> {
        let mut sink = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), calls: Arc::default(), open: None };
        sink.come_back().await?;
        Ok(sink)
    }

    /// Where it is called.
    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What came in so far.
    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }

    /// First and last are counted from now on.
    pub(super) fn begin(&self) {
        let mut calls = self.calls();
        (calls.first, calls.last) = (None, None);
    }

    /// Nobody answers at its address any more; open connections are cut.
    pub(super) async fn go_away(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            let _cancelled = open.await;
        }
    }

    /// Answers again where it did before.
    pub(super) async fn come_back(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        self.open = Some(tokio::spawn(listen(listener, Arc::clone(&self.calls))));
        Ok(())
    }
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its connections end with it.
async fn listen(listener: TcpListener, calls: Arc<Mutex<Calls>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer_all(stream, Arc::clone(&calls)));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer_all(mut stream: TcpStream, calls: Arc<Mutex<Calls>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0; 16 * 1024], 0);
    loop {
        let (body_at, end) = loop {
            if let Some(bounds) = bounds(&buffer[..filled])? {
                break bounds;
            }
            filled += read(&mut stream, &mut buffer, filled).await?;
        };
        while filled < end {
            filled += read(&mut stream, &mut buffer, filled).await?;
        }
        let message = scan::string(&buffer[body_at..end], b"\"data\":{\"id\":\"");
        lock(&calls).note(message.ok_or_else(|| broken("a call without a message"))?, Instant::now());
        stream.write_all(GOOD).await?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>, filled: usize) -> io::Result<usize> {
    if filled == buffer.len() {
        buffer.resize(filled * 2, 0);
    }
    match stream.read(&mut buffer[filled..]).await? {
        0 => Err(closed()),
        count => Ok(count),
    }
}

/// Where the first call's body begins and ends, once its head is there.
fn bounds(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let length = bytes[..head]
        .windows(LENGTH.len())
        .position(|window| window.eq_ignore_ascii_case(LENGTH))
        .and_then(|at| scan::leading_decimal(&bytes[at + LENGTH.len()..]))
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| broken("a call without content-length"))?;
    Ok(Some((head + 4, head + 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "POST /hook HTTP/1.1\r\nContent-Length: 34\r\n\r\n{\"event\":\"x\",\"data\":{\"id\":\"msg_A\"}}";

    #[test]
    fn a_body_is_found_behind_its_head() {
        let (from, to) = bounds(CALL.as_bytes()).unwrap().unwrap();
        assert_eq!(&CALL[from..from + 9], "{\"event\":");
        assert_eq!(to - from, 34);
        assert_eq!(bounds(b"POST / HTTP/1.1\r\ncontent-").unwrap(), None);
        assert!(bounds(b"POST / HTTP/1.1\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn messages_count_once_and_nobody_answers_while_it_is_away() {
        let mut sink = Sink::open().await.unwrap();
        let body = "{\"data\":{\"id\":\"msg_A\"}}";
        let call = format!("POST /hook HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(sink.address).await.unwrap();
        for _ in 0..2 {
            stream.write_all(call.as_bytes()).await.unwrap();
            let mut answer = vec![0; GOOD.len()];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, GOOD);
        }
        let counted = {
            let calls = sink.calls();
            (calls.messages.len(), calls.duplicates)
        };
        assert_eq!(counted, (1, 1));
        sink.go_away().await;
        assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
        assert!(TcpStream::connect(sink.address).await.is_err());
        sink.come_back().await.unwrap();
        TcpStream::connect(sink.address).await.unwrap();
    }
}
