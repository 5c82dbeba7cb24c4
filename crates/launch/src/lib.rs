//! Starts PostgreSQL and NATS for tests and measurements. Everything here panics when that fails: a test without its
//! server must not pass.
//!
//! * [`Postgres`], [`Nats`]: servers on free loopback ports that can be killed and started again. They are gone when
//!   their value is dropped and when our process ends, in whatever way;
//! * [`Watched`]: any other program that must end with us; [`free_port`]: where one may listen that is started again;
//! * [`Gate`]: a network between two programs that a test can break;
//! * [`TestStore`], [`TestDatabase`]: a fresh store for one test, on either engine.
//!
//! ```no_run
//! use agentchat_launch::{Engine, Postgres, PostgresSettings, TestStore};
//!
//! # async fn example() {
//! let mut place = TestStore::open(Engine::Postgres).await;
//! place.store.ping().await.unwrap();
//! place.reopen().await;
//!
//! let own = Postgres::start(PostgresSettings { durable: true, ..PostgresSettings::default() });
//! own.create("chat");
//! own.kill();
//! own.start_again();
//! # }
//! ```

mod gate;
mod nats;
mod pooler;
mod port;
mod postgres;
mod process;
mod program;
mod store;
mod watchdog;

pub use agentchat_store::Engine;
pub use gate::Gate;
pub use nats::Nats;
pub use pooler::Pooler;
pub use port::free_port;
pub use postgres::{Postgres, PostgresSettings};
pub use store::{TestDatabase, TestStore};
pub use watchdog::Watched;
