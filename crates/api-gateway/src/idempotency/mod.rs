//! Requests that may come twice: one with the key of another is answered like it, and does nothing. What is kept of them is
//! `persistence::idempotency`'s.

mod reply;
mod secret;

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, ResponseError as _, web};
use domain::id::TenantId;
use persistence::Scope;
use persistence::idempotency::{self, Reply, Request, Standing};
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep};

use crate::auth::{Administration, Identity, Permission as _, Verdict};
use crate::body::Body;
use crate::refusal::Refusal;
use crate::sessions::unknown_tenant;
use crate::state::Gateway;
use crate::unknown::Known;

pub(crate) use secret::MadeAt;

/// The header with a request's key.
const HEADER: &str = "idempotency-key";

/// Characters of a key.
const KEY_LIMIT: usize = 255;

/// For how long a key belongs to its request.
const LIFE: Duration = Duration::from_hours(24);

/// For how long a request may be under way; longer than any handler takes. After that its process is held for dead.
const LEASE: Duration = Duration::from_secs(60);

/// How long a repetition waits for the first request's answer, and how often it looks.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(100));

/// Routes that need no key, each with why.
const EXEMPT: [(&str, &str); 6] = [
    ("/api/v1/events", "an event has an id of its own, and is taken with the database away"),
    ("/api/v1/integrations/{id}/mappings/preview", "changes nothing"),
    ("/api/v1/integrations/{id}/oauth/start", "a consent belongs to the browser that begins it"),
    ("/api/v1/integrations/{id}/sync-callback", "a report is of one write, which its pass names"),
    ("/api/v1/proxy/{id}/{path}", "a create is of one write, which its pass names; the rest is the platform's"),
    ("/api/v1/session", "a session belongs to the browser that begins it"),
];

/// Whether a request to that route heeds a key. All that change something do, unless they are named as exempt: a new one
/// cannot forget it. What no route answers to is refused for that, whatever its key is like.
pub(crate) fn applies_to(method: &Method, route: &str) -> bool {
    let is_exempt = || EXEMPT.iter().any(|(exempt, _)| *exempt == route) || route.starts_with("/api/v1/proxy/");
    matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) && !is_exempt()
}

/// Middleware: works a request with a key off once.
pub(crate) async fn once<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((gateway, identity, route)) = concerned(request.request()) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let body = match request.extract::<Body>().await {
        Ok(body) => body.0,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let tenant = identity.tenant_id;
    let mine = match read(request.request(), &route, &body) {
        Ok(mine) => mine,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let kept = match settled(&gateway, tenant, &mine).await {
        Ok(kept) => kept,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    request.set_payload(Payload::from(body));
    match kept {
        Some(reply) => match secret::made_at(&reply) {
            None => Ok(request.into_response(reply::replay(reply))),
            // Only its handler can say it again.
            Some(made_at) => {
                request.extensions_mut().insert(made_at);
                next.call(request).await.map(|response| reply::mark(response.map_into_boxed_body()))
            }
        },
        None => {
            let response = next.call(request).await?.map_into_boxed_body();
            Ok(reply::keep(&gateway, tenant, &mine, response).await)
        }
    }
}

/// The gateway, who asks and for what, where a request has a key that counts. Whoever may not change anything is refused by
/// the handler, whatever key they have found out.
fn concerned(request: &HttpRequest) -> Option<(web::Data<Gateway>, Identity, String)> {
    let route = request.match_pattern().filter(|_| request.headers().contains_key(HEADER))?;
    let is_taken = request.app_data::<web::Data<Known>>()?.takes(request);
    if !is_taken || !applies_to(request.method(), &route) {
        return None;
    }
    let identity = request.extensions().get::<Verdict>()?.0.clone().ok()?;
    let may_change = Administration::ROLES.iter().any(|role| identity.roles.contains(role));
    Some((request.app_data::<web::Data<Gateway>>()?.clone(), identity, route)).filter(|_| may_change)
}

fn read(request: &HttpRequest, route: &str, body: &[u8]) -> Result<Request, Problem> {
    let mut keys = request.headers().get_all(HEADER);
    let key = keys.next().filter(|_| keys.next().is_none()).map(header::HeaderValue::as_bytes);
    let is_good = |key: &&[u8]| (1..=KEY_LIMIT).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let key = key.filter(is_good).ok_or_else(|| {
        Problem::bad_request(
            "idempotency_key_invalid",
            format!("`Idempotency-Key` must be 1 to {KEY_LIMIT} visible ASCII characters, once."),
        )
    })?;
    // Another version to be replaced makes another request.
    let seen = request.headers().get(header::IF_MATCH).map_or(&[][..], header::HeaderValue::as_bytes);
    Ok(Request {
        // Of the tenant by its column; a tenant's admins may see each other's answers.
        key_hash: vault::fingerprint("idempotency-key", &[request.method().as_str().as_bytes(), route.as_bytes(), key]),
        operation: format!("{} {}", request.method(), request.uri()),
        request_hash: vault::fingerprint("idempotency-body", &[body, seen]),
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn verdict(keys: &[&str]) -> Result<Request, Problem> {
        let request = keys.iter().fold(TestRequest::post(), |request, key| request.append_header((HEADER, *key)));
        read(&request.to_http_request(), "/api/v1/integrations", b"body")
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
}
