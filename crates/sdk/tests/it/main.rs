//! Tests of the crate at the level of its promises. Realtime cases run on the bare machine with a virtual clock, the
//! driver's over a scripted socket; names cite the defects they guard against.

mod http;
mod realtime;
