//! What runs beside the requests.

mod acks;
mod jobs;
mod purge;
mod resync;

pub(crate) use acks::Acks;
pub(crate) use jobs::{Jobs, work as work_on_jobs};
pub(crate) use purge::purge_tokens;
pub(crate) use resync::resync;
