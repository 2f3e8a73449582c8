//! The answers to requests that may come twice: which are kept, and how they are given again.

use std::collections::BTreeMap;

use actix_web::body::{BoxBody, to_bytes_limited};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpResponse, ResponseError as _};
use domain::id::TenantId;
use persistence::idempotency::{self, Reply, Request};
use persistence::{PersistenceError, Scope};
use runtime::http::Problem;

use super::secret::{MadeAt, NAME};
use crate::state::Gateway;

/// Bytes of an answer that are kept; none of ours is longer.
const REPLY_LIMIT: usize = 1024 * 1024;

/// What sets an answer apart that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Keeps an answer, or frees the key where another try may end differently.
pub(super) async fn keep(
    gateway: &Gateway,
    tenant: TenantId,
    mine: &Request,
    response: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let bytes = match to_bytes_limited(body, REPLY_LIMIT).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) | Err(_) => {
            tracing::error!(operation = mine.operation, "an answer cannot be kept");
            let problem = Problem::internal();
            return ServiceResponse::new(request, problem.error_response());
        }
    };
    let mut headers = kept(response.headers_mut());
    let secret = response.extensions().get::<MadeAt>().copied();
    headers.extend(secret.map(|MadeAt(at)| (NAME.to_owned(), at.to_string())));
    let body = if secret.is_some() { Vec::new() } else { bytes.to_vec() };
    let reply = Reply { status: response.status().as_u16(), headers, body };
    if let Err(error) = store(gateway, tenant, mine, is_final(response.status()).then_some(&reply)).await {
        // What was done is done and must be told. Its key is free again when its claim runs out.
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, operation = mine.operation, "an answer could not be kept for its repetitions");
    }
    ServiceResponse::new(request, response.set_body(BoxBody::new(bytes)))
}

async fn store(
    gateway: &Gateway,
    tenant: TenantId,
    mine: &Request,
    reply: Option<&Reply>,
) -> Result<(), PersistenceError> {
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    match reply {
        Some(reply) => idempotency::answer(&mut tx, tenant, mine, reply).await?,
        None => idempotency::release(&mut tx, tenant, mine).await?,
    }
    tx.commit().await
}

/// Whether an answer is that of the request itself: not of a part that was away, or of a caller who asked too early or
/// without the right.
fn is_final(status: StatusCode) -> bool {
    let passing =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    (200..500).contains(&status.as_u16()) && !passing.contains(&status)
}

fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    let value = |name: HeaderName| Some((name.to_string(), headers.get(&name)?.to_str().ok()?.to_owned()));
    [CONTENT_TYPE, LOCATION, ETAG].into_iter().filter_map(value).collect()
}

/// An answer that was kept, once more.
pub(super) fn replay(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in reply.headers {
        response.insert_header(header);
    }
    response.insert_header((REPLAYED, "true")).body(reply.body)
}

/// An answer that its handler has given once more.
pub(super) fn mark(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_try_may_change_is_not_kept() {
        for (status, kept) in
            [(200, true), (201, true), (409, true), (422, true), (401, false), (403, false), (429, false), (503, false)]
        {
            assert_eq!(is_final(StatusCode::from_u16(status).unwrap()), kept, "{status}");
        }
    }
}
