//! What every request to an organisation passes: authentication, the day's limit, and the faults that were switched on.

use std::sync::Arc;

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use super::{Account, Salesforce, errors::ApiError, org::DAILY};
use crate::{
    caller,
    fate::{self, Fate},
};

/// The organisation that is asked.
pub(crate) type Caller = caller::Caller<Account>;

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let asks_who = request.path().ends_with("/oauth2/userinfo");
    let account = match account_of(&request) {
        Ok(account) => account,
        Err(error) => return Ok(request.into_response(told(&error, asks_who)).map_into_boxed_body()),
    };
    let path = request.path().strip_prefix("/salesforce").unwrap_or(request.path());
    account.tools.requests.note((super::SLUG, &account.id), request.method().as_str(), path);
    let is_write = request.method() != Method::GET;
    let (fate, is_revoked, used, most) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        state.own.requests = state.own.requests.saturating_add(1);
        (fate, state.faults.token_revoked, state.own.requests, state.faults.limit(DAILY))
    });
    fate.wait().await;
    let refusal = match (is_revoked, fate.failure) {
        (true, _) => Some(ApiError::session()),
        (false, Some(status)) => Some(ApiError::switched_on(status)),
        (false, None) => most.filter(|most| used > *most).map(|_| ApiError::limit()),
    };
    let refusal = refusal.map(|error| told(&error, asks_who));
    let mut response = caller::answer(request, next, caller::Caller(Arc::clone(&account)), refusal).await?;
    if let Some(most) = most
        && let Ok(usage) = header::HeaderValue::from_str(&format!("api-usage={}/{most}", used.min(most)))
    {
        response.headers_mut().insert(header::HeaderName::from_static("sforce-limit-info"), usage);
    }
    let is_done = is_write && response.status().is_success();
    let lost = if is_done { account.adjust(|state| state.faults.take_loss()) } else { None };
    Ok(fate::send(response, lost).await)
}

/// A refusal, in its form; whoever asks whose a bad token is hears of it otherwise than from the API.
fn told(error: &ApiError, asks_who: bool) -> HttpResponse {
    if asks_who && error.status == 401 {
        HttpResponse::Forbidden().content_type("text/plain").body("Bad_OAuth_Token")
    } else {
        error.error_response()
    }
}

/// A token opens its own organisation only: `<organisation>!<anything>`, which is for tests, or one that was granted.
fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let salesforce = request.app_data::<web::Data<Salesforce>>().ok_or_else(ApiError::session)?;
    let organisation = request.match_info().get("org").ok_or_else(ApiError::not_found)?;
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(ApiError::session)?;
    let is_plain = token.strip_prefix(&format!("{organisation}!")).is_some_and(|secret| !secret.is_empty());
    let is_granted = salesforce.grants.open(token).is_ok_and(|token| token.account == organisation);
    if is_plain || is_granted {
        salesforce.org(organisation).ok_or_else(ApiError::not_found)
    } else {
        Err(ApiError::session())
    }
}
