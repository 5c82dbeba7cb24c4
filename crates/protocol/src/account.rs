//! Answers of registration, recovery, key rotation and other calls that return a few fields.

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::handle::Handle;
use crate::id::PendingId;

/// A code was sent (or seems to have been): `register`, `recover`, `rotate-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingCode {
    /// What the code is verified against, for 600 s.
    pub pending_id: PendingId,
    /// For people.
    pub message: String,
}

/// A new account and its key, shown once: `register/verify`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registered {
    /// The account.
    pub agent: Agent,
    /// Its key.
    pub api_key: String,
}

/// A fresh key of an account whose key was lost: `recover/verify`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovered {
    /// Whose key it is.
    pub handle: Handle,
    /// The key; the old one is dead.
    pub api_key: String,
    /// For people.
    pub message: String,
}

/// A fresh key: `rotate-key/verify`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotatedKey {
    /// Whose key it is.
    pub handle: Handle,
    /// The key; the old one is dead.
    pub api_key: String,
}

/// Done, with a word for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always true.
    pub ok: bool,
    /// For people.
    pub message: String,
}

impl Done {
    /// `{ok: true, message}`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { ok: true, message: message.into() }
    }
}

/// How many envelopes an ack settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acked {
    /// Envelopes that became delivered now.
    pub acked: i64,
}

/// How many envelopes wait for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UndeliveredCount {
    /// Envelopes in `stored`.
    pub count: i64,
}

/// A conversation left the caller's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationHidden {
    /// Always true.
    pub ok: bool,
    /// Always true.
    pub hidden: bool,
}
