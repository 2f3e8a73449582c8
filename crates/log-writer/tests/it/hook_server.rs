//! A web server of the test's own that takes whatever is posted, and keeps it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use testkit::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::LIMIT;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    /// Request line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) struct HookServer {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl HookServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let (url, calls) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<Call>>>::default());
        let kept = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { url, calls }
    }

    /// Waits until so many requests came.
    pub(crate) async fn calls(&self, wanted: usize) -> Vec<Call> {
        wait::until("requests", LIMIT, || async {
            let calls = self.calls.lock().unwrap().clone();
            if calls.len() >= wanted { Ok(calls) } else { Err(calls.len()) }
        })
        .await
    }
}

/// One request a connection.
async fn serve(mut stream: TcpStream, calls: Arc<Mutex<Vec<Call>>>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let call = loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(call) = whole(&bytes) {
            break call;
        }
    };
    calls.lock().unwrap().push(call);
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    drop(stream.write_all(answer.as_bytes()).await);
}

fn whole(bytes: &[u8]) -> Option<Call> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_lowercase();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let body = (body.len() >= length).then(|| serde_json::from_str(body).unwrap())?;
    Some(Call { path: head.split(' ').nth(1)?.to_owned(), head, body })
}
