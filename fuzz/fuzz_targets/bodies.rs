//! Request bodies: what serde_json does not take for JSON is refused, and a refusal says what is wrong.
#![no_main]

use agentchat_protocol::attachment::NewUpload;
use agentchat_protocol::contact::{NewContact, NewNotes, Reason};
use agentchat_protocol::group::{AddMember, GroupChanges, NewGroup};
use agentchat_protocol::mute::NewMute;
use agentchat_protocol::presence::{PresenceRequest, parse_batch};
use agentchat_protocol::reply::{ClaimRequest, LeaseRequest};
use agentchat_protocol::review::PendingReviews;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::{FieldErrors, Object};
use agentchat_protocol::webhook::NewWebhook;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

const NOW: Timestamp = Timestamp::from_millis(1_768_469_400_000);

fuzz_target!(|data: &[u8]| {
    let any_url = |text: &str| Ok(text.to_owned());
    let outcomes = [
        verdict(Object::parse(data)),
        verdict(NewUpload::parse(data, 26_214_400)),
        verdict(NewContact::parse(data)),
        verdict(NewNotes::parse(data, 1_000)),
        verdict(Reason::parse(data, 1_000)),
        verdict(NewGroup::parse(data)),
        verdict(GroupChanges::parse(data)),
        verdict(AddMember::parse(data)),
        verdict(NewMute::parse(data, NOW)),
        verdict(PresenceRequest::parse(data)),
        verdict(parse_batch(data, 100)),
        verdict(LeaseRequest::parse(data)),
        verdict(LeaseRequest::parse_release(data)),
        verdict(ClaimRequest::parse_one(data)),
        verdict(ClaimRequest::parse_batch(data)),
        verdict(PendingReviews::parse(data)),
        verdict(NewWebhook::parse(data, any_url)),
    ];
    let is_json = serde_json::from_slice::<IgnoredAny>(data).is_ok();
    // Where nothing is required, no body is a body.
    if !is_json && !data.is_empty() {
        assert!(outcomes.iter().all(|accepted| !accepted), "accepted what is no JSON: {outcomes:?}");
    }
});

fn verdict<T>(outcome: Result<T, FieldErrors>) -> bool {
    if let Err(errors) = &outcome {
        assert!(!errors.is_empty(), "refused without a reason");
    }
    outcome.is_ok()
}
