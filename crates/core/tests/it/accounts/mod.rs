//! Codes, registration, recovery, key rotation.

mod codes;
mod recovery;
mod registration;
mod rotation;
