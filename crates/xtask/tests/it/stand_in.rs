//! Whoever is called by the system, reduced to what a test wants of them: it hears what is asked, and answers by a rule.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::world::DEADLINE;

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The request's first line and its headers.
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

/// What is answered to a path: the status, further headers, the body.
pub(crate) type Rule = fn(&str) -> (u16, &'static str, &'static str);

/// A server on a port of its own.
pub(crate) struct StandIn {
    pub(crate) url: String,
    asked: UnboundedReceiver<Asked>,
}

impl StandIn {
    pub(crate) async fn start(rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, sender.clone(), rule));
            }
        });
        Self { url, asked }
    }

    /// The next request.
    pub(crate) async fn hears(&mut self) -> Asked {
        tokio::time::timeout(DEADLINE, self.asked.recv()).await.expect("a request within the deadline").unwrap()
    }
}

async fn answer(mut connection: TcpStream, sender: UnboundedSender<Asked>, rule: Rule) {
    let asked = read(&mut connection).await;
    let (status, headers, body) = rule(asked.path());
    drop(sender.send(asked));
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    connection.write_all(answer.as_bytes()).await.unwrap();
}

async fn read(connection: &mut TcpStream) -> Asked {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Asked { head: head.to_owned(), body: serde_json::from_str(body).unwrap_or_default() };
            }
        }
        assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0, "the whole request");
    }
}
