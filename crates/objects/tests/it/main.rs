//! Stores, verification, addresses, pictures.

mod addresses;
mod bucket;
mod locations;
mod pictures;
mod stores;
mod verification;
