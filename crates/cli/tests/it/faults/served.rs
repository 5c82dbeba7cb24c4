//! A server process on a layer, and just enough HTTP to see statuses and headers.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::layer::Layer;
use crate::world::bare;

const OPERATOR: &str = "operator-token-0123456789abcdef-0123456789";

pub(super) struct Served {
    child: Child,
    address: SocketAddr,
    _home: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Served {
    /// Starts a server; `Err` holds what it said when it ended instead, and how.
    pub(super) async fn start(layer: &Layer) -> Result<Self, (ExitStatus, String)> {
        let home = tempfile::tempdir().expect("a home");
        let mut child = serve(&home, layer).spawn().expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, output.read_line(&mut line)).await.expect("a server in time").expect("a line");
        match line.trim_end().strip_prefix("listening on http://") {
            Some(address) => {
                let address = address.parse().expect("an address");
                Ok(Self { child, address, _home: home })
            }
            None => {
                let ended = child.wait_with_output().await.expect("an ended program");
                Err((ended.status, String::from_utf8_lossy(&ended.stderr).into_owned()))
            }
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        call(self.address, method, path, key, body).await
    }

    /// A new agent's API key.
    pub(super) async fn seed(&self, handle: &str) -> String {
        let body = json!({"handle": handle, "email": format!("{handle}@example.com")});
        let answer = self.call("POST", "/admin/agents", OPERATOR, &body).await;
        answer.body["api_key"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
    }

    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("a server to kill");
    }

    /// `SIGTERM`; how it ended.
    pub(super) async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("a running server");
        kill_process(id, Signal::TERM).expect("a signal");
        self.child.wait().await.expect("an ended server")
    }
}

fn serve(home: &TempDir, layer: &Layer) -> Command {
    let mut command = bare(home.path(), &["serve", "--listen", "127.0.0.1:0", "--log", "text", "--no-system-agent"]);
    command.args(["--admin-token", OPERATOR, "--data-dir"]).arg(layer.data());
    command.arg("--mail").arg(format!("file:{}", home.path().join("mail").display()));
    for policy in ["send", "api", "loop"] {
        command.arg("--limit").arg(format!("{policy}=100000/1"));
    }
    command.env("RUST_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::piped());
    layer.put_under(command.as_std_mut(), true);
    command
}

/// One request on a connection of its own.
pub(crate) async fn call(address: SocketAddr, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    call_with(address, method, path, &format!("authorization: Bearer {key}\r\n"), body).await
}

/// The same with these headers, each ended by a line break.
pub(super) async fn call_with(address: SocketAddr, method: &str, path: &str, headers: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}connection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.expect("a server that accepts");
    stream.write_all(request.as_bytes()).await.expect("a server that reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("a server that answers");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text:?}"));
    let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}
