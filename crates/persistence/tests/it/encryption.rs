//! The way to a server that is reached over TLS alone: a front before the real one that takes nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use persistence::Database;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// How a client asks for TLS, before anything else (PostgreSQL's documentation, "SSL Session Encryption").
const TLS_PLEASE: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Ends TLS, and passes on what is inside.
struct Front {
    address: Url,
    certificate: PathBuf,
}

impl Front {
    async fn before(server: &str) -> Self {
        let server: Url = server.parse().unwrap();
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let certificate = std::env::temp_dir().join(format!("coccinelle-tls-{}-{port}.pem", std::process::id()));
        std::fs::write(&certificate, key.cert.pem()).unwrap();
        let mut address = server.clone();
        address.set_host(Some("localhost")).unwrap();
        address.set_port(Some(port)).unwrap();
        let place = (server.host_str().unwrap().to_owned(), server.port().unwrap_or(5432));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, acceptor.clone(), place.clone()));
            }
        });
        Self { address, certificate }
    }

    fn database(&self, parameters: &str) -> Database {
        let mut address = self.address.clone();
        address.set_query(Some(parameters));
        Database::new(&String::from(address).into(), 1, Duration::from_secs(10))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        std::fs::remove_file(&self.certificate).ok();
    }
}

async fn pass_on(mut stream: TcpStream, acceptor: TlsAcceptor, place: (String, u16)) {
    let mut asked = [0; 8];
    if stream.read_exact(&mut asked).await.is_err() || asked != TLS_PLEASE {
        return;
    }
    stream.write_all(b"S").await.unwrap();
    // Who does not trust the certificate goes away.
    let Ok(mut inside) = acceptor.accept(stream).await else { return };
    let mut server = TcpStream::connect(place).await.unwrap();
    tokio::io::copy_bidirectional(&mut inside, &mut server).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_over_tls_if_it_shows_a_certificate_that_is_trusted() {
    let server = testkit::database().await;
    let front = Front::before(&server.url()).await;
    let trusted = format!("sslrootcert={}", front.certificate.display());
    for mode in ["require", "verify-full"] {
        assert!(front.database(&format!("sslmode={mode}&{trusted}")).is_up().await, "{mode}");
        // It is none of the system's.
        assert!(!front.database(&format!("sslmode={mode}")).is_up().await, "{mode}");
    }
    assert!(!front.database("").is_up().await, "the front takes nothing but TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_shows_another_name_is_not_taken_for_the_right_one() {
    let server = testkit::database().await;
    let mut front = Front::before(&server.url()).await;
    front.address.set_host(Some("127.0.0.1")).unwrap();
    let trusted = format!("sslmode=verify-full&sslrootcert={}", front.certificate.display());
    assert!(!front.database(&trusted).is_up().await);
}
