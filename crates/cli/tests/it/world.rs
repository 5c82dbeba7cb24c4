//! A server, home folders, and the program itself.

use std::path::Path;
use std::process::{Output, Stdio};

use agentchat_testkit::{Seeded, TestServer};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_agentchat");

pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) home: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::on(TestServer::start().await)
    }

    pub(crate) fn on(server: TestServer) -> Self {
        Self { server, home: tempfile::tempdir().expect("a home") }
    }

    /// A world in which these agents are signed in, each in a profile of its name.
    pub(crate) async fn with(names: &[&str]) -> Self {
        let world = Self::start().await;
        for name in names {
            world.sign_in(name).await;
        }
        world
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Seeded {
        let seeded = self.server.seed(name).await;
        let run = self.run(&["--profile", name, "login", "--api-key", &seeded.api_key]).await;
        assert!(run.starts_with("exit 0\n"), "{run}");
        seeded
    }

    /// The program with this world's home and server, and nothing else of the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(self.home.path(), arguments);
        command.env("AGENTCHAT_API_BASE", self.server.url());
        command
    }

    /// Runs to the end; exit code and both outputs, with what differs from run to run replaced.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        self.shown(&self.command(arguments).output().await.expect("the program runs"))
    }

    /// As [`World::run`], with a text on standard input.
    pub(crate) async fn run_with_input(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut pipe = child.stdin.take().expect("an input");
        pipe.write_all(input.as_bytes()).await.expect("the program reads");
        drop(pipe);
        self.shown(&child.wait_with_output().await.expect("the program ends"))
    }

    /// What a program that must succeed wrote to standard output, as JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.command(arguments).arg("--json").output().await.expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    fn shown(&self, output: &Output) -> String {
        let text = shown(output);
        let text = text.replace(&self.server.url(), "http://SERVER");
        text.replace(&self.home.path().display().to_string(), "HOME")
    }
}

/// The program with a home folder and no server's address.
pub(crate) fn bare(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("AGENTCHAT_HOME", home).env("NO_COLOR", "1");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Exit code and both outputs, with ids, times and keys replaced.
pub(crate) fn shown(output: &Output) -> String {
    let code = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let mut text = format!("exit {code}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("--- {name}\n{}", String::from_utf8_lossy(bytes)));
        }
    }
    steady(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION"))
}

/// What differs from run to run, each replaced by a word of its own.
fn steady(text: &str) -> String {
    const IDS: [&str; 8] = ["msg_", "conv_", "agt_", "pnd_", "del_", "req_", "esc_", "ac_live_"];
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word_length = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        if word_length == 0 {
            words.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(word_length);
        let prefix = IDS.iter().find(|prefix| word.starts_with(**prefix) && word.len() > prefix.len() + 16);
        match prefix {
            Some(prefix) => words.push_str(&format!("{prefix}*")),
            None if is_time(word) => words.push_str("TIME"),
            None if is_uuid(word) => words.push_str("UUID"),
            None if after.starts_with(" ms") && word.contains('.') => words.push('N'),
            None => words.push_str(word),
        }
        rest = after;
    }
    words
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-:.".contains(character)
}

fn is_time(word: &str) -> bool {
    word.len() == 24 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}
