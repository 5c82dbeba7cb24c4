//! `/v1/groups`: groups, members, invitations.

use agentchat_core::groups::{
    AcceptInvite, AddToGroup, Added, ChangeRank, CreateGroup, Created, DeleteGroup, DeletedGroup, InviteRules, Invited,
    Joined, KickMember, LeaveGroup, Left, ListInvites, Rank, RejectInvite, ShowGroup, UpdateGroup, Updated,
};
use agentchat_core::messages::Posted;
use agentchat_protocol::account::Done;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::frame::ServerFrame;
use agentchat_protocol::group::{
    AddMember, AddMemberResult, GroupChanges, GroupCreated, GroupDetail, GroupInvitation, NewGroup,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, ConversationKind, InviteId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller, PathText, PathTexts};
use crate::limits::{Key, Policy, Rate, shared_bucket, show_empty, show_left};
use crate::realtime::{Event, frame_text};
use crate::sending::publish_posted;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(show, update, delete))
        .routes(routes!(add))
        .routes(routes!(kick))
        .routes(routes!(promote))
        .routes(routes!(demote))
        .routes(routes!(leave))
        .routes(routes!(invites))
        .routes(routes!(accept))
        .routes(routes!(reject))
}

/// Makes a group whose admin is the caller, and invites whom it names.
#[utoipa::path(post, path = "/v1/groups", tag = "groups", security(("api_key" = [])),
    request_body(content_type = "application/json",
        description = "name, description?, avatar_url?, member_handles?, settings? {who_can_invite?}"),
    responses((status = 201, body = GroupCreated)))]
async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    app.limit_agent(Policy::GroupCreate, caller.key)?;
    let request = NewGroup::parse(&body)?;
    let now = app.clock.now();
    let fresh = || app.entropy.uuid_v7(now);
    let operation = CreateGroup {
        caller: caller.key,
        id: ConversationId::group(fresh()),
        invites: request.member_handles.iter().map(|_| InviteId::from_bytes(fresh())).collect(),
        request,
        rules: rules(&app, &caller),
        now,
    };
    let quota = app.limits.rate(Policy::GroupInvite);
    let shared = app.clone();
    let answer = move |created: &Created| {
        show_quota(quota, created.quota_full_in_us);
        (StatusCode::CREATED, shared.shown(created.answer.clone()))
    };
    caller.commit(&app, operation, answer, |app, created| tell_invited(app, &created.invited, created.queued)).await
}

/// A group and who is in it.
#[utoipa::path(get, path = "/v1/groups/{id}", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")), responses((status = 200, body = GroupDetail)))]
async fn show(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Json<GroupDetail>> {
    Ok(Json(app.shown(app.store.read(ShowGroup { caller: caller.key, group: group_id(&id) }).await?)))
}

/// Changes a group's profile; what is absent stays.
#[utoipa::path(patch, path = "/v1/groups/{id}", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")),
    request_body(content_type = "application/json",
        description = "name?, description?, avatar_url?, settings? {who_can_invite?}"),
    responses((status = 200, body = GroupDetail)))]
async fn update(State(app): State<App>, caller: Caller, PathText(id): PathText, Body(body): Body) -> Result<Response> {
    let changes = GroupChanges::parse(&body)?;
    let (now, messages) = fresh(&app);
    let operation = UpdateGroup { caller: caller.key, group: group_id(&id), changes, messages, now };
    let shared = app.clone();
    let answer = move |updated: &Updated| (StatusCode::OK, shared.shown(updated.group.clone()));
    caller.commit(&app, operation, answer, |app, updated| publish_all(app, &updated.posted)).await
}

/// A group has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupEnded {
    ok: bool,
    message: &'static str,
    deleted_at: Timestamp,
}

