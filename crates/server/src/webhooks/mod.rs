//! Calls to webhooks.

mod hooks;

pub(crate) use hooks::Hooks;
