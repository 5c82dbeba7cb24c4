//! The add rule, step by step; the quota; what a new group says of those it could not invite.

use agentchat_core::Refusal;
use agentchat_core::groups::{InviteRules, RejectInvite};
use agentchat_core::limits::Bucket;
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::group::AddOutcome;
use agentchat_protocol::id::ConversationId;
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, StoreError, Tx, Write};
use agentchat_store_test::store_test;
use serde_json::json;

use super::RULES;
use crate::world::{Agent, Change, World, code, refusal};

/// Lets an agent take invitations from its contacts alone.
struct Choosy(AgentKey);

impl Write for Choosy {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let mut row = tx.agent(self.0).await?.expect("the agent");
        row.settings.group_invite_policy = agentchat_protocol::agent::GroupInvitePolicy::ContactsOnly;
        tx.update_agent(&row).await
    }
}

/// So many invitations at once, and one a minute.
fn quota(agent: &Agent, many: i64) -> InviteRules {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&agent.key.0.to_be_bytes());
    let refusal = Refusal { policy: "group_invite", limit: many as u64, window_s: 60, retry_after_ms: 0 };
    let bucket = Bucket { policy: 11, key, interval_us: 60_000_000, window_us: 60_000_000 * many, refusal };
    InviteRules { quota: Some(bucket), ..RULES }
}

#[store_test]
async fn an_invitation_is_pending_until_it_is_answered(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice]).await;
    let added = world.try_add(&alice, group, "@Bob").await.expect("invited");
    let invited = added.invited.expect("somebody to tell");
    assert_eq!((invited.agent, invited.silent), (bob.key, false));
    assert_eq!(added.result.invite_id, Some(invited.invitation.id));
    assert_eq!(world.invites(&bob).await, std::slice::from_ref(&invited.invitation));
    assert_eq!(invited.invitation.group_id, group);
    assert_eq!((invited.invitation.group_name.as_str(), invited.invitation.group_member_count), ("ops", 1));
    assert_eq!((invited.invitation.inviter_handle.as_str(), invited.invitation.created_at), ("alice", world.now()));

    world.pass(1_000);
    let again = world.try_add(&alice, group, "bob").await.expect("still invited");
    assert_eq!((again.result.invite_id, again.invited), (Some(invited.invitation.id), None), "the same, and no event");
    world.try_accept(&bob, invited.invitation.id, 256).await.expect("joined");
    assert_eq!(world.invites(&bob).await, []);
    let member = world.try_add(&alice, group, "bob").await.expect("a member");
    assert_eq!((member.result.outcome, member.result.invite_id), (AddOutcome::AlreadyMember, None));
}

#[store_test]
async fn nobody_is_invited_against_the_rule(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let group = world.group(&[&alice]).await;
    for handle in ["nobody", "no handle", "-"] {
        assert_eq!(code(world.try_add(&alice, group, handle).await), ErrorCode::AgentNotFound, "{handle}");
    }
    let gone = world.agent("gone").await;
    world.change(Change::Status(gone.clone(), AgentStatus::Suspended)).await;
    world.change(Change::Block(gone, alice.clone())).await;
    assert_eq!(code(world.try_add(&alice, group, "gone").await), ErrorCode::AgentNotFound, "before the block");
    let own = refusal(world.try_add(&alice, group, "alice").await);
    assert_eq!(own.code, ErrorCode::ValidationError);
    assert!(own.details.expect("details")["fieldErrors"]["handle"].is_array());

    let (one, other) = (world.agent("one").await, world.agent("other").await);
    world.change(Change::Block(one.clone(), alice.clone())).await;
    world.change(Change::Block(alice.clone(), other.clone())).await;
    let refusals =
        [refusal(world.try_add(&alice, group, "one").await), refusal(world.try_add(&alice, group, "other").await)];
    assert_eq!((refusals[0].code, &refusals[0]), (ErrorCode::Blocked, &refusals[1]));

    let choosy = world.agent("choosy").await;
    world.store.write(Choosy(choosy.key)).await.expect("changed");
    let refused = refusal(world.try_add(&alice, group, "choosy").await);
    assert_eq!((refused.code, refused.details), (ErrorCode::InboxRestricted, Some(json!({ "handle": "choosy" }))));
    world.change(Change::Contact(alice.clone(), choosy.clone())).await;
    assert_eq!(
        code(world.try_add(&alice, group, "choosy").await),
        ErrorCode::InboxRestricted,
        "the other's contacts count"
    );
    world.change(Change::Contact(choosy.clone(), alice.clone())).await;
    world.invite(&alice, group, &choosy).await;
}

