//! The process-wide choice of a TLS implementation. Sealing and signatures are elsewhere.

/// Makes ring the provider of TLS for every client in this process. Calling it again does nothing.
pub fn install() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider is installed already");
    }
}
