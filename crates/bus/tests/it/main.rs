//! The bus against real servers.

mod credentials;
mod delivery;
mod interest;
mod node;
mod outage;
