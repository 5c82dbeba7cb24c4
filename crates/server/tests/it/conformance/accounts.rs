//! wire.md §3: registration, recovery, keys.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{agent, ladders, nobody};
use super::world::{Deed, Mail, did};

/// Half a day, so that no gate of §3.1 is closed.
const LONG: Deed = Deed::Wait(43_200_000);

/// A registration of somebody that is begun.
fn begun(email: &str, handle: &str) -> super::world::Call {
    did("", "POST /v1/register", json!({ "email": email, "handle": handle }))
}

ladders! {
    register = nobody("wire §3.2", "POST /v1/register")
        .policies(&["register"])
        .limit("emails_live=1")
        .limit("emails_lifetime=1")
        .limit("otp_hourly=1")
        .by("")
        .given(begun("carol@example.com", "carol"))
        .given(Deed::Mailer(Mail::Refused))
        .text("[]")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "email": 1, "handle": 2, "display_name": 3, "description": 4 }))
        .invalid("every field has its type", &["description", "display_name", "email", "handle"])
        .body(json!({ "email": "nobody", "handle": "-", "display_name": "x".repeat(101), "description": "y".repeat(501) }))
        .invalid("an e-mail has its form, texts have their length", &["description", "display_name", "email"])
        .body(json!({ "email": "bob@example.com", "handle": "-" }))
        .refused_with("the handle is malformed", ErrorCode::InvalidHandle, &[("reason", json!("format"))])
        .body(json!({ "email": "bob@example.com", "handle": "x".repeat(31) }))
        .refused_with("the handle is too long", ErrorCode::InvalidHandle, &[("reason", json!("format"))])
        .body(json!({ "email": "bob@example.com", "handle": "@Admin" }))
        .refused_with("the handle is reserved", ErrorCode::InvalidHandle, &[("reason", json!("reserved"))])
        .body(json!({ "email": "bob@example.com", "handle": "@Alice" }))
        .refused("somebody has the handle", ErrorCode::HandleTaken)
        .given(did("alice", "DELETE /v1/agents/alice", Value::Null))
        .refused("a deleted account keeps its handle", ErrorCode::HandleTaken)
        .body(json!({ "email": "bob@example.com", "handle": "dave" }))
        .refused_with("the e-mail backs its maximum of live agents", ErrorCode::EmailLimitReached, &[("limit", json!(1))])
        .body(json!({ "email": "alice@example.com", "handle": "dave" }))
        .refused_with("the e-mail used up its registrations", ErrorCode::EmailExhausted, &[("limit", json!(1))])
        .body(json!({ "email": " CAROL@Example.com ", "handle": "dave" }))
        .refused("a code was sent less than 60 s ago", ErrorCode::OtpCooldown)
        .given(Deed::Wait(60_000))
        .refused("the hour's codes are used up", ErrorCode::OtpHourlyCap)
        .given(Deed::Wait(3_540_000))
        .refused("the mailer takes no mail", ErrorCode::OtpFailed)
        .given(Deed::Mailer(Mail::Arrives))
        .answers("a failed hand-over gave the slot back", 200, "{pending_id: pnd_, message}")
        .having("/message", "Verification code sent to email");

    register_verify = nobody("wire §3.2, §3.1", "POST /v1/register/verify")
        .policies(&["register_verify"])
        .cast(&["alice"])
        .limit("emails_live=1")
        .limit("emails_lifetime=1")
        .by("")
        // Five tries are used up.
        .given(begun("zed@example.com", "zed").keep("spent", "/pending_id"))
        .given(did("", "POST /v1/register/verify", json!({ "pending_id": "$spent", "code": "no" })).whatever_comes())
        .given(Deed::ReadMail("zed@example.com"))
        .given(
            did("", "POST /v1/register/verify", json!({ "pending_id": "$spent", "code": "$wrong" }))
                .times(5)
                .whatever_comes(),
        )
        .given(
            did("", "POST /v1/agents/recover", json!({ "email": "alice@example.com" })).keep("recovery", "/pending_id"),
        )
        .text("")
        .invalid("required fields need a body", &[])
        .body(json!({ "pending_id": 1, "code": "12345" }))
        .invalid("a code has six digits", &["code", "pending_id"])
        .body(json!({ "pending_id": "pnd_00000000000000000000000000", "code": "000000" }))
        .refused("no such flow", ErrorCode::Expired)
        .body(json!({ "pending_id": "$recovery", "code": "000000" }))
        .refused("a pending of another flow", ErrorCode::Expired)
        .body(json!({ "pending_id": "$spent", "code": "$code" }))
        .refused("a sixth try, even with the right code", ErrorCode::OtpAttemptsExhausted)
        .given(LONG)
        .refused("its time is over", ErrorCode::Expired)
        // One e-mail began twice; then it came to an agent in another way, with the first handle.
        .given(begun("carol@example.com", "carol").keep("first", "/pending_id"))
        .given(Deed::ReadMail("carol@example.com"))
        .body(json!({ "pending_id": "$first", "code": "$wrong" }))
        .given(did("operator", "POST /admin/agents", json!({ "email": "carol@example.com", "handle": "carol" })))
        .refused("a wrong code", ErrorCode::InvalidCode)
        .body(json!({ "pending_id": "$first", "code": " $code " }))
        .refused("somebody took the handle meanwhile", ErrorCode::HandleTaken)
        .refused("a refusal leaves the pending usable", ErrorCode::HandleTaken)
        .given(LONG)
        .given(begun("dave@example.com", "dave").keep("second", "/pending_id"))
        .given(Deed::ReadMail("dave@example.com"))
        .given(did("operator", "POST /admin/agents", json!({ "email": "dave@example.com", "handle": "david" })))
        .body(json!({ "pending_id": "$second", "code": "$code" }))
        .refused_with("the e-mail backs its maximum by now", ErrorCode::EmailLimitReached, &[("limit", json!(1))])
        .given(did("operator", "DELETE /admin/agents/david", Value::Null))
        .refused_with("its registrations are used up by now", ErrorCode::EmailExhausted, &[("limit", json!(1))])
        .given(LONG)
        .given(begun("erin@example.com", "@Erin").keep("third", "/pending_id"))
        .given(Deed::ReadMail("erin@example.com"))
        .body(json!({ "pending_id": "$third", "code": "$code" }))
        .answers("the code is right", 201, "{agent: Agent, api_key}")
        .having("/agent/handle", "erin")
        .having("/agent/status", "active");

    recover = nobody("wire §3.2", "POST /v1/agents/recover")
        .policies(&["recover"])
        .by("")
        .text("null")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "email": 1, "handle": 2 }))
        .invalid("every field has its type", &["email", "handle"])
        .body(json!({ "email": "@", "handle": "alice" }))
        .invalid("an e-mail has its form", &["email"])
        .body(json!({ "email": "nobody@example.com", "handle": null }))
        .answers("a miss looks like a hit", 200, "{pending_id: pnd_, message}")
        .body(json!({ "email": "bob@example.com", "handle": "alice" }))
        .answers("so does a handle of another e-mail", 200, "{pending_id: pnd_, message}")
        .body(json!({ "email": "alice@example.com", "handle": "alice" }))
        .answers("so does a refused send gate", 200, "{pending_id: pnd_, message}")
        .given(LONG)
        .answers("a hit", 200, "{pending_id: pnd_, message}")
        .given(Deed::ReadMail("alice@example.com"));

    recover_verify = nobody("wire §3.2, §3.1", "POST /v1/agents/recover/verify")
        .policies(&["recover_verify"])
        .by("")
        .given(did("operator", "POST /admin/agents", json!({ "email": "alice@example.com", "handle": "alice-two" })))
        .given(did("", "POST /v1/agents/recover", json!({ "email": "zed@example.com" })).keep("spent", "/pending_id"))
        .given(
            did("", "POST /v1/agents/recover/verify", json!({ "pending_id": "$spent", "code": "000000" }))
                .times(5)
                .whatever_comes(),
        )
        .given(begun("carol@example.com", "carol").keep("registration", "/pending_id"))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "code": "1234567" }))
        .invalid("both fields are required", &["code", "pending_id"])
        .body(json!({ "pending_id": "$registration", "code": "000000" }))
        .refused("a pending of another flow", ErrorCode::Expired)
        .body(json!({ "pending_id": "$spent", "code": "000000" }))
        .refused("a sixth try", ErrorCode::OtpAttemptsExhausted)
        .given(LONG)
        .given(did("", "POST /v1/agents/recover", json!({ "email": "zed@example.com" })).keep("miss", "/pending_id"))
        .body(json!({ "pending_id": "$miss", "code": "000000" }))
        .refused("no code satisfies a miss", ErrorCode::InvalidCode)
        .given(did("", "POST /v1/agents/recover", json!({ "email": "alice@example.com" })).keep("both", "/pending_id"))
        .given(Deed::ReadMail("alice@example.com"))
        .body(json!({ "pending_id": "$both", "code": "$wrong" }))
        .refused("a wrong code", ErrorCode::InvalidCode)
        .body(json!({ "pending_id": "$both", "code": "$code" }))
        .refused_with(
            "several live agents and no handle",
            ErrorCode::HandleRequired,
            &[("handles", json!(["alice", "alice-two"]))],
        )
        .refused("that consumed the pending", ErrorCode::Expired)
        .given(LONG)
        .given(
            did("", "POST /v1/agents/recover", json!({ "email": "alice@example.com", "handle": "alice-two" }))
                .keep("late", "/pending_id"),
        )
        .given(Deed::ReadMail("alice@example.com"))
        .given(did("operator", "DELETE /admin/agents/alice-two", Value::Null))
        .body(json!({ "pending_id": "$late", "code": "$code" }))
        .refused("the agent was deleted meanwhile", ErrorCode::InvalidCode)
        .given(LONG)
        .given(
            did("", "POST /v1/agents/recover", json!({ "email": "alice@example.com", "handle": "@Alice" }))
                .keep("own", "/pending_id"),
        )
        .given(Deed::ReadMail("alice@example.com"))
        .body(json!({ "pending_id": "$own", "code": "$code" }))
        .answers("the code is right", 200, "{handle, api_key, message}")
        .having("/handle", "alice");

    rotate = agent("wire §3.2", "POST /v1/agents/{handle}/rotate-key")
        .policies(&["rotate"])
        .limit("otp_hourly=1")
        .given(Deed::SystemAgent("herald"))
        .given(Deed::Mailer(Mail::Refused))
        .at("handle", "bob")
        .refused("not the own account", ErrorCode::Forbidden)
        .at("handle", "nobody-here")
        .refused("not the own account, whether it exists or not", ErrorCode::Forbidden)
        .by("herald")
        .at("handle", "herald")
        .refused("keys of system agents are the operator's", ErrorCode::SystemAgentProtected)
        .by("alice")
        .at("handle", "@Alice")
        .refused("a code was sent less than 60 s ago", ErrorCode::OtpCooldown)
        .given(Deed::Wait(60_000))
        .refused("the hour's codes are used up", ErrorCode::OtpHourlyCap)
        .given(Deed::Wait(3_540_000))
        .refused("the mailer takes no mail", ErrorCode::OtpFailed)
        .given(Deed::Mailer(Mail::Arrives))
        .answers("a code is on its way", 200, "{pending_id: pnd_, message}");

    rotate_verify = agent("wire §3.2, §3.1", "POST /v1/agents/{handle}/rotate-key/verify")
        .ends_the_key()
        .policies(&["rotate_verify"])
        .given(LONG)
        .given(did("bob", "POST /v1/agents/bob/rotate-key", Value::Null).keep("foreign", "/pending_id"))
        .given(did("alice", "POST /v1/agents/alice/rotate-key", Value::Null).keep("spent", "/pending_id"))
        .given(Deed::ReadMail("alice@example.com"))
        .given(
            did(
                "alice",
                "POST /v1/agents/alice/rotate-key/verify",
                json!({ "pending_id": "$spent", "code": "$wrong" }),
            )
            .times(5)
            .whatever_comes(),
        )
        .at("handle", "bob")
        .text("[")
        .refused("not the own account", ErrorCode::Forbidden)
        .at("handle", "alice")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "pending_id": 1, "code": "abcdef" }))
        .invalid("a code has six digits", &["code", "pending_id"])
        .body(json!({ "pending_id": "$foreign", "code": "$code" }))
        .refused("a pending of another agent", ErrorCode::Expired)
        .body(json!({ "pending_id": "$spent", "code": "$code" }))
        .refused("a sixth try, even with the right code", ErrorCode::OtpAttemptsExhausted)
        .given(LONG)
        .given(did("alice", "POST /v1/agents/alice/rotate-key", Value::Null).keep("own", "/pending_id"))
        .given(Deed::ReadMail("alice@example.com"))
        .body(json!({ "pending_id": "$own", "code": "$wrong" }))
        .refused("a wrong code", ErrorCode::InvalidCode)
        .body(json!({ "pending_id": "$own", "code": "$code" }))
        .answers("the code is right", 200, "{handle, api_key}")
        .having("/handle", "alice");
}
