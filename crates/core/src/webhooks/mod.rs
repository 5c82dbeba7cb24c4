//! Webhooks: addresses of an agent that are called when something happens to it.
//!
//! A webhook that is deleted is disowned at once, and a stored job removes what it was owed. What an inbox says of its
//! agent's webhooks (`inbox.hooks`) changes under the inbox's lock with them, so that a send needs no other look.

mod address;
mod create;
mod delete;
pub mod deliver;
mod deliveries;
mod event;
mod list;
mod queue_presence;
mod record;
mod replay;
mod rotate_secret;

pub use address::{FindAddress, WebhookAddress};
pub use create::CreateWebhook;
pub use delete::DeleteWebhook;
pub(crate) use delete::disown_all;
pub use deliveries::ListDeliveries;
pub(crate) use event::tell;
pub use list::{ListWebhooks, ShowWebhook};
pub use queue_presence::QueuePresences;
pub use replay::ReplayDelivery;
pub use rotate_secret::RotateWebhookSecret;
