use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use agentchat_launch::Nats;

/// What a server says first.
fn greeting(address: SocketAddr) -> Option<String> {
    let mut line = String::new();
    BufReader::new(TcpStream::connect(address).ok()?).read_line(&mut line).ok()?;
    Some(line)
}

#[test]
fn a_killed_server_starts_again_at_the_same_address() {
    let nats = Nats::start_with(&["--auth", "token"]);
    for end in [Nats::kill, Nats::stop] {
        end(&nats);
        assert_eq!(greeting(nats.address()), None);
        nats.start_again();
        let said = greeting(nats.address()).expect("it is there");
        assert!(said.starts_with("INFO ") && said.contains(r#""auth_required":true"#), "{said}");
    }
    assert_eq!(nats.url(), format!("nats://{}", nats.address()));
}

#[test]
fn servers_do_not_share_an_address() {
    let (one, other) = (Nats::start(), Nats::start());
    assert_ne!(one.address(), other.address());
    let address = one.address();
    drop(one);
    assert_eq!(greeting(address), None);
    assert!(greeting(other.address()).is_some());
}

#[test]
fn a_server_ends_with_the_process_that_was_killed() {
    let (mut child, said) = crate::holder("nats::holds_a_server_until_it_is_killed");
    let address = said.parse().expect("an address");
    assert!(greeting(address).is_some());
    child.kill().expect("killed with -9");
    child.wait().expect("gone");
    let deadline = Instant::now() + Duration::from_secs(20);
    while greeting(address).is_some() {
        assert!(Instant::now() < deadline, "the server outlives its process");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends by itself when nobody holds the other end of its stdin.
#[test]
#[ignore = "run by a_server_ends_with_the_process_that_was_killed"]
#[expect(clippy::print_stdout, reason = "its parent reads it")]
fn holds_a_server_until_it_is_killed() {
    let nats = Nats::start();
    println!("holds {}", nats.address());
    let _ = std::io::stdin().read(&mut [0]);
}
