//! `agentchat bench …`: the load generator, with arguments of its own.

use std::ffi::OsString;

use crate::failure::Failure;

/// Hands the arguments on; the load generator parses them itself.
pub(super) fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    agentchat_bench::run_from(arguments).map_err(|error| Failure::failed(format!("{error:#}")))
}
