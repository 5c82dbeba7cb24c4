//! Tests of the crate at the level of its promises.
