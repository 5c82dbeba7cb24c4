//! The attribute at work.

use std::collections::BTreeSet;
use std::process::Command;

use agentchat_launch::TestStore;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

#[store_test]
async fn a_test_gets_the_engine_of_its_name(engine: Engine) {
    let name = std::thread::current().name().map(str::to_owned).expect("the harness names its threads");
    let expected = if name.ends_with("::postgres") { Engine::Postgres } else { Engine::Sqlite };
    let place = TestStore::open(engine).await;
    assert_eq!((engine, place.store.engine()), (expected, expected));
    assert_eq!(place.url().is_some(), engine == Engine::Postgres);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_are_those_of_tokio(_engine: Engine) {
    assert_eq!(tokio::runtime::Handle::current().metrics().num_workers(), 2);
}

/// Nothing would show otherwise that an engine was left out.
#[test]
fn every_test_is_made_for_both_engines() {
    let listed = Command::new(std::env::current_exe().expect("this program")).arg("--list").output().expect("a list");
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    let tests: BTreeSet<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let expected = [
        "a_test_gets_the_engine_of_its_name::postgres",
        "a_test_gets_the_engine_of_its_name::sqlite",
        "arguments_are_those_of_tokio::postgres",
        "arguments_are_those_of_tokio::sqlite",
        "every_test_is_made_for_both_engines",
    ];
    assert_eq!(tests, BTreeSet::from(expected));
}
