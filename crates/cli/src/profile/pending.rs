//! A flow between its two steps: the code is on its way by mail.

use serde::{Deserialize, Serialize};

/// Which flow waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flow {
    Register,
    Recover,
    RotateKey,
}

impl Flow {
    /// The command that runs it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Recover => "recover",
            Self::RotateKey => "rotate-key",
        }
    }
}

/// What the second step needs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Pending {
    pub(crate) flow: Flow,
    pub(crate) pending_id: String,
    pub(crate) api_base: String,
    /// Whose key is rotated; for registration and recovery what was asked for.
    pub(crate) handle: Option<String>,
}
