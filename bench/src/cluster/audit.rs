//! After the traffic: everything is handed over and settled, and history is what the senders were told.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::book::Books;
use super::cast::Cast;
use crate::direct::scenario;
use crate::history::{self, Discrepancies};
use crate::process::Service;
use crate::report;
use crate::setup::{Agent, Caller};

/// How long what is still on its way may take.
const GRACE: Duration = Duration::from_secs(30);

/// Waits until every acknowledged message was handed over, then until all of them are settled at the server, after
/// which nothing can be handed over again; how many are not.
pub(crate) async fn settle(service: &Service, cast: &Cast, books: &Books) -> anyhow::Result<u64> {
    let deadline = Instant::now() + GRACE;
    while books.outstanding() > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(10)).await;
    }
    let receivers: Vec<Agent> = cast.receivers().into_iter().map(|index| cast.agents[index].clone()).collect();
    let unsettled = scenario::unsettled(service, &receivers).await?;
    if unsettled > 0 {
        show_unsettled(service, &receivers).await?;
    }
    Ok(unsettled)
}

/// Says what waits for whom, for whoever looks for the cause.
async fn show_unsettled(service: &Service, receivers: &[Agent]) -> anyhow::Result<()> {
    let mut caller = Caller::open(service.address(0)).await?;
    for agent in receivers {
        for row in caller.waiting(agent).await? {
            let Agent { handle, .. } = agent;
            report::talk(&format!("unsettled for {handle}: {row}"));
        }
    }
    Ok(())
}

/// Holds every conversation's history against what its senders were told.
pub(crate) async fn compare(service: &Service, cast: &Cast, books: &Books) -> anyhow::Result<Discrepancies> {
    let mut caller = Caller::open(service.address(0)).await?;
    let mut sum = Discrepancies::default();
    for (number, conversation) in cast.conversations.iter().enumerate() {
        let flows: Vec<usize> = (0..cast.flows.len()).filter(|&flow| cast.flows[flow].conversation == number).collect();
        let reader = &cast.agents[cast.flows[flows[0]].to];
        let rows = history::after(&mut caller, reader, &conversation.id, conversation.last_seq).await?;
        let rows: Vec<_> = rows.iter().map(|row| (history::seq(row), name(row))).collect();
        sum += history::compare(&acked(&flows, books), conversation.last_seq, &rows);
    }
    Ok(sum)
}

/// Flow and counter → `seq`.
fn acked(flows: &[usize], books: &Books) -> BTreeMap<(usize, u64), u64> {
    let of = |&flow: &usize| -> Vec<_> {
        books.of(flow).acked.iter().map(|(&counter, &seq)| ((flow, counter), seq)).collect()
    };
    flows.iter().flat_map(of).collect()
}

/// Flow and counter of a row, from its `client_msg_id`.
fn name(row: &serde_json::Value) -> Option<(usize, u64)> {
    let (flow, counter) = row["client_msg_id"].as_str()?.split_once('-')?;
    Some((flow.parse().ok()?, counter.parse().ok()?))
}
