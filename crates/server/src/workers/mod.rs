//! What runs beside the requests.

mod acks;
mod expiry;
mod index;
mod jobs;
mod presence;
mod purge;
mod resync;
mod retention;

pub(crate) use acks::Acks;
pub(crate) use expiry::work as expire;
pub(crate) use index::index;
pub(crate) use jobs::{Jobs, work as work_on_jobs};
pub(crate) use presence::keep_presence;
pub(crate) use purge::purge;
pub(crate) use resync::resync;
pub(crate) use retention::retain;
