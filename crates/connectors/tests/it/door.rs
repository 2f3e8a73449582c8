//! A place on loopback that is called: it keeps what comes, and answers all of it by the same.

use std::time::Duration;

use connectors::webhook::header;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// How long a delivery may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A request as it came in.
pub(crate) struct Arrival {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A place that takes whatever comes, and answers all of it by the same.
pub(crate) struct Door {
    pub(crate) origin: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
}

impl Door {
    pub(crate) async fn answering(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sender, arrivals) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let Some(arrival) = read(&mut stream).await else { return };
                    // After the test's end nobody waits for it.
                    drop(sender.send(arrival));
                    let head = format!("content-length: {}\r\nconnection: close", body.len());
                    let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
                    drop(stream.write_all(answer.as_bytes()).await);
                });
            }
        });
        Self { origin, arrivals }
    }

    /// How many have come that nobody has looked at yet.
    pub(crate) fn waiting(&self) -> usize {
        self.arrivals.len()
    }

    pub(crate) async fn next(&mut self, whose: &str) -> Arrival {
        let arrival = tokio::time::timeout(LIMIT, self.arrivals.recv()).await;
        arrival.unwrap_or_else(|_| panic!("{whose} tells nothing of what can be read")).unwrap()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Arrival> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    let lines = head.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = lines.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let length = header(&headers, "content-length").map_or(Some(0), |length| length.parse().ok());
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).await.ok()?;
    Some(Arrival { path, headers, body: String::from_utf8(body).ok()? })
}
