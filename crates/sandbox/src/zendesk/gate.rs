//! What every request to Zendesk's API passes: authentication, the limit, and the faults that were switched on.

use std::sync::Arc;

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Account, Zendesk, errors::ApiError, site};
use crate::{
    caller,
    fate::{self, Fate},
};

/// The site that is asked.
pub(crate) type Caller = caller::Caller<Account>;

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let account = match account_of(&request) {
        Ok(account) => account,
        Err(error) => return Ok(request.into_response(error.error_response()).map_into_boxed_body()),
    };
    let path = request.path().strip_prefix("/zendesk").unwrap_or(request.path());
    account.tools.requests.note((super::SLUG, &account.id), request.method().as_str(), path);
    let is_write = request.method() != Method::GET;
    let asks_who = request.path().ends_with("/users/me");
    let (fate, is_revoked, may, taken) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        let may = asks_who || !state.faults.is_on(site::AS_END_USER);
        (fate, state.faults.token_revoked, may, site::take(state))
    });
    fate.wait().await;
    let refusal = match (is_revoked, fate.failure, taken) {
        (true, ..) => Some(ApiError::unauthorized()),
        (false, Some(status), _) => Some(ApiError::switched_on(status)),
        (false, None, Some((_, None))) => Some(ApiError::too_many()),
        (false, None, _) => (!may).then(ApiError::forbidden),
    };
    let refusal = refusal.map(|error| error.error_response());
    let mut response = caller::answer(request, next, caller::Caller(Arc::clone(&account)), refusal).await?;
    if let Some((most, left)) = taken {
        let left = left.unwrap_or_default();
        for (name, value) in
            [("x-rate-limit", u64::from(most)), ("x-rate-limit-remaining", u64::try_from(left).unwrap_or_default())]
        {
            response.headers_mut().insert(header::HeaderName::from_static(name), value.into());
        }
    }
    let is_done = is_write && response.status().is_success();
    let lost = if is_done { account.adjust(|state| state.faults.take_loss()) } else { None };
    Ok(fate::send(response, lost).await)
}

/// A token opens its own site only: `zd-<site>-<anything>`, which is for tests, or one that was granted.
fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let zendesk = request.app_data::<web::Data<Zendesk>>().ok_or_else(ApiError::unauthorized)?;
    let site = request.match_info().get("site").ok_or_else(ApiError::not_found)?;
    let api_token = api_token(request.headers());
    let token = bearer(request.headers()).or(api_token.as_deref()).ok_or_else(ApiError::unauthorized)?;
    let is_plain = token.strip_prefix(&format!("zd-{site}-")).is_some_and(|secret| !secret.is_empty());
    // A refresh ends the access token that was, whatever was left of its life.
    let granted = zendesk
        .grants
        .open(token)
        .ok()
        .filter(|token| api_token.is_none() && token.account == site && zendesk.grants.is_latest(token));
    let scopes = granted.as_ref().and_then(|token| zendesk.grants.scopes(&token.grant));
    if let Some(scope) = scopes.and_then(|scopes| lacking(&scopes, request)) {
        return Err(ApiError::lacking(scope));
    }
    if is_plain || granted.is_some() {
        zendesk.site(site).ok_or_else(ApiError::not_found)
    } else {
        Err(ApiError::unauthorized())
    }
}

/// The scope that a request lacks. A user's addresses have none of their own: only that of everything opens them.
fn lacking(scopes: &[String], request: &ServiceRequest) -> Option<&'static str> {
    let needed = if request.method() == Method::GET { "read" } else { "write" };
    let is_of_addresses = request.path().contains("/identities");
    (is_of_addresses && !scopes.iter().any(|scope| scope == needed)).then_some(needed)
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// An agent's API token, as it stands behind the agent's address: what n8n's own credential sends.
fn api_token(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (agent, token) = text.split_once(':')?;
    agent.ends_with("/token").then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_token_stands_behind_an_agents_address() {
        let found = |text: &str| {
            let value = format!("Basic {}", STANDARD.encode(text)).parse::<header::HeaderValue>().unwrap();
            api_token(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
        };
        assert_eq!(found("a@exemple.fr/token:zd-acme-a").as_deref(), Some("zd-acme-a"));
        assert_eq!(found("a@exemple.fr:a password"), None);
        assert_eq!(api_token(&HeaderMap::new()), None);
    }
}
