use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use agentchat_launch::{Postgres, PostgresSettings};

fn answers(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_server_that_was_killed_or_stopped_starts_again_with_its_data() {
    let postgres = Postgres::start(PostgresSettings::default());
    postgres.create("one");
    postgres.psql("one", "CREATE TABLE kept (number integer); INSERT INTO kept VALUES (1)");
    for end in [Postgres::kill, Postgres::stop] {
        end(&postgres);
        assert!(!answers(postgres.port()));
        postgres.start_again();
        assert_eq!(postgres.psql("one", "SELECT number FROM kept"), "1\n");
    }
    postgres.create_from("two", "one");
    assert_eq!(postgres.psql("two", "SELECT count(*) FROM kept"), "1\n");
    postgres.remove("two");
    assert_eq!(postgres.psql("one", "SELECT count(*) FROM pg_database WHERE datname = 'two'"), "0\n");
}

#[test]
fn no_session_outlives_a_kill() {
    let postgres = Postgres::start(PostgresSettings::default());
    let mut connected = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], postgres.port()))).expect("a connection");
    // The answer of a session that was started for it: there is no encryption.
    connected.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).expect("asked for encryption");
    connected.read_exact(&mut [0]).expect("an answer");
    postgres.kill();
    connected.set_nonblocking(true).expect("set");
    assert_ne!(connected.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "it is closed");
}

#[test]
fn settings_decide_what_a_commit_is_worth() {
    let fast = Postgres::start(PostgresSettings::default());
    assert_eq!(fast.psql("postgres", "SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes"), "off\non\noff\n");
    let settings = vec![("max_connections".to_owned(), "17".to_owned())];
    let folder = Some(std::env::temp_dir());
    let durable = Postgres::start(PostgresSettings { folder, durable: true, settings });
    assert!(durable.folder().starts_with(std::env::temp_dir()));
    assert_eq!(durable.psql("postgres", "SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes"), "on\non\non\n");
    assert_eq!(durable.psql("postgres", "SHOW max_connections"), "17\n");
}

#[test]
fn a_dropped_server_is_gone_with_its_folder() {
    let postgres = Postgres::start(PostgresSettings::default());
    let (folder, port) = (postgres.folder().to_owned(), postgres.port());
    assert!(folder.exists() && answers(port));
    drop(postgres);
    assert!(!folder.exists() && !answers(port));
}

#[test]
fn a_server_ends_with_the_process_that_was_killed() {
    let (mut child, said) = crate::holder("postgres::holds_a_server_until_it_is_killed");
    let (port, folder) = said.split_once(' ').expect("a port and a folder");
    let (port, folder) = (port.parse().expect("a port"), Path::new(folder));
    assert!(answers(port) && folder.exists());
    child.kill().expect("killed with -9");
    child.wait().expect("gone");
    until("the server is gone", || !answers(port));
    until("the folder is gone", || !folder.exists());
}

/// Ends by itself when nobody holds the other end of its stdin.
#[test]
#[ignore = "run by a_server_ends_with_the_process_that_was_killed"]
#[expect(clippy::print_stdout, reason = "its parent reads it")]
fn holds_a_server_until_it_is_killed() {
    let postgres = Postgres::shared();
    println!("holds {} {}", postgres.port(), postgres.folder().display());
    let _ = std::io::stdin().read(&mut [0]);
}
