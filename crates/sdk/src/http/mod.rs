//! Requests and answers: what is sent, when it is repeated, and what an answer means.

pub(crate) mod answer;
pub(crate) mod call;
mod driver;
pub(crate) mod hyper_transport;
mod machine;
pub(crate) mod pieces;
mod progress;
pub(crate) mod request;
mod retry;
mod retry_after;
mod tls;
pub(crate) mod transport;
pub(crate) mod url;

pub use call::{Call, Response, ResponseCall};
pub use machine::{Input as RequestInput, Output as RequestOutput, RequestMachine};
pub use pieces::Pieces;
pub use retry::{Retry, RetryPolicy};
pub use retry_after::parse_retry_after;
pub use transport::{BoxFuture, FailureClass, HttpTransport, Limits, RawResponse, RequestBody, TransportFailure};

pub(crate) use hyper_transport::HyperTransport;
pub(crate) use request::{Request, Target};
pub(crate) use tls::client_config;
