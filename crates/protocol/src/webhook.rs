//! Webhooks: addresses of an agent that are told what happens to it, and what became of each call.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::id::{WebhookDeliveryId, WebhookId};
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object};

open_enum! {
    /// What a webhook may be told.
    WebhookEvent {
        /// A message for the agent.
        MessageNew = "message.new",
        /// Somebody read what the agent wrote.
        MessageRead = "message.read",
        /// A contact's presence changed.
        PresenceUpdate = "presence.update",
        /// Somebody blocked or reported the agent.
        ContactBlocked = "contact.blocked",
        /// The agent was invited into a group.
        GroupInviteReceived = "group.invite.received",
        /// A group of the agent was deleted.
        GroupDeleted = "group.deleted",
    }
}

impl WebhookEvent {
    /// Every event of the contract, in its order.
    pub const ALL: [Self; 6] = [
        Self::MessageNew,
        Self::MessageRead,
        Self::PresenceUpdate,
        Self::ContactBlocked,
        Self::GroupInviteReceived,
        Self::GroupDeleted,
    ];

    /// The event's bit, as stores keep it; 0 for a word that this build does not know.
    pub const fn bit(&self) -> i64 {
        match self {
            Self::MessageNew => 1,
            Self::MessageRead => 2,
            Self::PresenceUpdate => 4,
            Self::ContactBlocked => 8,
            Self::GroupInviteReceived => 16,
            Self::GroupDeleted => 32,
            Self::Unknown(_) => 0,
        }
    }

    /// The event of a bit.
    pub fn of_bit(bit: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.bit() == bit)
    }

    /// The events of a sum of bits, in the contract's order.
    pub fn of_bits(bits: i64) -> Vec<Self> {
        Self::ALL.into_iter().filter(|event| bits & event.bit() != 0).collect()
    }
}

open_enum! {
    /// Why a webhook is not called any more.
    WebhookDisabledReason {
        /// Its address answered 410.
        Gone = "gone",
    }
}

open_enum! {
    /// Whether a webhook is called at present.
    WebhookCircuit {
        /// It is.
        Closed = "closed",
        /// It failed too often, and is left alone for a while.
        Open = "open",
        /// One call tries whether it works again.
        HalfOpen = "half_open",
    }
}

/// An address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    pub id: WebhookId,
    /// Where calls go.
    pub url: String,
    /// What it is told.
    pub events: Vec<WebhookEvent>,
    /// False: it is never called again; delete it and make another.
    pub active: bool,
    pub created_at: Timestamp,
    /// Why it is not active.
    pub disabled_reason: Option<WebhookDisabledReason>,
    pub circuit: WebhookCircuit,
}

/// A new webhook, and what its calls are signed with; the secret is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookCreated {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and base64 of 32 bytes.
    pub secret: String,
}

/// What a webhook's calls are signed with from now on, shown once; for 24 hours the earlier secret signs too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookSecret {
    pub id: WebhookId,
    /// `whsec_` and base64 of 32 bytes.
    pub secret: String,
}

/// The webhooks of an agent, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhooks {
    pub webhooks: Vec<Webhook>,
}

/// What a trial call came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookTested {
    /// It was answered with success.
    pub ok: bool,
    /// What it was answered with; null for no answer.
    pub status_code: Option<u16>,
    pub duration_ms: u64,
    /// What went wrong.
    pub error: Option<String>,
}

open_enum! {
    /// How far a call got.
    WebhookDeliveryStatus {
        /// It waits for its time.
        Pending = "pending",
        /// It is being made.
        Delivering = "delivering",
        /// It was answered with success.
        Delivered = "delivered",
        /// It failed, and is not tried again.
        Failed = "failed",
        /// It failed to the last attempt; it can be replayed.
        Dead = "dead",
    }
}

