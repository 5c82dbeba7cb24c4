//! The contract's examples and rules, checked through the crate's public face.

mod accounts;
mod deliveries;
mod frames;
mod groups;
mod ids;
mod messages;
#[cfg(feature = "openapi")]
mod openapi;
mod reference;
mod requests;
mod send;
mod send_equivalence;
mod times;
