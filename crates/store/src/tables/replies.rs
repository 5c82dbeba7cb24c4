//! Leases and claims of those who reply for an agent.
