//! wire.md §13, realtime.md §4 and §5: presence and typing.

mod audience;
mod nodes;
mod rules;
mod typing;

use agentchat_core::Error;
use agentchat_core::presence::{Announcements, Attend, Begin, Fade, SaidSo, SayPresence, ShowPresence};
use agentchat_protocol::presence::{Presence, PresenceRequest, PresenceStatus};

use crate::world::{Agent, World};

/// Two servers.
pub(super) const HERE: [u8; 16] = [1; 16];
pub(super) const THERE: [u8; 16] = [2; 16];
pub(super) const SECOND: i64 = 1_000;

pub(super) async fn begin(world: &World, life: [u8; 16]) {
    world.store.write_own(Begin { life, now: world.now() }).await.unwrap();
}

pub(super) async fn try_attend(world: &World, life: [u8; 16], agents: &[(&Agent, bool)]) -> Option<Announcements> {
    let agents = agents.iter().map(|(agent, here)| (agent.key, *here)).collect();
    world.store.write_own(Attend { life, agents, alone: false, now: world.now() }).await.unwrap()
}

/// What is told of it, one line an agent.
pub(super) async fn attend(world: &World, life: [u8; 16], agent: &Agent, here: bool) -> Vec<String> {
    begin(world, life).await;
    told(try_attend(world, life, &[(agent, here)]).await.expect("the life is not over"))
}

pub(super) async fn come(world: &World, agent: &Agent) -> Vec<String> {
    attend(world, HERE, agent, true).await
}

pub(super) async fn leave(world: &World, agent: &Agent) -> Vec<String> {
    attend(world, HERE, agent, false).await
}

pub(super) async fn say_all(world: &World, agent: &Agent, status: &str, message: &str) -> SaidSo {
    let request = PresenceRequest::of(status, Some(message)).unwrap();
    let operation = SayPresence { agent: agent.key, handle: agent.handle.clone(), request, now: world.now() };
    world.store.write(operation).await.unwrap()
}

pub(super) async fn say(world: &World, agent: &Agent, status: &str, message: &str) -> Vec<String> {
    told(say_all(world, agent, status, message).await.announcements)
}

pub(super) async fn fade(world: &World) -> Vec<String> {
    told(world.store.write_own(Fade { life: HERE, now: world.now() }).await.unwrap())
}

pub(super) fn told(announcements: Announcements) -> Vec<String> {
    let line = |changed: agentchat_protocol::presence::PresenceChanged| {
        format!("{} {} {}", changed.handle, changed.status, changed.custom_message.unwrap_or_default())
    };
    announcements.now.into_iter().map(|announcement| line(announcement.changed).trim_end().to_owned()).collect()
}

/// What `viewer` sees, at a server that has no connection of the agent.
pub(super) async fn try_look(world: &World, viewer: &Agent, agent: &Agent) -> Result<Presence, Error> {
    let handle = agent.handle.clone();
    let show = ShowPresence { viewer: viewer.key, handle, life: [9; 16], now: world.now() };
    Ok(world.store.read(show).await?.presence(false, world.now()))
}

/// What the agent sees of itself: status and message.
pub(super) async fn look(world: &World, agent: &Agent) -> (PresenceStatus, Option<String>) {
    let seen = try_look(world, agent, agent).await.unwrap();
    (seen.status, seen.custom_message)
}

pub(super) async fn last_seen(world: &World, agent: &Agent) -> Option<i64> {
    try_look(world, agent, agent).await.unwrap().last_seen.map(|at| at.as_millis())
}
