//! Several servers have connections, and some die.

use agentchat_core::presence::{Announcements, Bury, Renew};
use agentchat_protocol::presence::PresenceStatus::{Busy, Offline, Online};
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{HERE, SECOND, THERE, attend, begin, fade, last_seen, look, say, told, try_attend};
use crate::world::{Agent, World};

async fn renew(world: &World, life: [u8; 16]) -> bool {
    world.store.write_own(Renew { life, now: world.now() }).await.unwrap()
}

/// Everything there is to bury.
async fn bury(world: &World) -> Vec<String> {
    let mut all = Announcements { more: true, ..Announcements::default() };
    while all.more {
        let next = world.store.write_own(Bury { life: [9; 16], now: world.now() }).await.unwrap();
        all.more = next.more;
        all.now.extend(next.now);
    }
    told(all)
}

#[store_test]
async fn the_last_connection_of_all_counts(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(attend(&world, HERE, &alice, true).await, ["alice online"]);
    assert_eq!(attend(&world, THERE, &alice, true).await, [""; 0]);
    world.pass(10 * SECOND);
    assert_eq!(attend(&world, HERE, &alice, false).await, [""; 0]);
    assert_eq!(look(&world, &alice).await, (Online, None));
    world.pass(10 * SECOND);
    assert_eq!(attend(&world, THERE, &alice, false).await, ["alice offline"]);
}

#[store_test]
async fn a_server_renews_all_it_has_by_one_row(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    begin(&world, HERE).await;
    let came = try_attend(&world, HERE, &[(&bob, true), (&alice, true)]).await.unwrap();
    assert_eq!(told(came), ["alice online", "bob online"]);
    say(&world, &bob, "busy", "long").await;
    for _ in 0..20 {
        world.pass(60 * SECOND);
        assert!(renew(&world, HERE).await);
        assert_eq!(bury(&world).await, [""; 0]);
        fade(&world).await;
    }
    assert_eq!(look(&world, &alice).await, (Online, None));
    assert_eq!(look(&world, &bob).await, (Busy, Some("long".into())));
    world.pass(59 * SECOND);
    assert_eq!(last_seen(&world, &alice).await, Some(world.now().as_millis() - 59 * SECOND));
}

#[store_test]
async fn the_agents_of_a_server_that_died_fade(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    attend(&world, THERE, &alice, true).await;
    attend(&world, THERE, &bob, true).await;
    attend(&world, HERE, &bob, true).await;
    say(&world, &alice, "busy", "batch").await;
    world.pass(100 * SECOND);
    assert!(renew(&world, THERE).await);
    let renewed = world.now().as_millis();
    world.pass(200 * SECOND);
    assert!(renew(&world, HERE).await);
    assert_eq!(look(&world, &alice).await, (Busy, Some("batch".into())));
    world.pass(99 * SECOND);
    assert_eq!(bury(&world).await, [""; 0]);
    world.pass(SECOND);
    assert_eq!(look(&world, &alice).await, (Offline, None), "before it is buried");
    assert_eq!(bury(&world).await, ["alice offline"]);
    assert_eq!(bury(&world).await, [""; 0]);
    assert_eq!(look(&world, &bob).await, (Online, None), "it is elsewhere, too");
    assert_eq!(last_seen(&world, &alice).await, Some(renewed));
    world.pass(2 * SECOND);
    assert_eq!(attend(&world, HERE, &alice, true).await, ["alice online"], "what it said is over");
}

#[store_test]
async fn a_server_that_was_only_away_begins_another_life(engine: Engine) {
    let world = World::new(engine).await;
    let agents: Vec<Agent> = {
        let mut agents = Vec::new();
        for number in 0..300 {
            agents.push(world.agent(&format!("agent-{number}")).await);
        }
        agents
    };
    begin(&world, THERE).await;
    for chunk in agents.chunks(100) {
        let all: Vec<_> = chunk.iter().map(|agent| (agent, true)).collect();
        try_attend(&world, THERE, &all).await.unwrap();
    }
    world.pass(300 * SECOND);
    // The first chunk is buried when it comes back: it must not go on with the rest.
    let first = world.store.write_own(Bury { life: [9; 16], now: world.now() }).await.unwrap();
    assert!(first.more && first.now.len() < 300, "{}", first.now.len());
    assert!(!renew(&world, THERE).await);
    assert_eq!(try_attend(&world, THERE, &[(&agents[0], true)]).await, None);
    assert_eq!(first.now.len() + bury(&world).await.len(), 300);
    assert!(!renew(&world, THERE).await, "nor when nothing is left of it");
    assert_eq!(try_attend(&world, THERE, &[(&agents[0], true)]).await, None);
    begin(&world, HERE).await;
    let again = try_attend(&world, HERE, &[(&agents[0], true)]).await.unwrap();
    assert_eq!(told(again), [""; 0], "told a moment ago");
    world.pass(2 * SECOND);
    assert_eq!(fade(&world).await, ["agent-0 online"]);
}

#[store_test]
async fn a_server_that_is_alone_leaves_nothing_of_its_last_run(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let attend = async |life: [u8; 16], here: bool| {
        begin(&world, life).await;
        let agents = vec![(alice.key, here)];
        let operation = agentchat_core::presence::Attend { life, agents, alone: true, now: world.now() };
        told(world.store.write_own(operation).await.unwrap().unwrap())
    };
    assert_eq!(attend(HERE, true).await, ["alice online"]);
    world.pass(5 * SECOND);
    assert_eq!(attend(THERE, true).await, [""; 0], "after a crash");
    assert_eq!(attend(THERE, false).await, ["alice offline"]);
    assert_eq!(look(&world, &alice).await, (Offline, None));
}

#[store_test]
async fn servers_write_down_the_same_agents_at_once(engine: Engine) {
    let world = World::new(engine).await;
    let mut agents = Vec::new();
    for number in 0..40 {
        agents.push(world.agent(&format!("agent-{number}")).await);
    }
    let forth: Vec<_> = agents.iter().map(|agent| (agent, true)).collect();
    let back: Vec<_> = agents.iter().rev().map(|agent| (agent, true)).collect();
    let mut told = 0;
    for round in 0..10 {
        let lives = [[round * 2 + 10; 16], [round * 2 + 11; 16]];
        for life in lives {
            begin(&world, life).await;
        }
        let (one, other) = tokio::join!(try_attend(&world, lives[0], &forth), try_attend(&world, lives[1], &back));
        told += one.unwrap().now.len() + other.unwrap().now.len();
        world.pass(10 * SECOND);
    }
    assert_eq!(told, 40, "each once");
}
