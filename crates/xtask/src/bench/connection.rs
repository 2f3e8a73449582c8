//! One HTTP/1.1 connection that is used again and again: as little work as possible, since it shares the machine with what is measured.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Our services answer in a few hundred bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// A connection on which one request follows the other.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("nobody listens on {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4_096) })
    }

    /// Sends a whole request and gives the status, once the whole answer has come.
    ///
    /// # Errors
    /// Fails when the connection breaks, or what comes is no answer of a known length.
    pub(super) async fn send(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.answer.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the connection was closed before the answer");
            }
            if let Some(status) = complete(&self.answer)? {
                return Ok(status);
            }
            if self.answer.len() > ANSWER_LIMIT {
                bail!("an answer is longer than {ANSWER_LIMIT} bytes");
            }
        }
    }

    /// The last answer, for telling what went wrong.
    pub(super) fn last_answer(&self) -> String {
        String::from_utf8_lossy(&self.answer).into_owned()
    }
}

/// A POST of JSON with these further headers, ready to be sent.
pub(super) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str(&format!("content-length: {length}\r\n\r\n"));
    [head.as_bytes(), body].concat()
}

/// The status of the answer, if it is there to its end.
fn complete(answer: &[u8]) -> anyhow::Result<Option<u16>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, rest) = answer.split_at(end);
    let head = std::str::from_utf8(head).context("the head of an answer is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|word| word.parse().ok());
    let status = status.context("an answer has no status")?;
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize =
        length.context("an answer says no length")?.1.trim().parse().context("a length is no number")?;
    // The blank line is still in `rest`.
    Ok((rest.len() >= length.saturating_add(4)).then_some(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\ndate: x\r\n\r\n{\"accepted\":1}";

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        for cut in 0..ANSWER.len() {
            assert_eq!(complete(&ANSWER[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(complete(ANSWER).unwrap(), Some(202));
    }

    #[test]
    fn an_answer_of_unknown_length_is_an_error() {
        assert!(complete(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(complete(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let request = String::from_utf8(post("/a", &[("x-b", "c")], "{\"d\":\"é\"}".as_bytes())).unwrap();
        assert!(request.starts_with("POST /a HTTP/1.1\r\n"));
        assert!(request.ends_with("\r\nx-b: c\r\ncontent-length: 10\r\n\r\n{\"d\":\"é\"}"), "{request}");
    }
}
