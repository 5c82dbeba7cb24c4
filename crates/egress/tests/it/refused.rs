//! What is not called: every way around the guard that we know of.

use std::sync::Arc;

use agentchat_egress::{CallError, Client, Guard};
use http::HeaderMap;
use rustls::RootCertStore;

use crate::names::Names;
use crate::receiver::{GOOD, Receiver};

fn client(names: &Arc<Names>) -> Client {
    Client::with(Guard::Public, Arc::clone(names) as _, RootCertStore::empty()).unwrap()
}

async fn refusal(names: &Arc<Names>, url: &str) -> CallError {
    match client(names).post(url, HeaderMap::new(), "{}".into()).await {
        Err(error) => error,
        Ok(status) => panic!("{url} was called: {status}"),
    }
}

#[tokio::test]
async fn a_name_that_stands_for_an_address_that_is_not_public_is_not_called() {
    for address in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        // IPv4 in other clothes: mapped, compatible, NAT64, 6to4, Teredo (its server, then its client).
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:7f00:1::",
        "2001:0:808:808:0:0:80ff:fffe",
    ] {
        let names = Names::stand_for(&[&[address]]);
        let error = refusal(&names, "https://hooks.test/in").await;
        assert!(matches!(error, CallError::NotAllowed), "{address}: {error}");
        assert_eq!(error.to_string(), "address not allowed");
        assert_eq!(names.asked(), ["hooks.test"]);
    }
}

#[tokio::test]
async fn one_such_address_among_several_is_enough() {
    let receiver = Receiver::plain(GOOD).await;
    let url = format!("https://hooks.test:{}/", receiver.address.port());
    for answer in [["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["2606:4700::1111", "::ffff:10.0.0.1"]] {
        let error = refusal(&Names::stand_for(&[&answer]), &url).await;
        assert!(matches!(error, CallError::NotAllowed), "{answer:?}: {error}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_for_this_machine_is_not_called_under_any_spelling() {
    let receiver = Receiver::plain(GOOD).await;
    for host in ["localhost", "localhost.", "LOCALHOST", "a.localhost", "127-0-0-1.test"] {
        let url = format!("https://{host}:{}/", receiver.address.port());
        let error = refusal(&Names::stand_for(&[&["127.0.0.1", "::1"]]), &url).await;
        assert!(matches!(error, CallError::NotAllowed), "{host}: {error}");
    }
    assert_eq!(receiver.connections(), 0);
}

/// No resolver is asked for literal addresses, so it cannot be what refuses them.
#[tokio::test]
async fn literal_addresses_are_looked_at_however_they_are_spelled() {
    let receiver = Receiver::plain(GOOD).await;
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        // As resolvers of operating systems take them.
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.0x1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0",
        "1.1.1.1.127",
    ] {
        let names = Names::stand_for(&[&["1.1.1.1"]]);
        let error = refusal(&names, &format!("https://{host}:{port}/")).await;
        assert!(matches!(error, CallError::NotAllowed | CallError::Url(_)), "{host}: {error}");
        assert_eq!(names.asked(), Vec::<String>::new(), "{host}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn what_a_url_may_not_say_is_looked_at_again_at_each_call() {
    for url in [
        "http://hooks.test/",
        "ftp://hooks.test/",
        "hooks.test",
        "//hooks.test/",
        "https://hooks.test:80/",
        "https://hooks.test:22/",
        "https://hooks.test:0/",
        "https://user@hooks.test/",
        "https://user:password@hooks.test/",
        "https://hooks.test@127.0.0.1/",
        "https://hooks.test:443@127.0.0.1/",
        "https://hooks.test/#@127.0.0.1/",
        "https://hooks.test\\@127.0.0.1/",
        "https:///path",
        "",
    ] {
        let names = Names::stand_for(&[&["1.1.1.1"]]);
        let error = refusal(&names, url).await;
        assert!(matches!(error, CallError::Url(_)), "{url}: {error}");
        assert_eq!(names.asked(), Vec::<String>::new(), "{url}");
    }
}

#[tokio::test]
async fn a_name_that_stands_for_nothing_is_an_error() {
    let error = refusal(&Names::stand_for(&[]), "https://hooks.test/").await;
    assert_eq!(error.to_string(), "the host name cannot be resolved");
    let error = refusal(&Names::stand_for(&[&[]]), "https://hooks.test/").await;
    assert_eq!(error.to_string(), "the host name cannot be resolved");
}
