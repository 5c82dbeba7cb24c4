//! `/v1/conversations`: the list, participants, contexts, hiding.

mod context;
mod hide;
mod list;
mod notify;
