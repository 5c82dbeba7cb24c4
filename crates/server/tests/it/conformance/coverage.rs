//! Nothing is left out: every route the server serves has a ladder, every ladder a route, every error code of errors.md
//! is provoked, and every row of the contract is shown by tests that exist.

use std::collections::BTreeSet;

use agentchat_protocol::error::ErrorCode;
use agentchat_server::Policy;

use super::contract::{Listed, is_a_test, rows};
use super::ladder::{Ladder, Step, anonymous};
use crate::client::TestServer;

/// Routes whose rows cannot be climbed, and where they are proved.
const ELSEWHERE: &[(&str, &str)] = &[("GET /v1/ws", "realtime: handshakes and closes")];

/// What may wait beside section 20 itself: rows about owners and what they see of their agents.
const OF_OWNERS: [(&str, &str); 8] = [
    ("wire 1.8", "owner"),
    ("wire 1.10", "dashboard: an agent of others"),
    ("wire 1.13", "owner_otp, owner_verify, owner_refresh, owner_claim"),
    ("errors", "OWNER_NOT_FOUND"),
    ("errors", "INVALID_API_KEY"),
    ("errors", "CLAIM_NOT_FOUND"),
    ("errors", "ALREADY_CLAIMED"),
    ("errors", "TOO_MANY_CLAIMS"),
];

/// `GET /v1/agents/{}` of everything in the server's own OpenAPI document.
async fn served() -> BTreeSet<String> {
    let server = TestServer::start().await;
    let document = server.get("/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap_or_else(|| panic!("no paths: {document}"));
    let routes = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flat_map(|methods| methods.keys());
        methods.map(move |method| format!("{} {}", method.to_uppercase(), anonymous(path)))
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_has_a_ladder_and_every_ladder_a_route() {
    let elsewhere = ELSEWHERE.iter().map(|(route, _)| (*route).to_owned());
    let laddered: BTreeSet<String> = super::all().iter().map(|ladder| ladder.route()).chain(elsewhere).collect();
    let served = served().await;
    assert_eq!(served.difference(&laddered).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a ladder");
    assert_eq!(laddered.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new(), "ladders without a route");
}

/// The codes that a ladder provokes, those of the policies before its rungs included.
fn provoked(ladder: &Ladder) -> impl Iterator<Item = ErrorCode> {
    let limited = (!ladder.policies.is_empty()).then_some(ErrorCode::RateLimited);
    let rungs = ladder.steps.iter().filter_map(|step| match step {
        Step::Refused(refused) => Some(refused.code),
        _ => None,
    });
    rungs.chain(limited)
}

#[test]
fn every_code_is_listed_and_provoked() {
    let ladders = super::all();
    let proved: Vec<ErrorCode> = ladders.iter().flat_map(provoked).collect();
    let rows: Vec<Listed> = rows().into_iter().filter(|row| row.section == "errors").collect();
    for code in ErrorCode::ALL {
        let row = rows.iter().find(|row| row.name == code.as_str());
        let entry = &row.unwrap_or_else(|| panic!("{code} is not listed")).entry;
        assert!(entry.status.contains(&code.status()), "{code} is {:?}", entry.status);
        let is_provoked = proved.contains(code) || !entry.tests.is_empty();
        assert_ne!(is_provoked, entry.unbuilt.is_some(), "{code} is provoked, or it waits");
    }
    assert_eq!(rows.len(), ErrorCode::ALL.len(), "a code is listed that is none");
}

/// A row is shown by tests that exist, or by the ladders of its routes, or it waits and says why.
#[test]
fn every_row_is_shown() {
    let ladders = super::all();
    let mut complaints = Vec::new();
    for row in rows() {
        let (what, entry) = (format!("{}: {}", row.section, row.name), &row.entry);
        let named = entry.tests.iter().chain(entry.elsewhere.values());
        complaints.extend(named.filter(|test| !is_a_test(test)).map(|test| format!("{what}: no {test}")));
        let may_wait = row.section.starts_with("wire 20.") || OF_OWNERS.contains(&(&row.section, &row.name));
        if entry.unbuilt.is_some() {
            complaints.extend((!may_wait).then(|| format!("{what} may not wait")));
            complaints.extend((!entry.tests.is_empty()).then(|| format!("{what} is shown and need not wait")));
            continue;
        }
        let unclimbed = row.routes().filter(|route| of_route(&ladders, route).next().is_none());
        complaints.extend(unclimbed.map(|route| format!("{what}: {route} has no ladder")));
        let is_shown = !entry.tests.is_empty() || row.routes().next().is_some() || row.section == "errors";
        complaints.extend((!is_shown).then(|| format!("{what} is shown by nothing")));
        complaints.extend(unprovoked(&row, &ladders).map(|code| format!("{what}: no rung provokes {code}")));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn of_route<'a>(ladders: &'a [Ladder], route: &str) -> impl Iterator<Item = &'a Ladder> {
    let route = anonymous(route);
    ladders.iter().filter(move |ladder| ladder.route() == route)
}

/// Codes of a row that is named by routes which the ladders of these routes leave out.
fn unprovoked(row: &Listed, ladders: &[Ladder]) -> impl Iterator<Item = ErrorCode> {
    let ladders = row.routes().flat_map(|route| of_route(ladders, route));
    let proved: Vec<ErrorCode> = ladders.flat_map(provoked).collect();
    let wanted: Vec<ErrorCode> = if row.routes().next().is_some() { row.entry.errors().collect() } else { Vec::new() };
    wanted.into_iter().filter(move |code| !proved.contains(code) && !row.entry.elsewhere.contains_key(code.as_str()))
}

/// As the chore writes them, and each once.
#[test]
fn every_row_has_its_fingerprint() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        let text = row.entry.text.clone();
        assert!(text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}: {text}", row.name);
        assert!(seen.insert((row.section, text)), "{} has the fingerprint of another row", row.name);
    }
}

/// Policies beside the table of wire.md §1.13, where they stand, and their rates.
const BESIDE: [(Policy, &str); 2] = [(Policy::SendSystem, "200/1"), (Policy::SystemKey, "10/3600")];

/// wire.md §1.13, and nothing beside it but what is named above.
#[test]
fn every_policy_has_its_rate() {
    let rows = rows();
    let rows = rows.iter().filter(|row| row.section == "wire 1.13");
    let listed = rows.flat_map(|row| row.name.split(", ").zip(row.entry.rates()));
    let listed: BTreeSet<String> = listed.map(|(name, rate)| format!("{name} {rate}")).collect();
    let ours = Policy::ALL.iter().filter(|policy| BESIDE.iter().all(|(beside, _)| beside != *policy));
    let ours: BTreeSet<String> = ours.map(|policy| format!("{} {}", policy.name(), policy.default_rate())).collect();
    assert_eq!(ours, listed);
    for (policy, rate) in BESIDE {
        assert_eq!(policy.default_rate().to_string(), rate);
    }
}
