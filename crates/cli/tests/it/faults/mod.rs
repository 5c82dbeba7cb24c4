//! The server on a disk that fails, and under `kill -9`.
//!
//! The disk is the layer of the store's own tests: a library loaded into the server's process, switched from here.

mod crash;
mod full_disk;
mod keyed;
#[expect(dead_code, reason = "the store's tests use the rest")]
#[path = "../../../../store/tests/faults/layer.rs"]
mod layer;
pub(crate) mod served;
