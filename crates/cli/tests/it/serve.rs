//! serve: one line when ready, one server a folder, a clean end.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::world::bare;

fn serve(home: &Path, data: &Path) -> Command {
    let mut command = bare(home, &["serve", "--listen", "127.0.0.1:0", "--log", "text"]);
    command.arg("--data-dir").arg(data).env("RUST_LOG", "error");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The line that says where it listens, and the rest of the output.
async fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, output.read_line(&mut line)).await.expect("the server is ready").unwrap();
    (line, output)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().unwrap() as i32).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_well_at_a_signal() {
    for end in [Signal::TERM, Signal::INT] {
        let home = tempfile::tempdir().unwrap();
        let mut child = serve(home.path(), &home.path().join("data")).spawn().unwrap();
        let (line, mut output) = first_line(&mut child).await;
        let address = line.trim_end().strip_prefix("listening on http://127.0.0.1:").expect("one line");
        let port: u16 = address.parse().expect("a port");
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok(), "it accepts when it says so");
        signal(&child, end);
        let mut more = String::new();
        output.read_to_string(&mut more).await.unwrap();
        assert_eq!(more, "", "one line and no more");
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut first = serve(home.path(), &data).spawn().unwrap();
    first_line(&mut first).await;
    let second = serve(home.path(), &data).output().await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(second.stdout, b"");
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(text.contains("error: ") && text.contains(&data.display().to_string()), "{text}");
    assert!(text.contains("in use"), "{text}");
}

#[tokio::test]
async fn wrong_options_are_named() {
    let home = tempfile::tempdir().unwrap();
    let output = bare(home.path(), &["serve"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--data-dir"), "{text}");
}
