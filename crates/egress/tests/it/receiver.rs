//! Somebody who is called, over TLS or not, and answers as it was told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A certificate that says one name, and those who trust it.
pub(crate) struct Identity {
    pub(crate) roots: RootCertStore,
    acceptor: TlsAcceptor,
}

impl Identity {
    pub(crate) fn of(host: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self { roots, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// What a receiver answers every request.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// These bytes.
    Says(&'static str),
    /// A good head, and a body that does not end.
    Endless,
    /// Nothing.
    Silent,
}

pub(crate) const GOOD: Manner = Manner::Says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");

#[derive(Default)]
struct Inside {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    ended: AtomicUsize,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn plain(manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), None, manner).await
    }

    pub(crate) async fn secure(identity: &Identity, manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Some(identity.acceptor.clone()), manner).await
    }

    pub(crate) async fn at(address: SocketAddr, tls: Option<TlsAcceptor>, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside::default());
        let task = tokio::spawn(listen(listener, tls, manner, Arc::clone(&inside)));
        Self { address, inside, task }
    }

    /// What it was sent, each request with its head.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inside.requests.lock().unwrap().clone()
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.inside.connections.load(Ordering::SeqCst)
    }

    /// How many of the connections are over.
    pub(crate) fn ended(&self) -> usize {
        self.inside.ended.load(Ordering::SeqCst)
    }
}

async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, manner: Manner, inside: Arc<Inside>) {
    while let Ok((stream, _)) = listener.accept().await {
        inside.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, inside) = (tls.clone(), Arc::clone(&inside));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, manner, &inside).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, manner, &inside).await,
                    Err(_refused) => {}
                },
            }
            inside.ended.fetch_add(1, Ordering::SeqCst);
        });
    }
}

/// Requests are short and have a body of the length they say.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner, inside: &Inside) {
    let mut buffer = Vec::new();
    loop {
        while !is_whole(&buffer) {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        inside.requests.lock().unwrap().push(String::from_utf8(std::mem::take(&mut buffer)).unwrap());
        match manner {
            Manner::Silent => {}
            Manner::Says(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Manner::Endless => return endless(stream).await,
        }
    }
}

async fn endless(mut stream: impl AsyncWrite + Unpin) {
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let mut next = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    while stream.write_all(next.as_bytes()).await.is_ok() {
        next.clone_from(&chunk);
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
