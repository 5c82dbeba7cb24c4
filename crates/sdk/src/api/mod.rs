//! The endpoints, one file a resource.

pub(crate) mod accounts;
pub(crate) mod agents;
pub(crate) mod conversations;
pub(crate) mod delivery;
pub(crate) mod messages;
pub(crate) mod raw;
