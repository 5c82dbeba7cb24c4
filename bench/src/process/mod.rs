//! The server as a process: started, killed, and its usage read from `/proc`.

pub mod launch;
pub mod machine;
pub mod usage;

pub use launch::{Launch, Server, ServerChoice};
pub use machine::Machine;
pub use usage::Usage;
