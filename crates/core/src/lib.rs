//! The rules of AgentChat: one operation a file, deterministic, run inside a store transaction.
