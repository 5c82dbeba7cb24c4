//! HTTP/1.1 over one kept-alive connection: one request out, one answer in, bodies with a
//! `content-length` only.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{broken, closed, scan};

/// One kept-alive connection. Not cancel-safe: a dropped exchange leaves it unusable.
#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// An answer that still lies in the connection's buffer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The whole body.
    pub body: &'a [u8],
}

struct Head {
    status: u16,
    body_at: usize,
    total: usize,
}

impl HttpConnection {
    /// Connects without delay (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Whatever connecting fails with.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 4096], filled: 0 })
    }

    /// Writes `request` as it is and reads its answer.
    ///
    /// # Errors
    ///
    /// When the connection breaks or the answer is not HTTP/1.1 with a `content-length`.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            self.fill().await?;
            if let Some(head) = parse_head(&self.buffer[..self.filled])? {
                self.fill_to(head.total).await?;
                return Ok(Answer { status: head.status, body: &self.buffer[head.body_at..head.total] });
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => Err(closed()),
            count => {
                self.filled += count;
                Ok(())
            }
        }
    }

    async fn fill_to(&mut self, total: usize) -> io::Result<()> {
        if self.buffer.len() < total {
            self.buffer.resize(total, 0);
        }
        while self.filled < total {
            self.fill().await?;
        }
        Ok(())
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &bytes[..end];
    let status = head.get(9..12).and_then(scan::decimal).ok_or_else(|| broken("no status line"))?;
    let length = content_length(head).ok_or_else(|| broken("an answer without content-length"))?;
    let status = u16::try_from(status).map_err(|_| broken("no status line"))?;
    Ok(Some(Head { status, body_at: end + 4, total: end + 4 + length }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let found = memchr::memmem::find(head, NAME)
        .or_else(|| head.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME)))?;
    usize::try_from(scan::leading_decimal(&head[found + NAME.len()..])?).ok()
}

/// The bytes of one request with a JSON body (none for an empty `body`).
#[must_use]
pub fn request(method: &str, path: &str, host: SocketAddr, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_found_whatever_the_case_of_its_names() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\nx: y\r\n\r\nhello";
        let head = parse_head(bytes).unwrap().unwrap();
        assert_eq!((head.status, head.total - head.body_at), (201, 12));
    }

    #[test]
    fn half_a_head_is_not_an_answer() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap().is_none());
    }

    #[test]
    fn an_answer_without_length_is_refused() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
