//! wire.md §15: attachments.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ladder::{Auth, Ladder, REDIRECT, agent, ladders};
use super::world::{Call, Deed, Storage, did};

const SLOT: &str = "{attachment_id: att_, upload_url, expires_in: int}";
const BYTES: &[u8] = b"what is in the file";

/// What a request for a slot says of [`BYTES`], for the target in `more`.
pub(super) fn declared(more: Value) -> Value {
    declared_as("notes.txt", "text/plain", BYTES, more)
}

fn declared_as(filename: &str, kind: &str, bytes: &[u8], more: Value) -> Value {
    let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut body = json!({ "filename": filename, "content_type": kind, "size": bytes.len(), "sha256": sha256 });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    body
}

/// A slot of alice's, for bob.
pub(super) fn slot(to: Value) -> Call {
    did("alice", "POST /v1/uploads", declared(to)).keep("attachment", "/attachment_id").keep("url", "/upload_url")
}

/// Its bytes arrive.
pub(super) fn filled() -> Call {
    did("", "PUT $url", Value::Null).with(BYTES)
}

/// A group of alice and bob, one that ended, and dave, who has blocked alice.
fn scene(section: &'static str, endpoint: &'static str) -> Ladder {
    agent(section, endpoint)
        .cast(&["alice", "bob", "carol", "dave"])
        .given(did("dave", "POST /v1/contacts/alice/block", Value::Null))
        .founded("alice", "group")
        .joined("alice", "group", "bob")
        .founded("alice", "ended")
        .joined("alice", "ended", "bob")
}

fn end_of_the_group() -> Call {
    did("alice", "DELETE /v1/groups/$ended", Value::Null)
}

