//! Several nodes on one PostgreSQL and one NATS.

mod compared;
mod family;
mod leftovers;
mod tormented;
