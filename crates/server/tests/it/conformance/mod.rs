//! The contract's proof: every endpoint's row of wire.md as a table that runs, on every engine.
//!
//! How to read it: one file a resource, one [`ladder`](ladder::Ladder) a row, from the request that is all wrong to the
//! one that succeeds. `prologues` proves for all of them what comes before their rows (wire.md §1.8), `masking` that
//! answers which must not differ do not (§1.10), `answers` and `shapes` hold every answer against §1 and §2. `coverage`
//! sees to it that no route and no error code is left out.

mod answers;
mod climb;
mod contract;
mod ladder;
mod pictures;
mod shapes;
mod world;

mod coverage;
mod masking;
mod prologues;

mod accounts;
mod admin;
mod agents;
mod avatars;
mod contacts;
mod conventions;
mod conversations;
mod directory;
mod export;
mod files;
mod groups;
mod invites;
mod messages;
mod mutes;
mod presence;
mod replies;
mod search;
mod service;
mod streams;
mod sync;
mod webhooks;

/// Every row of the contract.
fn all() -> Vec<ladder::Ladder> {
    let files = [
        accounts::all(),
        admin::all(),
        agents::all(),
        avatars::all(),
        contacts::all(),
        conversations::all(),
        directory::all(),
        export::all(),
        files::all(),
        groups::all(),
        invites::all(),
        messages::all(),
        mutes::all(),
        presence::all(),
        replies::all(),
        search::all(),
        service::all(),
        streams::all(),
        sync::all(),
        webhooks::all(),
    ];
    files.into_iter().flatten().collect()
}
