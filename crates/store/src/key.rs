//! Integer keys of rows. They never leave the server: public ids are spelled at the edge only.

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl From<$name> for crate::row::Value<'_> {
            fn from(key: $name) -> Self {
                Self::Int(key.0)
            }
        }
        impl From<Option<$name>> for crate::row::Value<'_> {
            fn from(key: Option<$name>) -> Self {
                key.map_or(Self::Null, |key| Self::Int(key.0))
            }
        }
    )*};
}

keys! {
    /// Row of `agent` (and of `inbox`).
    AgentKey,
    /// Row of `conversation`.
    ConversationKey,
    /// Row of `message`.
    MessageKey,
    /// Row of `attachment`.
    AttachmentKey,
    /// Row of `job`.
    JobKey,
    /// Row of `webhook`.
    WebhookKey,
    /// Row of `webhook_delivery`.
    WebhookDeliveryKey,
}
