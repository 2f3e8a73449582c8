//! A TCP proxy in front of a server that a test can cut, stall and mend: the server is away for one test only.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It forwards them.
    Open,
    /// It keeps them and forwards only what clients say.
    Mute,
    /// It keeps them and forwards nothing, as when a cable is pulled.
    Stalled,
    /// It closes them, the present ones too.
    Cut,
}

/// A proxy in front of one server. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    url: Url,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of the server that `url` names; open at first.
    ///
    /// # Panics
    /// When `url` has no host and port.
    pub async fn before(url: &str) -> Self {
        let mut url = Url::parse(url).expect("the address of the server behind the proxy");
        let server = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the proxy");
        let SocketAddr::V4(address) = listener.local_addr().expect("the proxy's address") else {
            panic!("the proxy listens on an IPv4 address")
        };
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(address.port())).expect("a URL with a port");
        let (line, state) = watch::channel(Line::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, server.clone(), state.clone()));
            }
        });
        Self { url, line, accepting }
    }

    /// The server's address by way of the proxy.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// Closes all connections and every new one at once.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Keeps all connections and lets nothing pass.
    pub fn stall(&self) {
        self.line.send_replace(Line::Stalled);
    }

    /// Keeps all connections, and lets what clients say pass, but no answer.
    pub fn mute(&self) {
        self.line.send_replace(Line::Mute);
    }

    /// Forwards again.
    pub fn mend(&self) {
        self.line.send_replace(Line::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.line.send_replace(Line::Cut);
    }
}

async fn connect(client: TcpStream, server: (String, u16), mut line: watch::Receiver<Line>) {
    if *line.borrow_and_update() == Line::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let cut = line.clone();
    tokio::select! {
        () = forward(from_client, to_server, line.clone(), &[Line::Open, Line::Mute]) => {}
        () = forward(from_server, to_client, line, &[Line::Open]) => {}
        () = become_one_of(cut, &[Line::Cut]) => {}
    }
}

/// Forwards while the line is one of these.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: watch::Receiver<Line>, lets_pass: &[Line]) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        become_one_of(line.clone(), lets_pass).await;
        let Some(bytes) = buffer.get(..length) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

async fn become_one_of(mut line: watch::Receiver<Line>, wanted: &[Line]) {
    // An error means that the proxy is gone, and with it its connections.
    line.wait_for(|line| wanted.contains(line)).await.map(drop).ok();
}
