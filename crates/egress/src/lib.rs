//! Calls to addresses that somebody else named: what may be called, and the client that calls nothing else.
//!
//! - [`check_url`]: what a URL says of itself, looked at when it is given.
//! - [`is_public`]: whether an address is everybody's.

mod address;
mod url;

pub use address::is_public;
pub use url::check_url;
