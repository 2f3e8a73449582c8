//! How a connection is made: in clear, or over TLS where the address asks for it. What is said over it is the other modules'.

use std::error::Error as _;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What an address asks for, by the names that libpq has for it. A password may stand in it, so only tests can show it.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
struct Wish<'a> {
    /// The address without what is read here, which the driver would not understand.
    address: String,
    /// Whether TLS is wanted.
    encrypted: bool,
    /// The file with the certificates that are trusted; without it, the system's are.
    roots: Option<&'a str>,
}

impl<'a> Wish<'a> {
    fn read(address: &'a str) -> ConnectionResult<Self> {
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", file)) => roots = Some(file),
                Some(_) | None => rest.push(pair),
            }
        }
        let encrypted = match mode {
            None | Some("disable" | "prefer") => false,
            // Who answers is always checked: what is sealed for nobody in particular is sealed for whoever listens.
            Some("require" | "verify-full") => true,
            Some(other) => return Err(bad(format!("sslmode must be disable, require or verify-full, not {other}"))),
        };
        let address = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
        Ok(Self { address, encrypted, roots })
    }

    /// The certificates are read anew for every connection, so that a new one counts from the next on.
    fn tls(&self) -> ConnectionResult<ClientConfig> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = self.roots {
            for certificate in CertificateDer::pem_file_iter(file).map_err(bad)? {
                roots.add(certificate.map_err(bad)?).map_err(bad)?;
            }
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ok(config.map_err(bad)?.with_root_certificates(roots).with_no_client_auth())
    }
}

/// What is set for every statement. A log has a partition for each day: compiling a plan over all of them takes longer than running it.
const SETUP: &str = "SET jit = off";

/// Makes a connection.
///
/// # Errors
/// When nobody answers there, or somebody else does.
pub(crate) async fn establish(address: &str) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = reach(address).await?;
    connection.batch_execute(SETUP).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

async fn reach(address: &str) -> ConnectionResult<AsyncPgConnection> {
    let wish = Wish::read(address)?;
    if !wish.encrypted {
        return AsyncPgConnection::establish(&wish.address).await;
    }
    let mut config: Config = wish.address.parse().map_err(refused)?;
    config.ssl_mode(SslMode::Require);
    let (client, connection) = config.connect(MakeRustlsConnect::new(wish.tls()?)).await.map_err(refused)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// The same, in the form that the pool takes.
pub(crate) fn establishing(
    address: &str,
) -> Pin<Box<dyn Future<Output = ConnectionResult<AsyncPgConnection>> + Send + '_>> {
    Box::pin(establish(address))
}

/// What the driver says, and what lies behind it: the certificate that was refused, say.
fn refused(error: tokio_postgres::Error) -> ConnectionError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    bad(format!("{error}{cause}"))
}

fn bad(error: impl Display) -> ConnectionError {
    ConnectionError::BadConnection(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_asked_for_and_leaves_the_rest_to_the_driver() {
        let read = |address| Wish::read(address).unwrap();
        let plain = read("postgres://a:b@c:5432/d?application_name=x&connect_timeout=2");
        assert_eq!(plain.address, "postgres://a:b@c:5432/d?application_name=x&connect_timeout=2");
        assert!(!plain.encrypted);
        let full = read("postgres://c/d?sslmode=verify-full&application_name=x&sslrootcert=/etc/ca.pem");
        let address = "postgres://c/d?application_name=x".to_owned();
        assert_eq!(full, Wish { address, encrypted: true, roots: Some("/etc/ca.pem") });
        assert_eq!(read("postgres://c/d?sslmode=disable").address, "postgres://c/d");
        assert!(read("postgres://c/d?sslmode=require").encrypted);
    }

    #[test]
    fn a_mode_that_is_not_known_is_refused_and_not_taken_for_none() {
        let refused = Wish::read("postgres://c/d?sslmode=verify-ful").unwrap_err();
        assert_eq!(refused.to_string(), "sslmode must be disable, require or verify-full, not verify-ful");
    }

    #[test]
    fn certificates_that_are_not_there_are_no_trust() {
        assert!(Wish::read("postgres://c/d?sslmode=require&sslrootcert=/nowhere.pem").unwrap().tls().is_err());
        assert!(Wish::read("postgres://c/d?sslmode=require").unwrap().tls().is_ok());
    }
}