/// A call that a webhook is owed, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDelivery {
    /// The same in all attempts.
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub event: WebhookEvent,
    pub status: WebhookDeliveryStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, if it waits for that.
    pub next_attempt_at: Option<Timestamp>,
    pub last_attempt_at: Option<Timestamp>,
    /// What the last attempt was answered with.
    pub last_status_code: Option<i64>,
    /// What went wrong the last time, at most 1024 characters.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
    /// The delivery that took over from this dead one.
    pub replayed_as: Option<WebhookDeliveryId>,
}

/// What `contact.blocked` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactBlocked {
    pub blocked_by: Handle,
    pub blocked_at: Timestamp,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDeliveries {
    pub deliveries: Vec<WebhookDelivery>,
    /// The next page's `before`; null when there is none.
    pub next_before: Option<WebhookDeliveryId>,
}

/// A webhook that an agent wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// As `check_url` answered it.
    pub url: String,
    /// Each once, in the contract's order.
    pub events: Vec<WebhookEvent>,
}

impl NewWebhook {
    /// Reads `{url, events}`; `check_url` says what may be called.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &[u8], check_url: impl Fn(&str) -> Result<String, &'static str>) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let url = body.req_str("url", &mut errors).map(&check_url).transpose();
        let url = url.map_err(|problem| body.reject("url", problem, &mut errors)).ok().flatten();
        let events = events(&body, &mut errors);
        match (url, events, errors.is_empty()) {
            (Some(url), Some(events), true) => Ok(Self { url, events }),
            _ => Err(errors),
        }
    }

    /// The events as a sum of bits.
    pub fn bits(&self) -> i64 {
        self.events.iter().map(WebhookEvent::bit).sum()
    }
}

fn events(body: &Object, errors: &mut FieldErrors) -> Option<Vec<WebhookEvent>> {
    let words = body.req_strs("events", errors)?;
    let known: Option<Vec<WebhookEvent>> = words.iter().map(|word| WebhookEvent::known(word)).collect();
    let Some(known) = known else {
        body.reject("events", format!("Expected some of {}", WebhookEvent::WORDS.join(", ")), errors);
        return None;
    };
    if known.is_empty() {
        body.reject("events", "Expected at least one event", errors);
    }
    Some(WebhookEvent::ALL.into_iter().filter(|event| known.contains(event)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<NewWebhook, FieldErrors> {
        NewWebhook::parse(body.as_bytes(), |url| match url {
            "bad" => Err("Not a valid URL"),
            url => Ok(url.trim().to_owned()),
        })
    }

    #[test]
    fn events_collapse_into_the_contracts_order() {
        let body = r#"{"url":" https://a.example ","events":["group.deleted","message.new","group.deleted"]}"#;
        let webhook = parse(body).unwrap();
        assert_eq!(webhook.url, "https://a.example");
        assert_eq!(webhook.events, [WebhookEvent::MessageNew, WebhookEvent::GroupDeleted]);
        assert_eq!(webhook.bits(), 33);
        assert_eq!(WebhookEvent::of_bits(33), webhook.events);
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        for (body, fields) in [
            ("{}", vec!["events", "url"]),
            (r#"{"url":"bad","events":[]}"#, vec!["events", "url"]),
            (r#"{"url":"ok","events":["agent.created"]}"#, vec!["events"]),
            (r#"{"url":"ok","events":["webhook.test"]}"#, vec!["events"]),
            (r#"{"url":"ok","events":"message.new"}"#, vec!["events"]),
            (r#"{"url":"ok","events":[1]}"#, vec!["events"]),
            (r#"{"url":null,"events":["message.new"]}"#, vec!["url"]),
            (r#"{"url":7,"events":["message.new"]}"#, vec!["url"]),
        ] {
            let errors = parse(body).unwrap_err();
            assert_eq!(errors.fields.keys().collect::<Vec<_>>(), fields, "{body}");
        }
    }

    #[test]
    fn each_event_has_a_bit_of_its_own() {
        let bits: Vec<i64> = WebhookEvent::ALL.iter().map(WebhookEvent::bit).collect();
        assert_eq!(bits, [1, 2, 4, 8, 16, 32]);
        for event in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::of_bit(event.bit()), Some(event));
        }
        assert_eq!(WebhookEvent::of_bit(3), None);
    }
}
