//! Wire types of the AgentChat contract: ids, handles, messages, frames and errors. No I/O.
