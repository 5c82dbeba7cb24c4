//! What runs beside the requests.

mod acks;
mod deletion;

pub(crate) use acks::Acks;
pub(crate) use deletion::{clear_deleted, resume_jobs};