ladders! {
    upload = scene("wire §15", "POST /v1/uploads")
        .limit("upload=1/60")
        .given(end_of_the_group())
        .given(slot(json!({ "to": "bob" })))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "to": 1, "conversation_id": 2, "filename": 3, "content_type": 4, "size": "5", "sha256": 6 }))
        .invalid(
            "every field has its type",
            &["content_type", "conversation_id", "filename", "sha256", "size", "to"],
        )
        .body(json!({ "to": "bob" }))
        .invalid("everything is required", &["content_type", "filename", "sha256", "size"])
        .body(json!({ "to": "bob", "filename": "a/b", "content_type": "text/html", "size": 0, "sha256": "A".repeat(64) }))
        .invalid("a name is no path, kinds are few, a hash is lowercase", &["content_type", "filename", "sha256", "size"])
        .body(json!({ "to": "bob", "filename": "x".repeat(256), "content_type": "TEXT", "size": 26_214_401, "sha256": "a" }))
        .invalid("names and files have their size", &["content_type", "filename", "sha256", "size"])
        .body(declared(json!({ "to": "bob", "conversation_id": "$group" })))
        .invalid("to or a conversation, not both", &[])
        .body(declared(json!({})))
        .invalid("to or a conversation, not neither", &[])
        .body(declared(json!({ "to": "nobody-here" })))
        .refused_with("policy upload, once it is well formed", ErrorCode::RateLimited, &[("reason", json!("upload"))])
        .given(Deed::Wait(60_000))
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "to": "@Alice" })))
        .refused("not oneself", ErrorCode::ValidationError)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "to": "dave" })))
        .refused("a block, in either direction", ErrorCode::Blocked)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "conversation_id": "$ended" })))
        .by("bob")
        .refused_with("G: a former participant", ErrorCode::GroupDeleted, &[("deleted_by_handle", json!("alice"))])
        .by("carol")
        .refused("G: a deleted group tells strangers nothing", ErrorCode::GroupNotFound)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "conversation_id": "$group" })))
        .refused("G: not a member", ErrorCode::GroupNotFound)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "conversation_id": "grp_00000000000000000000000000" })))
        .refused("G: no such group", ErrorCode::GroupNotFound)
        .given(Deed::Wait(60_000))
        .by("alice")
        .body(declared(json!({ "to": "@Bob", "conversation_id": null })))
        .given(Deed::Storage(Storage::Fails))
        .refused("what keeps files fails", ErrorCode::StorageUnavailable)
        .given(Deed::Storage(Storage::Works))
        .given(Deed::Wait(60_000))
        .answers("a slot for an agent", 201, SLOT)
        .having("/expires_in", 7200)
        .given(Deed::Wait(60_000))
        .body(declared(json!({ "conversation_id": "$group" })))
        .answers("a slot for a group", 201, SLOT);

    upload_bytes = scene("wire §1.13", "POST /v1/uploads")
        .limit("upload_bytes=40/3600")
        .body(declared(json!({ "to": "bob" })))
        .answers("19 of 40", 201, SLOT)
        .body(declared_as("x", "text/plain", &[b'x'; 21], json!({ "to": "bob" })))
        .answers("the rest", 201, SLOT)
        .body(declared(json!({ "to": "bob" })))
        .refused_with("what was declared counts", ErrorCode::RateLimited, &[("reason", json!("upload_bytes"))])
        .given(Deed::Wait(3_600_000))
        .answers("an hour later", 201, SLOT);

    put = Ladder::of("wire §15", "PUT /v1/uploads/{id}", Auth::Own)
        .by("")
        .given(slot(json!({ "to": "bob" })))
        .at("id", "x")
        .bytes(b"something else")
        .refused("nothing is signed", ErrorCode::UploadUrlInvalid)
        .to("$url!")
        .refused("the signature is another", ErrorCode::UploadUrlInvalid)
        .to("$url")
        .refused_with("another size", ErrorCode::AttachmentMismatch, &[("field", json!("size"))])
        .bytes(b"what is in the fine")
        .refused_with("other bytes", ErrorCode::AttachmentMismatch, &[("field", json!("sha256"))])
        .bytes(BYTES)
        .given(Deed::Storage(Storage::Fails))
        .refused("what keeps files fails", ErrorCode::StorageUnavailable)
        .given(Deed::Storage(Storage::Works))
        .answers("the bytes that were declared", 200, "{ok, attachment_id: att_}")
        .having("/attachment_id", "$attachment")
        .header("Authorization", "Bearer nonsense")
        .answers("again: the same, whatever key comes along", 200, "{ok, attachment_id: att_}")
        .given(
            did("alice", "POST /v1/uploads", declared_as("a.png", "image/png", BYTES, json!({ "to": "bob" })))
                .keep("url", "/upload_url"),
        )
        .refused_with("not what it says it is", ErrorCode::AttachmentMismatch, &[("field", json!("content_type"))])
        .given(slot(json!({ "to": "bob" })))
        .given(Deed::Wait(7_200_001))
        .refused("the time is over", ErrorCode::UploadUrlInvalid);

    download = scene("wire §15", "GET /v1/attachments/{id}")
        .given(slot(json!({ "conversation_id": "$ended" })))
        .given(filled())
        .given(end_of_the_group())
        .at("id", "$attachment")
        .by("bob")
        .refused_with("a former participant", ErrorCode::GroupDeleted, &[("deleted_by_handle", json!("alice"))])
        .by("carol")
        .refused("a deleted group tells strangers nothing", ErrorCode::NotFound)
        .by("bob")
        .given(slot(json!({ "to": "bob" })))
        .refused("nothing was uploaded", ErrorCode::NotFound)
        .by("alice")
        .refused("nothing was uploaded, for nobody", ErrorCode::NotFound)
        .given(filled())
        .at("id", "att_00000000000000000000000000")
        .refused("no such attachment", ErrorCode::NotFound)
        .at("id", "x")
        .refused("nor can it be", ErrorCode::NotFound)
        .by("carol")
        .at("id", "$attachment")
        .refused("not for the caller", ErrorCode::NotFound)
        .by("bob")
        .query("metadata=1")
        .answers("what was declared", 200, "Attachment")
        .having("/filename", "notes.txt")
        .having("/content_type", "text/plain")
        .having("/size", 19)
        .query("")
        .given(Deed::Storage(Storage::Fails))
        .refused("what keeps files fails", ErrorCode::StorageUnavailable)
        .given(Deed::Storage(Storage::Works))
        .answers("to where the bytes are", 302, REDIRECT)
        .by("alice")
        .answers("the uploader too", 302, REDIRECT)
        .given(slot(json!({ "conversation_id": "$group" })))
        .given(filled())
        .by("bob")
        .answers("a member", 302, REDIRECT)
        .by("carol")
        .refused("not a member", ErrorCode::NotFound)
        .joined("alice", "group", "carol")
        .answers("who joined later", 302, REDIRECT)
        .given(did("carol", "POST /v1/groups/$group/leave", Value::Null))
        .refused("no longer a member", ErrorCode::NotFound);

    content = Ladder::of("wire §15", "GET /v1/attachments/{id}/content", Auth::Own)
        .by("")
        .given(slot(json!({ "to": "bob" })))
        .given(filled())
        .given(did("bob", "GET /v1/attachments/$attachment", Value::Null).keep("location", "location"))
        .at("id", "$attachment")
        .refused("nothing is signed", ErrorCode::UploadUrlInvalid)
        .to("$location!")
        .refused("the signature is another", ErrorCode::UploadUrlInvalid)
        .to("$location")
        .answers("the bytes, without a key", 200, "text/plain")
        .headed("content-length", "19")
        .headed("content-disposition", "attachment; filename*=UTF-8''notes.txt")
        .headed("content-security-policy", "sandbox; default-src 'none'")
        .headed("accept-ranges", "bytes")
        .header("Range", "bytes=8-9")
        .answers("a part of them", 206, "text/plain")
        .headed("content-length", "2")
        .headed("content-range", "bytes 8-9/19")
        .header("Range", "bytes=19-")
        .refused("a part that is not there", ErrorCode::ValidationError)
        .header("Range", "")
        .given(Deed::Storage(Storage::Fails))
        .refused("what keeps files fails", ErrorCode::StorageUnavailable)
        .given(Deed::Storage(Storage::Works))
        .given(Deed::Wait(300_001))
        .refused("the time is over", ErrorCode::UploadUrlInvalid);
}
