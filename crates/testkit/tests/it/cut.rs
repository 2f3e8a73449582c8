//! The proxy.

use std::time::Duration;

use testkit::cut::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that sends back what it gets; and a proxy before it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Proxy::before(&format!("tcp://{address}")).await
}

async fn dial(proxy: &Proxy) -> TcpStream {
    let url = proxy.url();
    TcpStream::connect(url.trim_start_matches("tcp://")).await.unwrap()
}

async fn echoes(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"ping").await.ok()?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.ok()?;
    (&answer == b"ping").then_some(())
}

#[tokio::test]
async fn a_cut_ends_connections_and_mending_lets_new_ones_through() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    assert!(echoes(&mut stream).await.is_some());

    proxy.cut();
    assert!(echoes(&mut stream).await.is_none());
    assert!(echoes(&mut dial(&proxy).await).await.is_none());

    proxy.mend();
    assert!(echoes(&mut dial(&proxy).await).await.is_some());
}

#[tokio::test]
async fn a_stalled_line_delivers_when_it_is_mended() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    proxy.stall();
    let waiting = tokio::time::timeout(Duration::from_millis(50), echoes(&mut stream)).await;
    assert!(waiting.is_err());
    proxy.mend();
    let mut answer = [0; 4];
    assert_eq!(stream.read_exact(&mut answer).await.unwrap(), 4);
}

#[tokio::test]
async fn a_mute_line_lets_through_what_is_said_and_no_answer_before_it_is_mended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(&format!("tcp://{}", listener.local_addr().unwrap())).await;
    let mut client = dial(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.mute();
    let mut heard = [0; 4];
    client.write_all(b"ping").await.unwrap();
    server.read_exact(&mut heard).await.unwrap();
    server.write_all(b"pong").await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(50), client.read_exact(&mut heard)).await;
    assert!(waiting.is_err() && &heard == b"ping");
    proxy.mend();
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"pong");
}
