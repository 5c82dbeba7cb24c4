//! Test support, for development only: everything here panics when a test's ground is not firm.
//!
//! * [`TestServer`]: a real server in this process, on a free port and a temporary folder, and on PostgreSQL if you like;
//! * [`Mailbox`]: the mails it hands over, and the codes in them;
//! * [`Seeded`]: an agent made by the operator, without mail.
//!
//! ```no_run
//! # async fn example() {
//! use agentchat_testkit::TestServer;
//!
//! let mut server = TestServer::start().await;
//! let alice = server.seed("alice").await;
//! let code = server.mailbox().next_code("ops@example.com").await;
//! server.restart().await; // the same folder, the same port
//! # }
//! ```

mod http;
mod mailbox;
mod server;

pub use agentchat_launch::Engine;
pub use mailbox::Mailbox;
pub use server::{Seeded, TestServer};
