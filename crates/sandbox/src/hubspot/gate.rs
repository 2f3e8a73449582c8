//! What every request to HubSpot's API passes: authentication, limits, and the faults that were
//! switched on. Handlers behind it get the account and need not think of any of these.

use std::{sync::Arc, time::Instant};

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use super::{Account, ApiError, HubSpot, account::State, app::DEVELOPER, oauth, subscriptions};
use crate::{
    caller,
    fate::{self, Fate},
};

/// A professional account's allowance for a day, which is shown and not enforced.
const DAILY: u64 = 650_000;

/// The account in whose name a request comes.
pub(crate) type Caller = caller::Caller<Account>;

/// What is answered before a handler sees the request, and what is answered beside it.
#[derive(Default)]
struct Verdict {
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
    let whose = (super::SLUG, account.portal.to_string());
    account.tools.requests.note((whose.0, &whose.1), request.method().as_str(), below_hubspot(&request));
    let _under_way = account.tools.requests.begin();
    let is_search = request.path().ends_with("/search");
    let is_write = is_write(&request);
    let (fate, verdict) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        (fate, decide(state, fate.failure, is_search))
    });
    fate.wait().await;
    let refusal = verdict.refusal.map(|error| error.error_response());
    let mut response = caller::answer(request, next, caller::Caller(Arc::clone(&account)), refusal).await?;
    for (name, value) in verdict.headers {
        response.headers_mut().insert(header::HeaderName::from_static(name), value.into());
    }
    let lost = if is_write && response.status().is_success() {
        account.adjust(|state| state.faults.take_loss())
    } else {
        None
    };
    Ok(fate::send(response, lost).await)
}

fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let hubspot = request.app_data::<web::Data<HubSpot>>().ok_or_else(ApiError::unauthenticated)?;
    if subscriptions::is_the_apps(below_hubspot(request)) {
        subscriptions::authenticate(request.query_string())?;
        return Ok(hubspot.portal(DEVELOPER));
    }
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = bearer.ok_or_else(ApiError::unauthenticated)?;
    let account = hubspot.portal(oauth::authenticate(&hubspot.grants, token.trim())?);
    if hubspot.grants.open(token.trim()).is_ok() {
        account.adjust(|state| state.lets_app_in = true);
    }
    Ok(account)
}

fn below_hubspot(request: &ServiceRequest) -> &str {
    request.path().strip_prefix("/hubspot").unwrap_or(request.path())
}

fn is_write(request: &ServiceRequest) -> bool {
    let reads_by_post = request.path().ends_with("/search") || request.path().ends_with("/batch/read");
    *request.method() != Method::GET && !reads_by_post
}

/// Searches have a limit of their own, and show no headers about it.
fn decide(state: &mut State, failure: Option<u16>, is_search: bool) -> Verdict {
    let refused = |error: ApiError| Verdict { refusal: Some(error), headers: Vec::new() };
    if state.faults.token_revoked {
        return refused(ApiError::unauthenticated());
    }
    if let Some(status) = failure {
        return refused(ApiError::switched_on(status));
    }
    let mut verdict = Verdict::default();
    let now = Instant::now();
    if is_search {
        let place = state.faults.limit("search_limit_per_s").map(|most| state.searches.take(most, now));
        verdict.refusal = (place == Some(None)).then(|| ApiError::too_many("SECONDLY"));
    } else if let Some(most) = state.faults.limit("rate_limit_per_10s") {
        let place = state.requests.take(most, now);
        state.served = state.served.saturating_add(u64::from(place.is_some()));
        verdict.refusal = place.is_none().then(|| ApiError::too_many("TEN_SECONDLY_ROLLING"));
        verdict.headers = vec![
            ("x-hubspot-ratelimit-max", most.into()),
            ("x-hubspot-ratelimit-remaining", u64::try_from(place.unwrap_or_default()).unwrap_or_default()),
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ("x-hubspot-ratelimit-daily", DAILY),
            ("x-hubspot-ratelimit-daily-remaining", DAILY.saturating_sub(state.served)),
        ];
    }
    verdict
}
