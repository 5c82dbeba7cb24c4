//! The transport of this crate: HTTP/1.1 with kept connections over tokio.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::http::client_config;
use crate::http::pieces::Outlet;
use crate::http::progress::{PacedBody, Progress};
use crate::http::transport::{
    BoxFuture, FailureClass, HttpTransport, Limits, RawResponse, RequestBody, TransportFailure,
};

/// Plain connections never touch TLS: on loopback that is most of their cost.
#[derive(Default)]
pub(crate) struct HyperTransport {
    plain: OnceLock<Client<HttpConnector, PacedBody>>,
    secure: OnceLock<Client<HttpsConnector<HttpConnector>, PacedBody>>,
}

impl HttpTransport for HyperTransport {
    fn send<'a>(
        &'a self,
        request: http::Request<RequestBody>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<RawResponse, TransportFailure>> {
        Box::pin(async move {
            let progress = Progress::new();
            let request = request.map(|data| PacedBody::new(data, progress.clone()));
            let exchange = self.exchange(request, limits.max_body);
            match limits.response {
                None => exchange.await,
                Some(limit) => within(exchange, &progress, limit).await,
            }
        })
    }
}

impl HyperTransport {
    async fn exchange(
        &self,
        request: http::Request<PacedBody>,
        max_body: usize,
    ) -> Result<RawResponse, TransportFailure> {
        let outlet = request.extensions().get::<Outlet>().cloned();
        let response = if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
            self.secure()?.request(request).await
        } else {
            self.plain().request(request).await
        };
        let (head, body) = response.map_err(request_failure)?.into_parts();
        let reason = head.extensions.get::<hyper::ext::ReasonPhrase>();
        let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        let reason = reason.or_else(|| head.status.canonical_reason().map(str::to_owned));
        let body = match outlet.filter(|_| head.status.is_success()) {
            Some(outlet) => hand_on(body, &outlet).await?,
            None => collect(body, max_body).await?,
        };
        Ok(RawResponse { status: head.status.as_u16(), reason, headers: head.headers, body })
    }

    fn plain(&self) -> &Client<HttpConnector, PacedBody> {
        self.plain.get_or_init(|| client().build(tcp()))
    }

    fn secure(&self) -> Result<&Client<HttpsConnector<HttpConnector>, PacedBody>, TransportFailure> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        let made = client().build(https_connector()?);
        Ok(self.secure.get_or_init(|| made))
    }
}

fn client() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(60));
    builder
}

pub(crate) fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

pub(crate) fn https_connector() -> Result<HttpsConnector<HttpConnector>, TransportFailure> {
    let config = client_config().map_err(|error| failure(FailureClass::Local, "TLS cannot be set up", error))?;
    let builder = HttpsConnectorBuilder::new().with_tls_config(config.as_ref().clone());
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp()))
}

/// Runs the exchange under H20: no pause longer than the limit while connecting or writing, and the whole answer within
/// the limit from then on.
async fn within<T>(
    exchange: impl Future<Output = Result<T, TransportFailure>>,
    progress: &Progress,
    limit: Duration,
) -> Result<T, TransportFailure> {
    tokio::pin!(exchange);
    let mut due = progress.state().moved_at + limit;
    loop {
        match tokio::time::timeout_at(due, &mut exchange).await {
            Ok(result) => return result,
            Err(_) => {
                let state = progress.state();
                let moved = state.moved_at + limit;
                if moved <= due {
                    return Err(timed_out(state.written));
                }
                due = moved;
            }
        }
    }
}

fn timed_out(written: bool) -> TransportFailure {
    let phase = if written { "waiting for the answer" } else { "sending" };
    let text = format!("AgentChat SDK: request timed out while {phase}");
    TransportFailure { class: FailureClass::Timeout, text, source: None }
}

/// Hands the body on; what remains of it here is nothing.
async fn hand_on(mut body: Incoming, outlet: &Outlet) -> Result<Bytes, TransportFailure> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(body_failure)?.into_data() else { continue };
        if outlet.0.send(data).await.is_err() {
            // Nobody wants the rest.
            break;
        }
    }
    Ok(Bytes::new())
}

async fn collect(mut body: Incoming, max: usize) -> Result<Bytes, TransportFailure> {
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(body_failure)?.into_data() else { continue };
        let length = first.len().max(all.as_ref().map_or(0, BytesMut::len)) + data.len();
        if length > max {
            let text = format!("AgentChat SDK: the answer is larger than {max} bytes");
            return Err(TransportFailure { class: FailureClass::TooLarge, text, source: None });
        }
        // Nearly every answer is one piece and is passed on as it is.
        match &mut all {
            Some(all) => all.extend_from_slice(&data),
            None if first.is_empty() => first = data,
            None => all = Some(BytesMut::from_iter(first.iter().chain(data.iter()))),
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

fn request_failure(error: hyper_util::client::legacy::Error) -> TransportFailure {
    let class = match tls_error(&error) {
        Some(rustls::Error::InvalidCertificate(_)) => FailureClass::TlsRejected,
        Some(_) => FailureClass::Tls,
        None if error.is_connect() => FailureClass::Connect,
        None => protocol_class(&error),
    };
    failure(class, "AgentChat SDK: request failed", error)
}

fn body_failure(error: hyper::Error) -> TransportFailure {
    let class = if error.is_parse() { FailureClass::Protocol } else { FailureClass::Truncated };
    failure(class, "AgentChat SDK: the answer broke off", error)
}

fn protocol_class(error: &(dyn StdError + 'static)) -> FailureClass {
    let parse = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse);
    if parse { FailureClass::Protocol } else { FailureClass::Reset }
}

/// The TLS error below another one. I/O errors hide what they wrap from `source`, so they are opened.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.and_then(|wrapped| tls_error(wrapped)).or_else(|| tls_error(error.source()?))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn failure(class: FailureClass, what: &str, error: impl StdError + Send + Sync + 'static) -> TransportFailure {
    let last = causes(&error).last().map(ToString::to_string).unwrap_or_default();
    TransportFailure { class, text: format!("{what}: {last}"), source: Some(Box::new(error)) }
}
