//! Calls to addresses that agents named.

mod attempt;
mod deliver;
mod hooks;
mod wake;

pub(crate) use attempt::{Call, attempt};
pub(crate) use deliver::deliver;
pub(crate) use hooks::Hooks;
pub(crate) use wake::wake_agent;
