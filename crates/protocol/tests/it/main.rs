//! The contract's examples and rules, checked through the crate's public face.

mod ids;
