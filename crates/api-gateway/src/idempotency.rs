//! Requests that may come twice: one with the key of another is answered like it, and does nothing. What is kept of them is
//! `persistence::idempotency`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use domain::id::TenantId;
use persistence::idempotency::{self, Reply, Request, Standing};
use persistence::{PersistenceError, Scope};
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep};

use crate::auth::{Identity, Verdict};
use crate::body::Body;
use crate::refusal::Refusal;
use crate::sessions::unknown_tenant;
use crate::state::Gateway;

/// The header with a request's key.
const HEADER: &str = "idempotency-key";

/// What sets an answer apart that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Characters of a key.
const KEY_LIMIT: usize = 255;

/// For how long a key belongs to its request.
const LIFE: Duration = Duration::from_hours(24);

/// For how long a request may be under way; longer than any handler takes. After that its process is held for dead.
const LEASE: Duration = Duration::from_secs(60);

/// How long a repetition waits for the first request's answer, and how often it looks.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(100));

/// Bytes of an answer that are kept; none of ours is longer.
const REPLY_LIMIT: usize = 1024 * 1024;

/// POSTs that need no key: events have an id of their own, a test changes nothing, and what a session's answer holds is a
/// secret, which must not be kept.
const EXEMPT: [&str; 3] = ["/api/v1/events", "/api/v1/integrations/{id}/test", "/api/v1/session"];

/// Whether a POST of that route heeds a key. All do, unless they are named as exempt: a new one cannot forget it.
pub(crate) fn applies_to(route: &str) -> bool {
    !EXEMPT.contains(&route)
}

/// Middleware: works a POST with a key off once.
pub(crate) async fn once<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((gateway, identity)) = concerned(request.request()) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let body = match request.extract::<Body>().await {
        Ok(body) => body.0,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let tenant = identity.tenant_id;
    let mine = match read(request.request(), &identity, &body) {
        Ok(mine) => mine,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    match settled(&gateway, tenant, &mine).await {
        Ok(None) => {}
        Ok(Some(reply)) => return Ok(request.into_response(replay(reply))),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    }
    request.set_payload(Payload::from(body));
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(keep(&gateway, tenant, &mine, response).await)
}

/// The gateway and who asks, where a request has a key that counts. Who is nobody is refused by the handler.
fn concerned(request: &HttpRequest) -> Option<(web::Data<Gateway>, Identity)> {
    let has_key = request.method() == Method::POST && request.headers().contains_key(HEADER);
    if !has_key || !request.match_pattern().is_some_and(|route| applies_to(&route)) {
        return None;
    }
    let identity = request.extensions().get::<Verdict>()?.0.clone().ok()?;
    Some((request.app_data::<web::Data<Gateway>>()?.clone(), identity))
}

fn read(request: &HttpRequest, identity: &Identity, body: &[u8]) -> Result<Request, Problem> {
    let mut keys = request.headers().get_all(HEADER);
    let key = keys.next().filter(|_| keys.next().is_none()).map(actix_web::http::header::HeaderValue::as_bytes);
    let is_good = |key: &&[u8]| (1..=KEY_LIMIT).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let key = key.filter(is_good).ok_or_else(|| {
        Problem::bad_request(
            "idempotency_key_invalid",
            format!("`Idempotency-Key` must be 1 to {KEY_LIMIT} visible ASCII characters, once."),
        )
    })?;
    Ok(Request {
        // A key is its caller's own: the answer to an admin is not for whoever guesses the key.
        key_hash: vault::fingerprint("idempotency-key", &[identity.sub.as_bytes(), key]),
        operation: format!("{} {}", request.method(), request.uri()),
        request_hash: vault::fingerprint("idempotency-body", &[body]),
        claim: vault::new_secret()?.expose_secret().to_owned(),
    })
}

/// The answer that was given before; `None` where the request is claimed and now ours to work off.
async fn settled(gateway: &Gateway, tenant: TenantId, mine: &Request) -> Result<Option<Reply>, Problem> {
    let (patience, pause) = PATIENCE;
    let deadline = Instant::now() + patience;
    loop {
        let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
        let standing = idempotency::claim(&mut tx, tenant, mine, (LEASE, LIFE)).await.map_err(unknown_tenant)?;
        tx.commit().await?;
        match standing {
            Standing::Claimed => return Ok(None),
            Standing::Answered(reply) => return Ok(Some(reply)),
            Standing::Reused => return Err(Refusal::KeyReused.into()),
            Standing::UnderWay if Instant::now() >= deadline => return Err(Refusal::KeyInProgress.into()),
            Standing::UnderWay => sleep(pause).await,
        }
    }
}

/// Keeps an answer, or frees the key where another try may end differently.
async fn keep(
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
    let headers = kept(response.headers_mut());
    let reply = Reply { status: response.status().as_u16(), headers, body: bytes.to_vec() };
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

fn replay(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in reply.headers {
        response.insert_header(header);
    }
    response.insert_header((REPLAYED, "true")).body(reply.body)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use domain::time::Timestamp;

    use super::*;

    fn verdict(keys: &[&str]) -> Result<Request, Problem> {
        let identity = Identity {
            tenant_id: TenantId::new(),
            sub: "someone".to_owned(),
            roles: Vec::new(),
            expires_at: Timestamp::now(),
            session: None,
        };
        let request = keys.iter().fold(TestRequest::post(), |request, key| request.append_header((HEADER, *key)));
        read(&request.to_http_request(), &identity, b"body")
    }

    #[test]
    fn a_key_is_visible_ascii_of_a_bounded_length_and_given_once() {
        for good in ["a", "0192f1c8-a3b4", "~!\"", &"x".repeat(255)] {
            assert!(verdict(&[good]).is_ok(), "{good}");
        }
        for bad in [vec![""], vec!["a b"], vec!["é"], vec!["a\tb"], vec![&"x".repeat(256)], vec!["a", "a"]] {
            assert_eq!(verdict(&bad).unwrap_err().code(), "idempotency_key_invalid", "{bad:?}");
        }
    }

    #[test]
    fn what_another_try_may_change_is_not_kept() {
        for (status, kept) in
            [(200, true), (201, true), (409, true), (422, true), (401, false), (403, false), (429, false), (503, false)]
        {
            assert_eq!(is_final(StatusCode::from_u16(status).unwrap()), kept, "{status}");
        }
    }
}
