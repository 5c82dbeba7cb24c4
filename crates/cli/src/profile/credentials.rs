//! The saved key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What `$AGENTCHAT_HOME/credentials` holds.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Credentials {
    pub(crate) api_key: String,
    pub(crate) handle: String,
    pub(crate) api_base: String,
    pub(crate) created_at: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, api_base, .. } = self;
        write!(out, "Credentials {{ api_key: ***, handle: {handle:?}, api_base: {api_base:?} }}")
    }
}
