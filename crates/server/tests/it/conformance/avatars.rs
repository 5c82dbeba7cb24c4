//! wire.md §16: avatars.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Auth, Ladder, agent, ladders};
use super::pictures::{png, png_of};
use super::world::{Deed, Storage, did};

/// A minute is over, and with it the token of the last attempt.
fn rested(ladder: Ladder) -> Ladder {
    ladder.given(Deed::Wait(60_000))
}

/// What may be wrong with a picture, one after the other; the last one is right.
fn pictured(ladder: Ladder) -> Ladder {
    let empty = rested(ladder.text("")).refused("there are no bytes", ErrorCode::EmptyBody);
    let strange =
        rested(empty.text("BM, as bitmaps begin")).refused("not a kind that is known", ErrorCode::UnsupportedFormat);
    let broken = rested(strange.bytes(b"\x89PNG\r\n\x1a\nnothing"))
        .refused("no header behind the signature", ErrorCode::DecodeFailed);
    let small = rested(broken.bytes(png(127, 300))).refused_with(
        "a side is too short",
        ErrorCode::ImageTooSmall,
        &[("min", json!(128))],
    );
    let huge = rested(small.bytes(png_of(5_000, 5_034, b""))).refused("too many pixels", ErrorCode::ProcessingFailed);
    let cut =
        rested(huge.bytes(png_of(200, 200, b"few"))).refused("the pixels are not there", ErrorCode::ProcessingFailed);
    let lost = rested(cut.bytes(png(200, 300)).given(Deed::Storage(Storage::Fails)));
    rested(lost.refused("what keeps files fails", ErrorCode::StorageUnavailable).given(Deed::Storage(Storage::Works)))
}

/// A group of alice and bob, one that ended; carol is a stranger to both.
fn group(endpoint: &'static str) -> Ladder {
    agent("wire §16", endpoint)
        .cast(&["alice", "bob", "carol"])
        .limit("avatar_write=1/60")
        .founded("alice", "group")
        .joined("alice", "group", "bob")
        .founded("alice", "ended")
        .joined("alice", "ended", "bob")
        .given(did("alice", "DELETE /v1/groups/$ended", Value::Null))
        .at("id", "$ended")
        .by("carol")
        .refused("GA: a deleted group tells strangers nothing", ErrorCode::GroupNotFound)
        .by("bob")
        .refused_with("GA: a former participant", ErrorCode::GroupDeleted, &[("deleted_by_handle", json!("alice"))])
        .at("id", "grp_x")
        .refused("GA: no such group", ErrorCode::GroupNotFound)
        .by("carol")
        .at("id", "$group")
        .refused("GA: not a member", ErrorCode::GroupNotFound)
        .by("bob")
        .refused("GA: not an admin", ErrorCode::Forbidden)
        .by("alice")
}

fn spent(ladder: Ladder) -> Ladder {
    let picture = did("alice", "PUT /v1/agents/alice/avatar", Value::Null).with(png(200, 200));
    ladder.given(Deed::Wait(60_000)).given(picture).refused_with(
        "policy avatar_write, own and group avatars together",
        ErrorCode::RateLimited,
        &[("reason", json!("avatar_write"))],
    )
}

ladders! {
    set = pictured(spent(
        agent("wire §16", "PUT /v1/agents/{handle}/avatar")
            .limit("avatar_write=1/60")
            .at("handle", "bob")
            .refused("not the own account", ErrorCode::Forbidden)
            .at("handle", "nobody-here")
            .refused("not the own account, whether it exists or not", ErrorCode::Forbidden)
            .at("handle", "@Alice"),
    ))
    .answers("a picture", 200, "Picture");

    remove = spent(
        agent("wire §16", "DELETE /v1/agents/{handle}/avatar")
            .limit("avatar_write=1/60")
            .at("handle", "bob")
            .refused("not the own account", ErrorCode::Forbidden)
            .at("handle", "alice"),
    )
    .given(Deed::Wait(60_000))
    .answers("no picture any more", 200, "{ok}")
    .given(Deed::Wait(60_000))
    .refused("none was set", ErrorCode::NotFound);

    set_of_a_group = pictured(spent(group("PUT /v1/groups/{id}/avatar"))).answers("a picture", 200, "Picture");

    remove_of_a_group = spent(group("DELETE /v1/groups/{id}/avatar"))
        .given(Deed::Wait(60_000))
        .refused("none was set", ErrorCode::NotFound)
        .given(Deed::Wait(60_000))
        .given(did("alice", "PUT /v1/groups/$group/avatar", Value::Null).with(png(128, 128)))
        .given(Deed::Wait(60_000))
        .answers("no picture any more", 200, "{ok}");

    show = Ladder::of("wire §16", "GET /avatars/{subject}/{file}", Auth::Own)
        .by("")
        .given(
            did("alice", "PUT /v1/agents/alice/avatar", Value::Null)
                .with(png(300, 200))
                .keep("picture", "/avatar_url")
                .keep("key", "/avatar_key"),
        )
        .at("subject", "somebody")
        .at("file", "nothing.webp")
        .refused("no such picture", ErrorCode::NotFound)
        .to("/avatars/$key")
        .answers("to everybody, for ever", 200, "image/webp")
        .headed("cache-control", "public, max-age=31536000, immutable")
        .to("$picture")
        .answers("where the record says", 200, "image/webp");
}
