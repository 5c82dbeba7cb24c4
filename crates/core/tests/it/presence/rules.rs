//! What counts, for how long, and when it is told.

use agentchat_core::presence::{PresenceDue, ShowPresence};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::presence::PresenceStatus::{Busy, Offline, Online};
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{HERE, SECOND, THERE, attend, come, fade, last_seen, leave, look, say, say_all, told, try_look};
use crate::world::{Change, World};

#[store_test]
async fn what_is_said_without_a_connection_fades_after_300_seconds(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(look(&world, &alice).await, (Offline, None));
    assert_eq!(last_seen(&world, &alice).await, None);
    assert_eq!(say(&world, &alice, "busy", "batch").await, ["alice busy batch"]);
    let said_at = world.now().as_millis();
    world.pass(300 * SECOND - 1);
    assert_eq!(look(&world, &alice).await, (Busy, Some("batch".into())));
    assert_eq!(fade(&world).await, [""; 0]);
    assert!(!world.store.read(PresenceDue { life: HERE, now: world.now() }).await.unwrap());
    world.pass(1);
    assert_eq!(look(&world, &alice).await, (Offline, None), "whether or not somebody has looked");
    assert!(world.store.read(PresenceDue { life: HERE, now: world.now() }).await.unwrap());
    assert_eq!(fade(&world).await, ["alice offline"]);
    assert_eq!(fade(&world).await, [""; 0], "told once");
    assert_eq!(last_seen(&world, &alice).await, Some(said_at));
    assert!(!world.store.read(PresenceDue { life: HERE, now: world.now() }).await.unwrap());
}

#[store_test]
async fn who_comes_is_online_and_who_goes_is_not(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(come(&world, &alice).await, ["alice online"]);
    assert_eq!(come(&world, &alice).await, [""; 0], "said twice");
    world.pass(200 * SECOND);
    assert_eq!(look(&world, &alice).await, (Online, None));
    assert_eq!(leave(&world, &alice).await, ["alice offline"]);
    assert_eq!(look(&world, &alice).await, (Offline, None));
    assert_eq!(last_seen(&world, &alice).await, Some(world.now().as_millis()));
}

#[store_test]
async fn what_was_said_before_counts_for_who_comes_in_time(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    for agent in [&alice, &bob] {
        say(&world, agent, "busy", "").await;
    }
    world.pass(299 * SECOND);
    assert_eq!(come(&world, &alice).await, [""; 0]);
    world.pass(SECOND);
    assert_eq!(come(&world, &bob).await, ["bob online"]);
    world.pass(200 * SECOND);
    assert_eq!(look(&world, &alice).await, (Busy, None), "as long as it is connected");
}

#[store_test]
async fn what_was_said_is_hidden_by_leaving_and_restored_by_coming_back(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    come(&world, &alice).await;
    world.pass(10 * SECOND);
    assert_eq!(say(&world, &alice, "busy", "batch").await, ["alice busy batch"]);
    world.pass(250 * SECOND);
    assert_eq!(leave(&world, &alice).await, ["alice offline"]);
    assert_eq!(look(&world, &alice).await, (Offline, None));
    world.pass(299 * SECOND);
    assert_eq!(fade(&world).await, [""; 0]);
    assert_eq!(come(&world, &alice).await, ["alice busy batch"]);
    world.pass(10 * SECOND);
    leave(&world, &alice).await;
    world.pass(300 * SECOND);
    assert_eq!(fade(&world).await, [""; 0], "nothing is seen of that");
    assert_eq!(come(&world, &alice).await, ["alice online"]);
}

#[store_test]
async fn what_is_said_after_leaving_is_seen(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    come(&world, &alice).await;
    world.pass(10 * SECOND);
    leave(&world, &alice).await;
    world.pass(10 * SECOND);
    assert_eq!(say(&world, &alice, "online", "by webhook").await, ["alice online by webhook"]);
    assert_eq!(look(&world, &alice).await, (Online, Some("by webhook".into())));
}

