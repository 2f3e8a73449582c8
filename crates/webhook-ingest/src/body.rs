//! Taking a body from the wire, within limits of size and time. What is in it is the door's.

use std::time::Duration;

use actix_web::web::{BytesMut, Payload};
use futures_util::StreamExt;
use runtime::http::Problem;

/// A sender that is slower than this gives up its place.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 beyond the limit, 400 when the sender breaks off or dawdles.
pub(crate) async fn read(payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    tokio::time::timeout(TIME_LIMIT, collect(payload, limit)).await.unwrap_or_else(|_elapsed| {
        let detail = "The body did not arrive in time.";
        Err(Problem::malformed(detail))
    })
}

async fn collect(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::malformed(format!("The body broke off: {error}.")))?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(Problem::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
