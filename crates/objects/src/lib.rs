//! Bytes that messages and profiles refer to.
