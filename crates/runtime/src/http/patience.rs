//! How much a request may say before it is read, and how long it may take to say it. The size of a body is its reader's.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;

/// The limits of a listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the head of a request to the end of its body.
    pub(super) body_timeout: Duration,
    /// Bytes of a path with its query.
    pub(super) url: usize,
}

/// Middleware: refuses a path that is too long, and ends a body that does not come.
pub(super) async fn limit<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(limits) = request.app_data::<Limits>().copied() else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    if request.uri().path_and_query().is_some_and(|said| said.as_str().len() > limits.url) {
        let refusal = Problem::url_too_long(limits.url).error_response();
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    let body = request.take_payload();
    if !matches!(body, Payload::None) {
        request.set_payload(Payload::from(in_time(body, Instant::now() + limits.body_timeout)));
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// Cuts the connection where what was sent is not taken for so long: who never reads an answer would hold it, and the answer in
/// memory, for ever.
#[cfg(target_os = "linux")]
pub(super) fn for_reading(connection: &dyn Any, timeout: Duration) {
    use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};

    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = setsockopt(stream, TcpUserTimeout, &millis) {
        tracing::warn!(%error, "a caller who does not read is not cut off");
    }
}

/// Other systems know no such timeout; what we run on is Linux.
#[cfg(not(target_os = "linux"))]
pub(super) fn for_reading(_: &dyn Any, _: Duration) {}

type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// The same body, which breaks off at `deadline`.
fn in_time(body: Payload, deadline: Instant) -> BodyStream {
    Box::pin(stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match timeout_at(deadline, body.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, Some(body))),
            Err(_elapsed) => Some((Err(PayloadError::Io(io::ErrorKind::TimedOut.into())), None)),
        }
    }))
}
