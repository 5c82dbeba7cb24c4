//! A connection to an address that was looked at.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::CallError;

/// What speaks on a connection.
pub(crate) type Speaker = SendRequest<Full<Bytes>>;

/// Connects to `address`, and over TLS makes sure that `host` is there.
pub(crate) async fn connect(address: SocketAddr, host: &str, tls: Option<&TlsConnector>) -> Result<Speaker, CallError> {
    let stream = TcpStream::connect(address).await.map_err(CallError::Connect)?;
    // Small requests are not to wait for acknowledgements of earlier ones.
    stream.set_nodelay(true).map_err(CallError::Connect)?;
    let Some(tls) = tls else { return speak(stream).await };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| CallError::Url("Not a valid host"))?;
    speak(tls.connect(name, stream).await.map_err(CallError::Tls)?).await
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Speaker, CallError> {
    let (speaker, driver) = handshake(TokioIo::new(stream)).await?;
    // It ends with the connection; what went wrong is told to the one who speaks.
    tokio::spawn(async move {
        let _ended = driver.await;
    });
    Ok(speaker)
}