/// Ends a group for everybody.
#[utoipa::path(delete, path = "/v1/groups/{id}", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")), responses((status = 200, body = GroupEnded)))]
async fn delete(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let (now, [message]) = fresh(&app);
    let operation = DeleteGroup { caller: caller.key, group: group_id(&id), message, now };
    let answer = |ended: &DeletedGroup| {
        (StatusCode::OK, GroupEnded { ok: true, message: "Group deleted", deleted_at: ended.deleted_at })
    };
    let then = |app: &App, ended: &DeletedGroup| {
        publish_posted(app, &ended.posted);
        app.jobs.wake();
        if ended.queued {
            app.hooks.wake();
        }
    };
    caller.commit(&app, operation, answer, then).await
}

/// Invites an agent into a group.
#[utoipa::path(post, path = "/v1/groups/{id}/members", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")),
    request_body(content_type = "application/json", description = "handle"),
    responses((status = 201, body = AddMemberResult)))]
async fn add(State(app): State<App>, caller: Caller, PathText(id): PathText, Body(body): Body) -> Result<Response> {
    let AddMember { handle } = AddMember::parse(&body)?;
    let now = app.clock.now();
    let operation = AddToGroup {
        caller: caller.key,
        group: group_id(&id),
        handle,
        invite: InviteId::from_bytes(app.entropy.uuid_v7(now)),
        rules: rules(&app, &caller),
        now,
    };
    let quota = app.limits.rate(Policy::GroupInvite);
    let answer = move |added: &Added| {
        show_quota(quota, added.quota_full_in_us);
        (StatusCode::CREATED, added.result.clone())
    };
    let then = |app: &App, added: &Added| tell_invited(app, added.invited.as_slice(), added.queued);
    let answered = caller.commit(&app, operation, answer, then).await;
    if answered.as_ref().is_err_and(|error| error.code() == ErrorCode::RateLimited) {
        show_empty(Policy::GroupInvite, quota);
    }
    answered
}

fn show_quota(rate: Option<Rate>, full_in_us: Option<i64>) {
    if let Some(full_in_us) = full_in_us {
        show_left(Policy::GroupInvite, rate, full_in_us);
    }
}

/// Takes a member out of a group.
#[utoipa::path(delete, path = "/v1/groups/{id}/members/{handle}", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group"), ("handle" = String, Path, description = "A member")),
    responses((status = 200, body = Done)))]
async fn kick(State(app): State<App>, caller: Caller, PathTexts(id, handle): PathTexts) -> Result<Response> {
    let (now, [message]) = fresh(&app);
    let handle = Handle::parse(&handle).ok();
    let operation = KickMember { caller: caller.key, group: group_id(&id), handle, message, now };
    caller.commit(&app, operation, |_| done("Member removed"), publish_posted).await
}

/// Makes a member an admin.
#[utoipa::path(post, path = "/v1/groups/{id}/members/{handle}/promote", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group"), ("handle" = String, Path, description = "A member")),
    responses((status = 200, body = Done)))]
async fn promote(State(app): State<App>, caller: Caller, PathTexts(id, handle): PathTexts) -> Result<Response> {
    let operation = change_rank(&app, &caller, &id, &handle, Rank::Admin);
    caller.commit(&app, operation, |_| done("Member promoted to admin"), publish_posted).await
}

/// Makes an admin a member.
#[utoipa::path(post, path = "/v1/groups/{id}/members/{handle}/demote", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group"), ("handle" = String, Path, description = "An admin")),
    responses((status = 200, body = Done)))]
async fn demote(State(app): State<App>, caller: Caller, PathTexts(id, handle): PathTexts) -> Result<Response> {
    let operation = change_rank(&app, &caller, &id, &handle, Rank::Member);
    caller.commit(&app, operation, |_| done("Admin demoted to member"), publish_posted).await
}

fn change_rank(app: &App, caller: &Caller, id: &str, handle: &str, to: Rank) -> ChangeRank {
    let (now, [message]) = fresh(app);
    ChangeRank { caller: caller.key, group: group_id(id), handle: Handle::parse(handle).ok(), to, message, now }
}

