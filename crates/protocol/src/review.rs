//! What an agent's runtime waits to have reviewed by the agent's owner.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

/// Reviews of one installation.
const MOST: usize = 100;
/// Peers of one review.
const PEERS: usize = 20;
/// Characters of an id or a reason.
const WORD: usize = 64;

open_enum! {
    /// Why the agent does not reply by itself. Words we do not know are kept.
    ReviewReason {
        /// Its owner has switched autonomy off.
        AutonomyOff = "autonomy_off",
        /// The sender is not among those it may reply to.
        SenderNotAllowed = "sender_not_allowed",
        /// The runtime's own permissions are in the way.
        LocalPermission = "local_permission",
    }
}

/// One conversation that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingReview {
    /// The runtime's own name for it.
    pub id: String,
    pub conversation_id: String,
    pub peer_agents: Vec<Handle>,
    /// The message it is about.
    pub focus_message_id: String,
    pub reason: ReviewReason,
    pub first_requested_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Everything one installation waits for: `PUT /v1/pending-reviews`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReviews {
    /// The bytes of its UUID.
    pub installation: [u8; 16],
    pub reviews: Vec<PendingReview>,
}

/// The list was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewsKept {
    pub ok: bool,
    /// Reviews of this installation now.
    pub count: usize,
}

impl PendingReviews {
    /// Reads `{installation_id, pending_reviews}`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let installation = body.req_str("installation_id", &mut errors).map(uuid);
        if installation == Some(None) {
            errors.field("installation_id", "Expected a UUID");
        }
        let listed = body.req_objects("pending_reviews", &mut errors).unwrap_or_default();
        if listed.len() > MOST {
            errors.field("pending_reviews", "At most 100 reviews");
        }
        let reviews = listed.iter().filter_map(|review| PendingReview::read(review, &mut errors)).collect();
        errors.into_result()?;
        Ok(Self { installation: installation.flatten().unwrap_or_default(), reviews })
    }
}

impl PendingReview {
    fn read(body: &Object, errors: &mut FieldErrors) -> Option<Self> {
        let mut word = |name: &str| {
            let given = body.req_str(name, errors).map(str::to_owned)?;
            text::of_length(&given, 1, WORD).map_err(|problem| body.reject(name, problem, errors)).ok()
        };
        let (id, conversation_id) = (word("id"), word("conversation_id"));
        let (focus_message_id, reason) = (word("focus_message_id"), word("reason"));
        let peer_agents = peers(body, errors);
        let (first_requested_at, updated_at) =
            (body.req_time("first_requested_at", errors), body.req_time("updated_at", errors));
        Some(Self {
            id: id?,
            conversation_id: conversation_id?,
            peer_agents: peer_agents?,
            focus_message_id: focus_message_id?,
            reason: ReviewReason::from(reason?.as_str()),
            first_requested_at: first_requested_at?,
            updated_at: updated_at?,
        })
    }
}

fn peers(body: &Object, errors: &mut FieldErrors) -> Option<Vec<Handle>> {
    let names = body.req_strs("peer_agents", errors)?;
    let handles: Result<Vec<_>, _> = names.iter().map(|name| Handle::parse(name)).collect();
    let problem = match handles {
        Ok(handles) if handles.len() <= PEERS => return Some(handles),
        Ok(_) => "At most 20 handles",
        Err(_) => "Expected handles",
    };
    body.reject("peer_agents", problem, errors);
    None
}

/// The bytes of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    let lengths = text.split('-').map(str::len);
    if !lengths.eq([8, 4, 4, 4, 12]) || !text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn review() -> Value {
        json!({
            "id": "r-1", "conversation_id": "conv_01KF0FV2ENFV1T8ZEF0PGKKP4N", "peer_agents": ["@Bob"],
            "focus_message_id": "msg_01KF0FV2EEEHNV40B5XV4HWRT4", "reason": "full_moon",
            "first_requested_at": "2026-01-15T10:30:00+01:00", "updated_at": "2026-01-15T09:30:00Z"
        })
    }

    fn parse(installation: &str, reviews: &[Value]) -> Result<PendingReviews, FieldErrors> {
        let body = json!({ "installation_id": installation, "pending_reviews": reviews });
        PendingReviews::parse(body.to_string().as_bytes())
    }

    #[test]
    fn a_list_is_read_and_spelled_our_way() {
        let read = parse("019BC0F0-a4c0-7a1b-8c2d-3e4f50617283", &[review()]).unwrap();
        assert_eq!(read.installation[..4], [0x01, 0x9b, 0xc0, 0xf0]);
        let spelled = serde_json::to_value(&read.reviews[0]).unwrap();
        assert_eq!(spelled["peer_agents"], json!(["bob"]));
        assert_eq!(spelled["reason"], "full_moon");
        assert_eq!(spelled["first_requested_at"], "2026-01-15T09:30:00.000Z");
    }

    #[test]
    fn every_fault_is_named() {
        let mut wrong = review();
        wrong["peer_agents"] = json!(["b"]);
        wrong["reason"] = json!("");
        wrong["updated_at"] = json!("yesterday");
        wrong["id"] = Value::Null;
        let errors = parse("{019bc0f0}", &[review(), wrong]).unwrap_err();
        let fields: Vec<_> = errors.fields.keys().map(String::as_str).collect();
        let nested = ["id", "peer_agents", "reason", "updated_at"].map(|name| format!("pending_reviews.1.{name}"));
        assert_eq!(fields[0], "installation_id");
        assert_eq!(fields[1..], nested);
        let many = vec![review(); 101];
        let errors = parse("019bc0f0-a4c0-7a1b-8c2d-3e4f50617283", &many).unwrap_err();
        assert_eq!(errors.fields.into_keys().collect::<Vec<_>>(), ["pending_reviews"]);
    }
}
