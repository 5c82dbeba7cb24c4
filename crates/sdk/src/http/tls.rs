//! One TLS configuration for HTTP and sockets.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// Roots bundled with the crate and those of the operating system (`SSL_CERT_FILE`, `SSL_CERT_DIR` included); made on
/// first use because reading the system's takes time that plain connections need not spend.
pub(crate) fn client_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();
    CONFIG.get_or_init(|| build().map(Arc::new)).clone()
}

fn build() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
