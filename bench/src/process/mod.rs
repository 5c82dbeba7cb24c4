//! Servers as processes: started, killed, and their usage read from `/proc`.

pub mod choice;
pub mod launch;
pub mod machine;
pub mod server;
pub mod service;
pub mod usage;

pub use choice::ServerChoice;
pub use launch::Launch;
pub use machine::Machine;
pub use server::Server;
pub use service::{Bill, Service};
pub use usage::Usage;
