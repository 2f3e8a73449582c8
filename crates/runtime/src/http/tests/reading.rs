//! Who asks for more than any socket's buffers hold, and reads it or does not. Linux alone cuts the latter off.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::any_port;
use crate::config::HttpSettings;
use crate::http::bind;

/// Tells when it is dropped.
struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Somebody who has asked for more than any socket's buffers hold, and has read nothing yet; the answer tells when it is dropped.
struct Asking {
    socket: TcpStream,
    dropped: Arc<Notify>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn asking(reading_timeout: Duration) -> Asking {
    let dropped = Arc::new(Notify::new());
    let handler = dropped.clone();
    let bound = bind(&HttpSettings { reading_timeout, ..any_port() }, move |routes| {
        let dropped = handler.clone();
        routes.route(
            "/big",
            web::get().to(move || {
                // 64 MiB.
                let told = Told(dropped.clone());
                let piece = web::Bytes::from(vec![b'x'; 64 * 1024]);
                let pieces = futures_util::stream::iter(0..1024).map(move |_| {
                    let _held = &told;
                    Ok::<_, std::io::Error>(piece.clone())
                });
                async move { HttpResponse::Ok().streaming(pieces) }
            }),
        );
    })
    .unwrap();
    let (port, stop) = (bound.port(), CancellationToken::new());
    let running = tokio::spawn(bound.run_until(stop.clone()));
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    Asking { socket, dropped, stop, running }
}

#[tokio::test]
async fn who_never_reads_an_answer_is_cut_off() {
    let idle = asking(Duration::from_secs(1)).await;
    let cut_off = tokio::time::timeout(Duration::from_secs(60), idle.dropped.notified());
    cut_off.await.expect("the answer is still held for somebody who does not read it");
    drop(idle.socket);
    idle.stop.cancel();
    idle.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_reads_an_answer_gets_it_whole() {
    let mut reading = asking(Duration::from_secs(60)).await;
    let mut heard = Vec::new();
    reading.socket.read_to_end(&mut heard).await.unwrap();
    assert!(heard.len() > 64 * 1024 * 1024, "{}", heard.len());
    reading.stop.cancel();
    reading.running.await.unwrap().unwrap();
}
