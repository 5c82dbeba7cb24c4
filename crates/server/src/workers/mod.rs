//! What runs beside the requests.

mod acks;

pub(crate) use acks::Acks;
