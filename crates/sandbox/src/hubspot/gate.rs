//! What every request to HubSpot's API passes: authentication, limits, and the faults that were
//! switched on. Handlers behind it get the account and need not think of any of these.

use std::{
    future::{Ready, pending, ready},
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::{self, Bytes},
};
use futures_util::stream;

use super::{Account, ApiError, account::State, grants};
use crate::{faults::Loss, journal::Platform, world::World};

/// A professional account's allowance for a day, which is shown and not enforced.
const DAILY: u64 = 650_000;

/// The account in whose name a request comes.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<Account>);

impl Deref for Caller {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(ApiError::unauthenticated))
    }
}

/// How a request will fare.
struct Fate {
    latency: Duration,
    hangs: bool,
    refusal: Option<ApiError>,
    headers: Vec<(&'static str, u64)>,
}

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let account = match account_of(&request) {
        Ok(account) => account,
        Err(error) => return Ok(request.into_response(error.error_response()).map_into_boxed_body()),
    };
    if let Some(world) = request.app_data::<web::Data<World>>() {
        let path = request.path().strip_prefix("/hubspot").unwrap_or(request.path());
        world.requests.note((Platform::Hubspot, account.portal.to_string()), request.method().as_str(), path);
    }
    let is_search = request.path().ends_with("/search");
    let is_write = is_write(&request);
    let fate = account.adjust(|state| decide(state, is_search));
    if fate.hangs {
        pending::<()>().await;
    }
    if !fate.latency.is_zero() {
        tokio::time::sleep(fate.latency).await;
    }
    let mut response = match fate.refusal {
        Some(error) => request.into_response(error.error_response()).map_into_boxed_body(),
        None => {
            request.extensions_mut().insert(Caller(Arc::clone(&account)));
            next.call(request).await?.map_into_boxed_body()
        }
    };
    for (name, value) in fate.headers {
        response.headers_mut().insert(header::HeaderName::from_static(name), value.into());
    }
    let lost = if is_write && response.status().is_success() {
        account.adjust(|state| state.faults.take_loss())
    } else {
        None
    };
    match lost {
        None => Ok(response),
        Some(Loss::Silence) => pending().await,
        Some(loss) => Ok(response.into_response(lost_answer(loss)).map_into_boxed_body()),
    }
}

fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let world = request.app_data::<web::Data<World>>().ok_or_else(ApiError::unauthenticated)?;
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = bearer.ok_or_else(ApiError::unauthenticated)?;
    let portal = grants::authenticate(&world.hubspot.grants, token.trim())?;
    Ok(world.hubspot.account(portal))
}

fn is_write(request: &ServiceRequest) -> bool {
    let reads_by_post = request.path().ends_with("/search") || request.path().ends_with("/batch/read");
    *request.method() != Method::GET && !reads_by_post
}

/// Searches have a limit of their own, and show no headers about it.
fn decide(state: &mut State, is_search: bool) -> Fate {
    let mut fate = Fate {
        latency: Duration::from_millis(state.faults.latency_ms),
        hangs: state.faults.hang,
        refusal: None,
        headers: Vec::new(),
    };
    if state.faults.token_revoked {
        fate.refusal = Some(ApiError::unauthenticated());
        return fate;
    }
    if let Some(status) = state.faults.take_failure() {
        fate.refusal = Some(ApiError::switched_on(status));
        return fate;
    }
    let now = Instant::now();
    if is_search {
        let place = state.faults.search_limit_per_s.map(|most| state.searches.take(most, now));
        fate.refusal = (place == Some(None)).then(|| ApiError::too_many("SECONDLY"));
    } else if let Some(most) = state.faults.rate_limit_per_10s {
        let place = state.requests.take(most, now);
        state.served = state.served.saturating_add(u64::from(place.is_some()));
        fate.refusal = place.is_none().then(|| ApiError::too_many("TEN_SECONDLY_ROLLING"));
        fate.headers = vec![
            ("x-hubspot-ratelimit-max", most.into()),
            ("x-hubspot-ratelimit-remaining", u64::try_from(place.unwrap_or_default()).unwrap_or_default()),
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ("x-hubspot-ratelimit-daily", DAILY),
            ("x-hubspot-ratelimit-daily-remaining", DAILY.saturating_sub(state.served)),
        ];
    }
    fate
}

fn lost_answer(loss: Loss) -> HttpResponse {
    match loss {
        Loss::BadGateway => HttpResponse::BadGateway()
            .content_type("text/html")
            .body("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"),
        Loss::Dropped | Loss::Silence => {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            HttpResponse::Ok()
                .content_type("application/json")
                .streaming(stream::iter([Ok(Bytes::from_static(b"{")), Err(broken)]))
        }
    }
}
