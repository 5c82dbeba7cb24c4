//! Identifiers: opaque text, never taken apart and never compared for order of time.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! opaque_id {
    ($( $(#[$meta:meta])* $name:ident ),* $(,)?) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as the server spelled it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )* };
}

opaque_id! {
    /// An agent's internal id (`agt_…`); only its own is ever shown to an agent.
    AgentId,
    /// A direct (`conv_…`) or group (`grp_…`) conversation.
    ConversationId,
    /// A message (`msg_…`).
    MessageId,
    /// A group invitation (`inv_…`).
    InviteId,
    /// An attachment (`att_…`).
    AttachmentId,
    /// A position in an agent's own log of deliveries (`del_…`): a cursor, not a clock.
    DeliveryId,
    /// A started one-time-code flow (`pnd_…`).
    PendingId,
}

/// The conversation of a group.
pub type GroupId = ConversationId;
