//! The store on a disk that fails: a child process works on it, this one breaks and repairs it, kills the child, and
//! compares what is left with what was acknowledged.

mod child;
mod errors;
#[expect(dead_code, reason = "the command's tests use the rest")]
#[path = "../../faults/layer.rs"]
mod layer;
mod power;
mod start;
mod workload;