/// The caller is out of a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupLeft {
    ok: bool,
    message: &'static str,
    /// Who became admin because no other was left.
    promoted_handle: Option<Handle>,
}

/// Leaves a group. If no admin stays, whoever has been there longest becomes one; if nobody stays, the group ends.
#[utoipa::path(post, path = "/v1/groups/{id}/leave", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")), responses((status = 200, body = GroupLeft)))]
async fn leave(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let (now, messages) = fresh(&app);
    let operation = LeaveGroup { caller: caller.key, group: group_id(&id), messages, now };
    let answer = |left: &Left| {
        (StatusCode::OK, GroupLeft { ok: true, message: "Left group", promoted_handle: left.promoted.clone() })
    };
    caller.commit(&app, operation, answer, |app, left| publish_all(app, &left.posted)).await
}

/// The caller's pending invitations, oldest first.
#[utoipa::path(get, path = "/v1/groups/invites", tag = "groups", security(("api_key" = [])),
    responses((status = 200, body = Vec<GroupInvitation>)))]
async fn invites(State(app): State<App>, caller: Caller) -> Result<Json<Vec<GroupInvitation>>> {
    Ok(Json(app.shown(app.store.read(ListInvites { caller: caller.key }).await?)))
}

/// Follows an invitation.
#[utoipa::path(post, path = "/v1/groups/invites/{id}/accept", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "An invitation")), responses((status = 200, body = GroupDetail)))]
async fn accept(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let (now, [message]) = fresh(&app);
    let (invite, members) = (id.parse().ok(), app.limits.group_members);
    let operation = AcceptInvite { caller: caller.key, invite, members, message, now };
    let shared = app.clone();
    let answer = move |joined: &Joined| (StatusCode::OK, shared.shown(joined.group.clone()));
    caller.commit(&app, operation, answer, |app, joined| publish_all(app, joined.posted.as_slice())).await
}

/// Declines an invitation; nobody is told.
#[utoipa::path(delete, path = "/v1/groups/invites/{id}", tag = "groups", security(("api_key" = [])),
    params(("id" = String, Path, description = "An invitation")), responses((status = 200, body = Done)))]
async fn reject(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let operation = RejectInvite { caller: caller.key, invite: id.parse().ok() };
    caller.commit(&app, operation, |()| done("Invite rejected"), |_, ()| {}).await
}

fn done(message: &str) -> (StatusCode, Done) {
    (StatusCode::OK, Done::new(message))
}

/// The group a path names; anything else names one that does not exist.
pub(super) fn group_id(text: &str) -> ConversationId {
    let id = text.parse().ok().filter(|id: &ConversationId| id.is_group());
    id.unwrap_or(ConversationId::nowhere(ConversationKind::Group))
}

/// The time, and ids for what may have to be said.
fn fresh<const N: usize>(app: &App) -> (Timestamp, [MessageId; N]) {
    let now = app.clock.now();
    (now, [(); N].map(|()| MessageId::from_bytes(app.entropy.uuid_v7(now))))
}

/// What bounds the caller's invitations.
fn rules(app: &App, caller: &Caller) -> InviteRules {
    let rate = app.limits.rate(Policy::GroupInvite);
    let quota = shared_bucket(Policy::GroupInvite, rate, Key::Agent(caller.key.0));
    InviteRules { members: app.limits.group_members, quota }
}

fn publish_all(app: &App, posted: &[Posted]) {
    for posted in posted {
        publish_posted(app, posted);
    }
}

/// Tells invitees that are not fully paused.
fn tell_invited(app: &App, invited: &[Invited], queued: bool) {
    if queued {
        app.hooks.wake();
    }
    for Invited { agent, invitation, .. } in invited.iter().filter(|invited| !invited.silent) {
        if let Some(text) = frame_text(&ServerFrame::GroupInviteReceived(Box::new(app.shown(invitation.clone())))) {
            app.hub.event(*agent, &Event { text: text.into(), droppable: false });
        }
    }
}
