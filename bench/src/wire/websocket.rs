//! WebSocket (RFC 6455), the client's side: masked text frames out, whole frames in, pings
//! answered, no extensions, no fragments.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{broken, closed};

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// One open socket. Frames to be sent gather until [`WebSocket::flush`].
#[derive(Debug)]
pub struct WebSocket {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    out: Vec<u8>,
    mask: u32,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A text frame: its place in the buffer, see [`WebSocket::text`]; good until the next call.
    Text(Range<usize>),
    /// The server's close frame.
    Close {
        /// The close code, 1005 when there was none.
        code: u16,
    },
}

struct Header {
    opcode: u8,
    payload: Range<usize>,
}

impl WebSocket {
    /// Connects and upgrades `/v1/ws`; the HELLO is the caller's.
    ///
    /// # Errors
    ///
    /// When connecting fails or the server answers otherwise than 101.
    pub async fn open(address: SocketAddr, buffer_bytes: usize) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket =
            Self { stream, buffer: vec![0; buffer_bytes], start: 0, end: 0, out: Vec::new(), mask: rand::random() };
        socket.read_upgrade().await?;
        Ok(socket)
    }

    async fn read_upgrade(&mut self) -> io::Result<()> {
        loop {
            let head = &self.buffer[..self.end];
            if let Some(at) = memchr::memmem::find(head, b"\r\n\r\n") {
                if !head.starts_with(b"HTTP/1.1 101") {
                    return Err(broken(&String::from_utf8_lossy(&head[..head.len().min(120)])));
                }
                self.start = at + 4;
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// The next text or close frame; pings are answered on the way.
    ///
    /// # Errors
    ///
    /// When the connection breaks or a frame is masked, fragmented or of an unknown kind.
    pub async fn next(&mut self) -> io::Result<Inbound> {
        loop {
            if let Some(inbound) = self.buffered()? {
                return Ok(inbound);
            }
            self.flush().await?;
            self.fill().await?;
        }
    }

    /// As [`WebSocket::next`], but only what was received already; none when that is nothing.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::next`].
    pub fn buffered(&mut self) -> io::Result<Option<Inbound>> {
        while let Some(header) = parse_header(&self.buffer[self.start..self.end])? {
            let payload = header.payload.start + self.start..header.payload.end + self.start;
            self.start = payload.end;
            match header.opcode {
                TEXT => return Ok(Some(Inbound::Text(payload))),
                CLOSE => {
                    return Ok(Some(Inbound::Close { code: close_code(&self.buffer[payload]) }));
                }
                PING => {
                    let echo = self.buffer[payload].to_vec();
                    self.push(PONG, &echo);
                }
                PONG => {}
                _ => return Err(broken("a frame of an unknown kind")),
            }
        }
        Ok(None)
    }

    /// The payload of a text frame that was just received.
    #[must_use]
    pub fn text(&self, range: &Range<usize>) -> &[u8] {
        &self.buffer[range.clone()]
    }

    /// Adds a text frame to what the next flush sends.
    pub fn push_text(&mut self, payload: &[u8]) {
        self.push(TEXT, payload);
    }

    /// Writes the gathered frames, if any.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    fn push(&mut self, opcode: u8, payload: &[u8]) {
        self.out.push(0x80 | opcode);
        match payload.len() {
            length @ 0..=125 => self.out.push(0x80 | length as u8),
            length @ 126..=0xFFFF => {
                self.out.push(0x80 | 126);
                self.out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.out.push(0x80 | 127);
                self.out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        self.mask = next_mask(self.mask);
        let mask = self.mask.to_ne_bytes();
        self.out.extend_from_slice(&mask);
        let at = self.out.len();
        self.out.extend_from_slice(payload);
        apply_mask(&mut self.out[at..], mask);
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.make_room();
        match self.stream.read(&mut self.buffer[self.end..]).await? {
            0 => Err(closed()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.buffer.len() {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }
}

fn parse_header(bytes: &[u8]) -> io::Result<Option<Header>> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    if first & 0xF0 != 0x80 || second & 0x80 != 0 {
        return Err(broken("a masked, fragmented or extended frame"));
    }
    let (at, length) = match (second, rest) {
        (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize),
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, usize::from(*length)),
    };
    let payload = at..at + length;
    Ok((payload.end <= bytes.len()).then_some(Header { opcode: first & 0x0F, payload }))
}

fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}

fn next_mask(mut state: u32) -> u32 {
    state = state.max(1);
    state ^= state << 13;
    state ^= state >> 17;
    state ^ (state << 5)
}

fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u32::from_ne_bytes(mask);
    let mut chunks = payload.chunks_exact_mut(4);
    for chunk in &mut chunks {
        let masked = u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) ^ word;
        chunk.copy_from_slice(&masked.to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_three_lengths_are_read() {
        let short = [0x81, 2, b'h', b'i'];
        assert_eq!(parse_header(&short).unwrap().unwrap().payload, 2..4);
        let mut middle = vec![0x81, 126, 0x01, 0x00];
        middle.resize(4 + 256, b'x');
        assert_eq!(parse_header(&middle).unwrap().unwrap().payload, 4..260);
        assert!(parse_header(&middle[..200]).unwrap().is_none());
        assert!(parse_header(&[0x81, 127, 0, 0]).unwrap().is_none());
    }

    #[test]
    fn masked_or_fragmented_frames_are_refused() {
        assert!(parse_header(&[0x81, 0x80]).is_err());
        assert!(parse_header(&[0x01, 0x00]).is_err());
    }

    #[test]
    fn masking_twice_gives_the_text_back() {
        let mut text = *b"seven b";
        apply_mask(&mut text, [1, 2, 3, 4]);
        assert_ne!(&text, b"seven b");
        apply_mask(&mut text, [1, 2, 3, 4]);
        assert_eq!(&text, b"seven b");
    }
}
