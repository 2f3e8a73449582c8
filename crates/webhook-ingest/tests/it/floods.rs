//! Uploads that nobody has signed and that come slowly: they take so much room, and what platforms deliver finds the rest.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::world::{DEADLINE, PATH, change, start_with};

/// Of each upload so many bytes come, and the rest does not.
const PART: usize = 8_192;

/// Parts for which there is room; three quarters of it is for bodies that are not whole yet.
const ROOM: usize = 32;

const UPLOADS: usize = 64;

/// Sends this to the service, and waits for the head of an answer.
async fn send(address: String, mut request: Vec<u8>, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    request.extend_from_slice(body);
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") && stream.read_buf(&mut answer).await.unwrap() > 0 {}
    String::from_utf8_lossy(&answer).to_lowercase()
}

fn head(framing: &str) -> Vec<u8> {
    format!("POST {PATH} HTTP/1.1\r\nhost: hooks.example.com\r\n{framing}\r\n\r\n").into_bytes()
}

/// Waits for so many answers, each of which says to come again.
async fn refused(uploads: &mut JoinSet<String>, count: usize) {
    for _ in 0..count {
        let answer = uploads.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("http/1.1 503") && answer.contains("\r\nretry-after: "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_of_strangers_take_so_much_room_and_none_of_a_delivery() {
    let (limit, room) = ((8 * PART).to_string(), (ROOM * PART).to_string());
    let settings = [("COCCINELLE__INGEST__BODY_LIMIT", limit.as_str()), ("COCCINELLE__INGEST__BODIES_LIMIT", &room)];
    let world = start_with(Default::default(), &settings).await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let mut uploads = JoinSet::new();
    for _ in 0..UPLOADS {
        let begun = head(&format!("content-length: {}", 2 * PART));
        let address = address.clone();
        uploads.spawn(async move { send(address, begun, &[b' '; PART]).await });
    }
    // At once those for which there was no room, and a moment later those that take more than half of it.
    refused(&mut uploads, UPLOADS - ROOM * 3 / 4).await;
    assert_eq!(world.deliver(change(1)).await.status().as_u16(), 202);
    refused(&mut uploads, ROOM / 4).await;

    uploads.shutdown().await;
    // In chunks, nobody is told beforehand how much there is: this one finds room where slow ones do.
    testkit::wait::until("room", DEADLINE, || async {
        let body = [format!("{PART:x}\r\n").as_bytes(), &[b' '; PART], b"\r\n0\r\n\r\n"].concat();
        let answer = send(address.clone(), head("transfer-encoding: chunked"), &body).await;
        if answer.starts_with("http/1.1 401") { Ok(()) } else { Err(answer) }
    })
    .await;
    assert_eq!(world.deliver(change(2)).await.status().as_u16(), 202);
    world.stop().await;
}
