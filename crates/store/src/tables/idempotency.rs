//! Answers kept under a key.
