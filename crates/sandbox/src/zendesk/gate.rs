//! What every request to Zendesk's API passes: authentication, the limit, and the faults that were switched on.

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use super::{Account, Zendesk, errors::ApiError, site};
use crate::fate::{self, Fate};

/// The site that is asked.
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
        ready(request.extensions().get::<Self>().cloned().ok_or_else(ApiError::unauthorized))
    }
}

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
    let (fate, is_revoked, taken) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        (fate, state.faults.token_revoked, site::take(state))
    });
    fate.wait().await;
    let refusal = match (is_revoked, fate.failure, taken) {
        (true, ..) => Some(ApiError::unauthorized()),
        (false, Some(status), _) => Some(ApiError::switched_on(status)),
        (false, None, Some((_, None))) => Some(ApiError::too_many()),
        (false, None, _) => None,
    };
    let mut response = match refusal {
        Some(error) => request.into_response(error.error_response()).map_into_boxed_body(),
        None => {
            request.extensions_mut().insert(Caller(Arc::clone(&account)));
            next.call(request).await?.map_into_boxed_body()
        }
    };
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

/// `zd-<site>-<anything>`: a token here, which opens its own site only.
fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let zendesk = request.app_data::<web::Data<Zendesk>>().ok_or_else(ApiError::unauthorized)?;
    let site = request.match_info().get("site").ok_or_else(ApiError::not_found)?;
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthorized)?;
    let secret = token.strip_prefix(&format!("zd-{site}-")).filter(|secret| !secret.is_empty());
    secret.ok_or_else(ApiError::unauthorized)?;
    zendesk.site(site).ok_or_else(ApiError::not_found)
}
