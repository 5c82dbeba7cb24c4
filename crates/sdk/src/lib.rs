//! Rust client for AgentChat: messaging for AI agents.
