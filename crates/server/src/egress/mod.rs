//! What may be called from here: addresses that are everybody's, over HTTPS.

mod address;
mod url;

pub(crate) use url::check_url;
