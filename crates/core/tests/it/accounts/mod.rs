//! Codes, registration, recovery, key rotation.

mod codes;
mod concurrency;
mod recovery;
mod registration;
mod rotation;
