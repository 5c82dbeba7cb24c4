//! Groups as the wire shows them, and the requests that make and change them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::conversation::GroupRole;
use crate::handle::Handle;
use crate::id::{ConversationId, InviteId};
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

open_enum! {
    /// Who may invite into a group.
    WhoCanInvite {
        /// Its admins; the only choice.
        Admin = "admin",
    }
}

/// A group's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupSettings {
    /// Always its admins.
    pub who_can_invite: WhoCanInvite,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self { who_can_invite: WhoCanInvite::Admin }
    }
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMember {
    /// Its name.
    pub handle: Handle,
    /// A name for people.
    pub display_name: Option<String>,
    /// Its rank.
    pub role: GroupRole,
    /// When it came, the last time.
    pub joined_at: Timestamp,
}

/// A group as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDetail {
    /// The conversation.
    pub id: ConversationId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
    /// Who made it, member or not.
    pub created_by: Handle,
    /// Its choices.
    pub settings: GroupSettings,
    /// Active members.
    pub member_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something was said last.
    pub last_message_at: Option<Timestamp>,
    /// Active members, by when they came, then by handle.
    pub members: Vec<GroupMember>,
    /// The caller's rank.
    pub your_role: GroupRole,
}

/// A pending invitation, as the invited agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupInvitation {
    /// The invitation.
    pub id: InviteId,
    /// Into which group.
    pub group_id: ConversationId,
    /// Its name.
    pub group_name: String,
    /// What it is for.
    pub group_description: Option<String>,
    /// Where its picture is.
    pub group_avatar_url: Option<String>,
    /// Its active members.
    pub group_member_count: i64,
    /// Who invited.
    pub inviter_handle: Handle,
    /// When.
    pub created_at: Timestamp,
}

open_enum! {
    /// What became of adding somebody to a group.
    AddOutcome {
        /// An invitation is pending.
        Invited = "invited",
        /// It is a member.
        AlreadyMember = "already_member",
    }
}

/// What became of adding one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMemberResult {
    /// Who.
    pub handle: Handle,
    /// What became of it.
    pub outcome: AddOutcome,
    /// The pending invitation, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
}

/// Why one agent could not be added to a group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMemberError {
    /// Who, as far as it can be read as a handle.
    pub handle: String,
    /// The error code's word.
    pub code: String,
}

/// The answer to making a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupCreated {
    /// The group.
    pub group: GroupDetail,
    /// What became of each agent that was to be added.
    pub add_results: Vec<AddMemberResult>,
    /// Those that could not be.
    #[serde(default)]
    pub add_errors: Vec<AddMemberError>,
}

/// What former members are told of a deleted group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedGroupInfo {
    /// Which.
    pub group_id: ConversationId,
    /// By whom.
    pub deleted_by_handle: Handle,
    /// When.
    pub deleted_at: Timestamp,
}

/// Handles that one request may name when it makes a group.
pub const MAX_HANDLES: usize = 255;
/// Characters of a group's name.
pub const MAX_NAME: usize = 100;
/// Characters of a group's description.
pub const MAX_DESCRIPTION: usize = 500;
/// Characters of a picture's address.
pub const MAX_AVATAR_URL: usize = 2_048;

/// A request to make a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
    /// Whom to invite: without `@`, in lower case, each once; not all of them need be handles.
    pub member_handles: Vec<String>,
}

impl NewGroup {
    /// Reads the body of `POST /v1/groups`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let name = body.req_str("name", &mut errors).and_then(|given| named(&body, given, &mut errors));
        let description = body.opt_str("description", &mut errors);
        let description = description.and_then(|text| described(&body, text, &mut errors));
        let avatar_url = body.opt_str("avatar_url", &mut errors).and_then(|text| picture(&body, text, &mut errors));
        let given = body.opt_strs("member_handles", &mut errors).unwrap_or_default();
        if given.len() > MAX_HANDLES {
            body.reject("member_handles", format!("{MAX_HANDLES} handles at most"), &mut errors);
        }
        check_settings(&body, &mut errors);
        errors.into_result()?;
        let name = name.unwrap_or_default();
        Ok(Self { name, description: description.flatten(), avatar_url, member_handles: each_once(given) })
    }
}

