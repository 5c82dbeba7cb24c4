//! Token buckets in the store, exact on every node.

mod bucket;
mod purge_tokens;
mod take_token;

pub use bucket::Bucket;
pub use purge_tokens::PurgeTokens;
pub use take_token::{TakeToken, Token};
