//! The service against a model of its contract: random scripts by several agents, the same on both sides.
//!
//! * `script.rs`: steps, and actions, which are steps in a state;
//! * `generate.rs`: which steps are likely;
//! * `expected/`: the model;
//! * `system/`: operations on a real store, with clock and ids in the test's hand, and crashes;
//! * `compare.rs`: what differs.
//!
//! After each step those are compared whom it touched, in the conversations it touched, and its answer; after each
//! script, and every hundred steps, everybody everywhere. A script that fails is made smaller and printed as a list.
//!
//! `AGENTCHAT_MODEL_STEPS` sets the number of steps on each engine (SQLite 10,000, PostgreSQL 2,000),
//! `AGENTCHAT_MODEL_SEED` repeats a run.

mod compare;
mod expected;
mod generate;
mod run;
mod script;
mod system;
