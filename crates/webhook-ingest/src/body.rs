//! Taking a body from the wire, within limits of size and time, and of memory for all of them. What is in it is the door's.

use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::{BytesMut, Payload};
use domain::fault::FaultKind;
use futures_util::StreamExt;
use runtime::http::Problem;
use tokio::time::{Instant, timeout_at};

/// A sender that is slower than this gives up its place.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The same where more than half of the room is taken, asked again as often: to hold it then takes as much bandwidth, and not only
/// patience.
const HASTE: Duration = Duration::from_secs(1);

/// How large a body may be, and the memory for those of all connections: nobody has proved to be a platform before the last byte.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    limit: usize,
    room: usize,
    taken: Arc<AtomicUsize>,
}

/// A body. It takes room until it is dropped.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    bytes: BytesMut,
    taken: usize,
    of: &'a Bodies,
}

impl Bodies {
    /// Bodies of at most `limit` bytes each, in `room` bytes of memory together.
    pub(crate) fn new(limit: usize, room: usize) -> Self {
        Self { limit, room, taken: Arc::default() }
    }

    /// Reads a body, which is whole once it has as many bytes as were declared.
    ///
    /// # Errors
    /// 413 beyond the limit, 503 where there is no room or none for who is slow, 400 when the sender breaks off or dawdles.
    pub(crate) async fn read(&self, payload: Payload, declared: Option<usize>) -> Result<Body<'_>, Problem> {
        let begun = Instant::now();
        let mut reading = pin!(self.collect(payload, declared));
        let mut asked_again = begun + HASTE;
        while asked_again < begun + TIME_LIMIT {
            if let Ok(read) = timeout_at(asked_again, reading.as_mut()).await {
                return read;
            }
            if self.taken.load(Ordering::Relaxed) > self.room / 2 {
                return Err(without_room());
            }
            asked_again += HASTE;
        }
        timeout_at(begun + TIME_LIMIT, reading).await.unwrap_or_else(|_elapsed| {
            let detail = "The body did not arrive in time.";
            Err(Problem::malformed(detail))
        })
    }

    async fn collect(&self, mut payload: Payload, declared: Option<usize>) -> Result<Body<'_>, Problem> {
        let mut body = self.begin();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Problem::malformed(format!("The body broke off: {error}.")))?;
            let length = body.len().saturating_add(chunk.len());
            if length > self.limit {
                return Err(Problem::too_large(self.limit));
            }
            if !body.add(&chunk, declared == Some(length)) {
                return Err(without_room());
            }
        }
        Ok(body)
    }

    fn begin(&self) -> Body<'_> {
        Body { bytes: BytesMut::new(), taken: 0, of: self }
    }
}

impl Body<'_> {
    /// Adds what came; `false` where there is no room for it.
    ///
    /// The last quarter of the room is for what is whole, and so is soon gone: whoever sends slowly keeps out others who do, and no
    /// delivery that comes in one piece.
    fn add(&mut self, chunk: &[u8], is_whole: bool) -> bool {
        self.bytes.extend_from_slice(chunk);
        let more = self.bytes.capacity().saturating_sub(self.taken);
        self.taken = self.taken.saturating_add(more);
        let room = if is_whole { self.of.room } else { self.of.room - self.of.room / 4 };
        // What is too much is given back when the body is dropped.
        more == 0 || self.of.taken.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= room
    }
}

impl Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.of.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

fn without_room() -> Problem {
    metrics::counter!("webhook_bodies_without_room_total").increment(1);
    let detail = "There is no room for more deliveries at the moment.";
    Problem::new(FaultKind::Unavailable, FaultKind::Unavailable.code(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_finds_room_where_what_is_not_finds_none() {
        let bodies = Bodies::new(1_000, 4_000);
        let mut slow = [bodies.begin(), bodies.begin(), bodies.begin()];
        assert!(slow.iter_mut().all(|body| body.add(&[0; 1_000], false)));
        assert!(!bodies.begin().add(b"x", false));
        let mut whole = bodies.begin();
        assert!(whole.add(&[0; 1_000], true));
        assert!(!bodies.begin().add(b"x", true));

        drop((slow, whole));
        let mut grown = bodies.begin();
        assert!(grown.add(&[0; 500], false) && grown.add(&[0; 500], true));
        assert_eq!((grown.len(), bodies.taken.load(Ordering::Relaxed)), (1_000, grown.bytes.capacity()));
        drop(grown);
        assert_eq!(bodies.taken.load(Ordering::Relaxed), 0);
    }
}
