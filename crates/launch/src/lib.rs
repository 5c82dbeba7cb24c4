//! Starts PostgreSQL and NATS for tests and measurements. Everything here panics when that fails: a test without its
//! server must not pass.
//!
//! * [`Postgres`], [`Nats`]: servers on free loopback ports that can be killed and started again. They are gone when
//!   their value is dropped and when our process ends, in whatever way;
//! * [`Gate`]: a network between two programs that a test can break;
//!
//! ```no_run
//! let server = agentchat_launch::Postgres::shared();
//! server.create("chat");
//! ```

mod gate;
mod nats;
mod postgres;
mod program;
mod watchdog;

pub use agentchat_store::Engine;
pub use gate::Gate;
pub use nats::Nats;
pub use postgres::{Postgres, PostgresSettings};
