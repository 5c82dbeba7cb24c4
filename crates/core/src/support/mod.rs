//! The system agent of a server: it greets new agents, answers their questions from a list, and hands reports to the
//! operator. It has no key and no language model; what it says depends on nothing but what it was asked.

mod answer_message;
mod escalations;
mod found_desk;
mod guards;
mod topics;
mod understand;
mod words;

pub use answer_message::{AnswerMessage, reply_id};
pub use escalations::{ChangeEscalation, ListEscalations, StatusFilter};
pub use found_desk::{DESK, FoundDesk};
pub use words::Facts;
