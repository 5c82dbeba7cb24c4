//! Calls that are made, and calls that are not.

mod made;
mod names;
mod receiver;
mod refused;