/// A request to change a group: what is `None` stays, what is `Some(None)` is cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<Option<String>>,
    /// Another picture.
    pub avatar_url: Option<Option<String>>,
}

impl GroupChanges {
    /// Reads the body of `PATCH /v1/groups/{id}`; an empty one changes nothing.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse_or_empty(body)?;
        let mut errors = FieldErrors::default();
        let name = body.opt_str("name", &mut errors).and_then(|given| named(&body, given, &mut errors));
        let description = match body.nullable_str("description", &mut errors) {
            Some(Some(text)) => described(&body, text, &mut errors),
            other => other.map(|_null| None),
        };
        let avatar_url = match body.nullable_str("avatar_url", &mut errors) {
            Some(Some(text)) => picture(&body, text, &mut errors).map(Some),
            other => other.map(|_null| None),
        };
        check_settings(&body, &mut errors);
        errors.into_result()?;
        Ok(Self { name, description, avatar_url })
    }
}

/// A request to add somebody to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddMember {
    /// Who; `None` when what was sent is no handle, and so nobody's.
    pub handle: Option<Handle>,
}

impl AddMember {
    /// Reads the body of `POST /v1/groups/{id}/members`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let handle = body.req_str("handle", &mut errors).and_then(|text| Handle::parse(text).ok());
        errors.into_result()?;
        Ok(Self { handle })
    }
}

/// A name; an empty one is none.
fn named(body: &Object, given: &str, errors: &mut FieldErrors) -> Option<String> {
    let checked = text::single_line(given, MAX_NAME).and_then(|name| match name.is_empty() {
        true => Err("Must not be empty"),
        false => Ok(name),
    });
    checked.map_err(|problem| body.reject("name", problem, errors)).ok()
}

/// A description; `Some(None)` for an empty one.
fn described(body: &Object, given: &str, errors: &mut FieldErrors) -> Option<Option<String>> {
    match text::multi_line(given, MAX_DESCRIPTION) {
        Ok(text) => Some((!text.is_empty()).then_some(text)),
        Err(problem) => {
            body.reject("description", problem, errors);
            None
        }
    }
}

fn picture(body: &Object, given: &str, errors: &mut FieldErrors) -> Option<String> {
    match text::single_line(given, MAX_AVATAR_URL) {
        Ok(url) if is_https(&url) => Some(url),
        Ok(_) => {
            body.reject("avatar_url", "Expected an https URL", errors);
            None
        }
        Err(problem) => {
            body.reject("avatar_url", problem, errors);
            None
        }
    }
}

/// `https://`, a host, and no white space anywhere. What the address leads to is the business of whoever shows it.
fn is_https(url: &str) -> bool {
    let Some(rest) = url.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")).and_then(|_| url.get(8..))
    else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let host = host.split_once(':').map_or(host, |(name, _port)| name);
    !host.is_empty() && !url.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\\'))
}

fn check_settings(body: &Object, errors: &mut FieldErrors) {
    let Some(settings) = body.opt_object("settings", errors) else { return };
    let given = settings.opt_str("who_can_invite", errors).map(WhoCanInvite::known);
    if given.is_some_and(|known| known.is_none()) {
        settings.reject("who_can_invite", "Expected admin", errors);
    }
}

/// Handles as they are compared: without one leading `@`, in lower case; each once, in the order given.
fn each_once(given: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let plain = given.into_iter().map(|text| text.strip_prefix('@').unwrap_or(&text).to_ascii_lowercase());
    plain.filter(|handle| seen.insert(handle.clone())).collect()
}
