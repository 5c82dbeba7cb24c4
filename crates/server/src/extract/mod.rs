//! What handlers ask for. All failures are JSON errors in the order the contract gives.

mod body;
mod caller;
mod client_ip;
mod operator;
mod path;
mod query;

pub(crate) use body::{
    Body, Capped, Streamed, TooLarge, Unread, cap as body_cap, declared_length, drain, is_streamed, read as read_body,
};
pub(crate) use caller::{AnyCaller, Caller, UnmeteredCaller, authenticate, bearer};
pub(crate) use client_ip::ClientIp;
pub(crate) use operator::{Operator, same_secret};
pub(crate) use path::{PathHandle, PathText, PathTexts};
pub(crate) use query::Query;