#[store_test]
async fn offline_is_kept_while_connected(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    come(&world, &alice).await;
    world.pass(3 * SECOND);
    assert_eq!(say(&world, &alice, "offline", "").await, ["alice offline"]);
    assert_eq!(attend(&world, THERE, &alice, true).await, [""; 0], "another connection changes nothing");
    world.pass(290 * SECOND);
    assert_eq!(look(&world, &alice).await, (Offline, None));
    assert_eq!(say(&world, &alice, "online", "").await, ["alice online"]);
}

#[store_test]
async fn a_subject_is_told_once_in_two_seconds_and_the_last_wins(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(say(&world, &alice, "online", "1").await, ["alice online 1"]);
    world.pass(SECOND);
    let second = say_all(&world, &alice, "online", "2").await;
    assert_eq!(second.presence.custom_message.as_deref(), Some("2"));
    assert_eq!(second.announcements.again_at, Some(world.now().plus_millis(SECOND)));
    assert_eq!(told(second.announcements), [""; 0]);
    assert_eq!(say(&world, &alice, "busy", "3").await, [""; 0]);
    assert_eq!(look(&world, &alice).await, (Busy, Some("3".into())), "who asks is answered at once");
    world.pass(SECOND - 1);
    assert_eq!(fade(&world).await, [""; 0]);
    world.pass(1);
    assert_eq!(fade(&world).await, ["alice busy 3"]);
    assert_eq!(say(&world, &alice, "busy", "3").await, [""; 0], "no change");
    world.pass(SECOND);
    assert_eq!(say(&world, &alice, "busy", "4").await, [""; 0]);
    assert_eq!(say(&world, &alice, "busy", "3").await, [""; 0]);
    world.pass(SECOND);
    assert_eq!(fade(&world).await, [""; 0], "back at what was told");
    world.pass(300 * SECOND);
    assert_eq!(fade(&world).await, ["alice offline"], "and it fades as ever");
}

#[store_test]
async fn one_who_comes_and_goes_within_the_window_is_told_of_at_its_end(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    assert_eq!(come(&world, &alice).await, ["alice online"]);
    world.pass(SECOND);
    assert_eq!(leave(&world, &alice).await, [""; 0]);
    world.pass(SECOND);
    assert_eq!(fade(&world).await, ["alice offline"]);
}

#[store_test]
async fn a_server_knows_its_own_connections_before_they_are_written_down(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let at = async |is_here: bool| {
        let show = ShowPresence { viewer: alice.key, handle: alice.handle.clone(), life: HERE, now: world.now() };
        let seen = world.store.read(show).await.unwrap().presence(is_here, world.now());
        (seen.status, seen.custom_message, seen.last_seen.map(|at| world.now().millis_since(at)))
    };
    assert_eq!(at(false).await, (Offline, None, None));
    assert_eq!(at(true).await, (Online, None, Some(0)));
    say(&world, &alice, "busy", "x").await;
    assert_eq!(at(true).await, (Busy, Some("x".into()), Some(0)));
    world.pass(300 * SECOND);
    assert_eq!(at(true).await, (Online, None, Some(0)), "it had faded");
    say(&world, &alice, "busy", "x").await;
    come(&world, &alice).await;
    world.pass(100 * SECOND);
    assert_eq!(at(false).await, (Offline, None, Some(0)), "it has just left");
    assert_eq!(at(true).await, (Busy, Some("x".into()), Some(100 * SECOND)));
}

#[store_test]
async fn accounts_that_are_not_open_are_not_there(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.change(Change::Contact(bob.clone(), alice.clone())).await;
    say(&world, &alice, "busy", "secret").await;
    assert_eq!(try_look(&world, &bob, &alice).await.unwrap().status, Busy);
    world.change(Change::Status(alice.clone(), AgentStatus::Suspended)).await;
    assert!(try_look(&world, &bob, &alice).await.is_err());
    world.pass(300 * SECOND);
    assert_eq!(fade(&world).await, ["alice offline"]);
}