#[store_test]
async fn what_was_settled_before_is_not_asked_again(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    let pending = world.invite(&alice, group, &carol).await;
    for agent in [&bob, &carol] {
        world.store.write(Choosy(agent.key)).await.expect("changed");
    }
    let full = InviteRules { members: 2, ..RULES };
    let member = world.try_add_under(&alice, group, "bob", full).await.expect("a member");
    assert_eq!(member.result.outcome, AddOutcome::AlreadyMember);
    let invited = world.try_add_under(&alice, group, "carol", full).await.expect("invited");
    assert_eq!(invited.result.invite_id, Some(pending));
    // A block is.
    world.change(Change::Block(bob.clone(), alice.clone())).await;
    assert_eq!(code(world.try_add(&alice, group, "bob").await), ErrorCode::Blocked);
}

#[store_test]
async fn a_full_group_comes_before_the_quota(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    for handle in ["carol", "dave"] {
        world.agent(handle).await;
    }
    let group = world.group(&[&alice, &bob]).await;
    world.try_add_under(&alice, group, "dave", quota(&alice, 1)).await.expect("the only one for now");
    let full = InviteRules { members: 2, ..quota(&alice, 1) };
    let refused = refusal(world.try_add_under(&alice, group, "carol", full).await);
    assert_eq!((refused.code, refused.details), (ErrorCode::GroupFull, Some(json!({ "limit": 2 }))));
    let room = InviteRules { members: 3, ..full };
    let refused = refusal(world.try_add_under(&alice, group, "carol", room).await);
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert_eq!(refused.details.expect("details")["reason"], "group_invite");
}

#[store_test]
async fn only_new_invitations_are_counted_and_refused_ones_cost_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    for handle in ["carol", "dave", "erin"] {
        world.agent(handle).await;
    }
    world.change(Change::Block(bob.clone(), alice.clone())).await;
    let rules = quota(&alice, 2);
    let body = json!({ "name": "ops", "member_handles": ["bob", "carol", "@Carol", "alice", "nobody"] });
    let created = world.create_group(&alice, body, rules).await;
    let group = created.answer.group.id;
    let errors: Vec<_> = created.answer.add_errors.iter().map(|one| (one.handle.as_str(), one.code.as_str())).collect();
    assert_eq!(errors, [("bob", "BLOCKED"), ("nobody", "AGENT_NOT_FOUND")]);
    let results: Vec<_> = created.answer.add_results.iter().map(|one| one.handle.as_str()).collect();
    assert_eq!((results, created.invited.len()), (vec!["carol"], 1));

    world.try_add_under(&alice, group, "carol", rules).await.expect("pending already");
    world.try_add_under(&alice, group, "dave", rules).await.expect("the second one");
    let refused = refusal(world.try_add_under(&alice, group, "erin", rules).await);
    assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::RateLimited, Some(60_000)));
    world.pass(60_000);
    world.try_add_under(&alice, group, "erin", rules).await.expect("a minute later");
}

#[store_test]
async fn a_new_group_goes_on_behind_an_empty_bucket(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for handle in ["bob", "carol"] {
        world.agent(handle).await;
    }
    let body = json!({ "name": "ops", "member_handles": ["bob", "carol", "x y"] });
    let created = world.create_group(&alice, body, quota(&alice, 1)).await;
    let errors: Vec<_> = created.answer.add_errors.iter().map(|one| (one.handle.as_str(), one.code.as_str())).collect();
    assert_eq!(errors, [("carol", "RATE_LIMITED"), ("x y", "AGENT_NOT_FOUND")]);
    assert_eq!(created.answer.add_results.len(), 1);
    assert_eq!(created.answer.group.member_count, 1);
}

#[store_test]
async fn a_fully_paused_invitee_is_not_told(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice]).await;
    world.change(Change::Paused(bob.clone(), PausedByOwner::Full)).await;
    let invited = world.try_add(&alice, group, "bob").await.expect("invited").invited.expect("an invitation");
    assert!(invited.silent);
    assert_eq!(world.invites(&bob).await.len(), 1);
}

#[store_test]
async fn declined_is_gone_for_its_invitee_alone(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice]).await;
    let invite = world.invite(&alice, group, &bob).await;
    let reject = |agent: &Agent| RejectInvite { caller: agent.key, invite: Some(invite) };
    assert_eq!(code(world.store.write(reject(&carol)).await), ErrorCode::InviteNotFound);
    world.store.write(reject(&bob)).await.expect("declined");
    assert_eq!(code(world.store.write(reject(&bob)).await), ErrorCode::InviteNotFound);
    assert_eq!(code(world.try_accept(&bob, invite, 256).await), ErrorCode::InviteNotFound);
    assert_ne!(world.invite(&alice, group, &bob).await, invite, "another");
}

#[store_test]
async fn only_admins_add(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    assert_eq!(code(world.try_add(&bob, group, "carol").await), ErrorCode::Forbidden);
    assert_eq!(code(world.try_add(&bob, group, "nobody").await), ErrorCode::Forbidden);
    assert_eq!(code(world.try_add(&carol, group, "nobody").await), ErrorCode::GroupNotFound);
    let nowhere = ConversationId::group(world.id());
    let (strange, unknown) = (world.try_add(&carol, group, "bob").await, world.try_add(&carol, nowhere, "bob").await);
    assert_eq!(refusal(strange), refusal(unknown));
}
