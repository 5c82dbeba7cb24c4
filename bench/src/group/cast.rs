//! A group, its sender and its members, everything said so far settled.

use anyhow::Context;
use serde_json::{Value, json};

use crate::process::Service;
use crate::setup::{self, Agent, Caller};

/// Who takes part.
pub(crate) struct Cast {
    pub(crate) sender: Agent,
    pub(crate) members: Vec<Agent>,
    /// The group's id.
    pub(crate) group: String,
    /// The seq of the last message so far.
    pub(crate) last_seq: u64,
}

impl Cast {
    /// Makes a group of `count` members and a sender.
    pub(crate) async fn of(service: &Service, count: usize) -> anyhow::Result<Self> {
        let sender = setup::seed(service, "speaker", 1).await?.remove(0);
        let members = setup::seed(service, "member", count).await?;
        let address = service.address(0);
        let mut caller = Caller::open(address).await?;
        let handles: Vec<&str> = members.iter().map(|member| member.handle.as_str()).collect();
        let body = json!({ "name": "everybody", "member_handles": handles });
        let made = caller.call("POST", "/v1/groups", &sender.key, &body).await?;
        let group = made["group"]["id"].as_str().context("a group without id")?.to_owned();
        for member in &members {
            accept(&mut caller, member).await?;
        }
        setup::all(
            members.clone(),
            move |member: Agent| async move { Caller::open(address).await?.drain(&member).await },
        )
        .await?;
        caller.drain(&sender).await?;
        let path = format!("/v1/messages/{group}?limit=1");
        let newest = caller.call("GET", &path, &sender.key, &Value::Null).await?;
        let last_seq = newest[0]["seq"].as_u64().unwrap_or(0);
        Ok(Self { sender, members, group, last_seq })
    }
}

async fn accept(caller: &mut Caller, member: &Agent) -> anyhow::Result<()> {
    let invites = caller.call("GET", "/v1/groups/invites", &member.key, &Value::Null).await?;
    let id = invites[0]["id"].as_str().with_context(|| format!("{} is not invited", member.handle))?;
    caller.call("POST", &format!("/v1/groups/invites/{id}/accept"), &member.key, &Value::Null).await?;
    Ok(())
}
