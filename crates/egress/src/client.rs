//! One POST to an address that somebody else named.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rustls::RootCertStore;
use tokio_rustls::TlsConnector;

use crate::connection::{Speaker, connect};
use crate::pool::{Place, Pool};
use crate::resolve::System;
use crate::{CallError, Guard, Resolve, check_url, is_public, tls};

/// A call takes no longer, from the name to the end of the answer.
const WITHIN: Duration = Duration::from_secs(10);
/// What is read of an answer, and thrown away, so that its connection can be used again.
const READ: usize = 64 * 1024;

/// Calls what may be called. Clones share their connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    pool: Pool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("guard", &self.0.guard).finish_non_exhaustive()
    }
}

/// What a URL says about where it leads.
struct Target {
    uri: Uri,
    secure: bool,
    host: String,
    port: u16,
}

impl Client {
    /// A client that asks the operating system for addresses.
    ///
    /// # Errors
    /// There is no usable TLS.
    pub fn new(guard: Guard) -> Result<Self, rustls::Error> {
        Self::with(guard, Arc::new(System), RootCertStore::empty())
    }

    /// A client that asks `resolver` for addresses and trusts `roots` besides the usual ones.
    ///
    /// # Errors
    /// There is no usable TLS.
    pub fn with(guard: Guard, resolver: Arc<dyn Resolve>, roots: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self(Arc::new(Inner { guard, resolver, tls: tls::connector(roots)?, pool: Pool::default() })))
    }

    /// What this client may call.
    pub fn guard(&self) -> Guard {
        self.0.guard
    }

    /// Posts `body` and answers the status; 10 s at most. Redirects are not followed, and at most 64 KiB of what comes
    /// back are read.
    ///
    /// # Errors
    /// [`CallError::NotAllowed`] before anything is sent to an address that may not be called; otherwise what kept the
    /// answer from coming.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<StatusCode, CallError> {
        let call = self.call(url, headers, body);
        tokio::time::timeout(WITHIN, call).await.map_err(|_| CallError::Timeout(WITHIN.as_secs()))?
    }

    async fn call(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<StatusCode, CallError> {
        let target = self.target(url)?;
        let addresses = self.addresses(&target).await?;
        let request = || request(&target, headers.clone(), body.clone());
        // A kept connection may have been closed by the other side this moment; then the call never reached it.
        for address in &addresses {
            let place = target.place(*address);
            while let Some(mut speaker) = self.0.pool.take(&place, Instant::now()) {
                match speaker.try_send_request(request()?).await {
                    Ok(answer) => return self.finish(place, speaker, answer).await,
                    Err(mut refused) => match refused.take_message() {
                        Some(_) => {}
                        None => return Err(refused.into_error().into()),
                    },
                }
            }
        }
        let (place, mut speaker) = self.connect(&target, &addresses).await?;
        let answer = speaker.send_request(request()?).await?;
        self.finish(place, speaker, answer).await
    }

    fn target(&self, url: &str) -> Result<Target, CallError> {
        let url = check_url(url, self.0.guard).map_err(|problem| match problem {
            "The address is not public" => CallError::NotAllowed,
            other => CallError::Url(other),
        })?;
        let uri: Uri = url.parse().map_err(|_| CallError::Url("Not a valid URL"))?;
        let secure = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Target {
            secure,
            // A name and its absolute form are one, for certificates too.
            host: bare.trim_end_matches('.').to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            uri,
        })
    }

    /// Every address the host stands for, if all of them may be called. Literal addresses are looked at here as well:
    /// no resolver is asked for them.
    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, CallError> {
        let found = match target.host.parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_) => self.0.resolver.resolve(&target.host).await.map_err(CallError::Resolve)?,
        };
        if found.is_empty() {
            return Err(CallError::Resolve(std::io::ErrorKind::NotFound.into()));
        }
        let allowed = self.0.guard == Guard::AllowPrivate || found.iter().all(|address| is_public(*address));
        if allowed { Ok(found) } else { Err(CallError::NotAllowed) }
    }

    /// The first of the addresses that lets itself be connected.
    async fn connect(&self, target: &Target, addresses: &[IpAddr]) -> Result<(Place, Speaker), CallError> {
        let tls = target.secure.then_some(&self.0.tls);
        let mut failed = None;
        for address in addresses {
            let place = target.place(*address);
            match connect(place.address, &target.host, tls).await {
                Ok(speaker) => return Ok((place, speaker)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or(CallError::Resolve(std::io::ErrorKind::NotFound.into())))
    }

    /// Reads the answer away, as far as it is short and whole, and keeps the connection then. What it says is its status.
    async fn finish(
        &self,
        place: Place,
        speaker: Speaker,
        answer: http::Response<Incoming>,
    ) -> Result<StatusCode, CallError> {
        let status = answer.status();
        let mut body = answer.into_body();
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            read += frame.as_ref().ok().and_then(|frame| frame.data_ref()).map_or(0, Bytes::len);
            if frame.is_err() || read > READ {
                return Ok(status);
            }
        }
        self.0.pool.put(place, speaker, Instant::now());
        Ok(status)
    }
}

impl Target {
    fn place(&self, address: IpAddr) -> Place {
        Place { secure: self.secure, host: self.host.clone(), address: SocketAddr::new(address, self.port) }
    }
}

fn request(target: &Target, mut headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
    let authority = target.uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(authority).map_err(|_| CallError::Url("Not a valid host"))?;
    headers.insert(HOST, host);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(|_| CallError::Url("Not a valid URL"))?;
    *request.headers_mut() = headers;
    Ok(request)
}
