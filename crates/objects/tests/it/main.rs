//! Stores, verification, addresses, images.
