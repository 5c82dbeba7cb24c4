//! The AgentChat server: router, handlers, realtime sessions, workers.
