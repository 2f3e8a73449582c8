//! What every request to Pipedrive's API passes: authentication, limits, and the faults that were switched on.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use super::{
    Account, Pipedrive,
    company::{self, Met},
    errors::ApiError,
};
use crate::{
    caller,
    fate::{self, Fate},
};

/// The company in whose name a request comes.
pub(crate) type Caller = caller::Caller<Account>;

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let account = match account_of(&request) {
        Ok(account) => account,
        Err(error) => return Ok(request.into_response(error.error_response()).map_into_boxed_body()),
    };
    let path = request.path().strip_prefix("/pipedrive").unwrap_or(request.path());
    account.tools.requests.note((super::SLUG, &account.id), request.method().as_str(), path);
    let is_write = request.method() != Method::GET;
    let (cost, is_search) = (cost(request.method(), path), path.ends_with("/search"));
    let (fate, met) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        let met = match (state.faults.token_revoked, fate.failure) {
            (true, _) => Met { refusal: Some(ApiError::unauthorized()), headers: Vec::new() },
            (false, Some(status)) => Met { refusal: Some(ApiError::switched_on(status)), headers: Vec::new() },
            (false, None) => company::take(state, cost, is_search),
        };
        (fate, met)
    });
    fate.wait().await;
    let refusal = met.refusal.map(|error| error.error_response());
    let mut response = caller::answer(request, next, caller::Caller(Arc::clone(&account)), refusal).await?;
    for (name, value) in met.headers {
        response.headers_mut().insert(header::HeaderName::from_static(name), value.into());
    }
    let is_done = is_write && response.status().is_success();
    let lost = if is_done { account.adjust(|state| state.faults.take_loss()) } else { None };
    Ok(fate::send(response, lost).await)
}

fn account_of(request: &ServiceRequest) -> Result<Arc<Account>, ApiError> {
    let pipedrive = request.app_data::<web::Data<Pipedrive>>().ok_or_else(ApiError::unauthorized)?;
    if let Some(token) = api_token(request) {
        return company_of(&token).map(|id| pipedrive.company(id)).ok_or_else(ApiError::unauthorized);
    }
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthorized)?;
    let token = pipedrive.grants.open(bearer).map_err(|_closed| ApiError::unauthorized())?;
    let scopes = pipedrive.grants.scopes(&token.grant);
    let may_see_recents = scopes.is_none_or(|scopes| scopes.iter().any(|scope| scope == "recents:read"));
    if request.path().ends_with("/recents") && !may_see_recents {
        return Err(ApiError::out_of_scope());
    }
    token.account.parse().map(|id| pipedrive.company(id)).map_err(|_no_company| ApiError::unauthorized())
}

/// From the header that the documentation names, or from the query, which it names no longer and n8n's own credential still uses.
fn api_token(request: &ServiceRequest) -> Option<String> {
    let named = request.headers().get("x-api-token").and_then(|value| value.to_str().ok());
    let in_query = || {
        let query = web::Query::<HashMap<String, String>>::from_query(request.query_string()).ok()?;
        query.into_inner().remove("api_token")
    };
    named.map(str::to_owned).or_else(in_query)
}

/// `pd-<company>-<anything>`: an API token here.
fn company_of(token: &str) -> Option<u64> {
    let (company, secret) = token.strip_prefix("pd-")?.split_once('-')?;
    let is_whole = !secret.is_empty() && company.bytes().all(|byte| byte.is_ascii_digit());
    company.parse().ok().filter(|_| is_whole)
}

/// What a request takes of the day's tokens, as its documentation says.
fn cost(method: &Method, path: &str) -> u64 {
    let is_one = path.rsplit('/').next().is_some_and(|last| last.parse::<u64>().is_ok());
    match *method {
        _ if path.ends_with("/search") => 20,
        Method::GET if path.ends_with("/users/me") => 2,
        Method::GET if is_one => 1,
        Method::GET => 10,
        Method::DELETE => 3,
        _ if path.ends_with("/webhooks") => 10,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_api_token_stands_in_a_header_or_in_the_query() {
        let request = TestRequest::with_uri("/pipedrive/api/v2/persons?limit=1&api_token=pd-900-a");
        assert_eq!(api_token(&request.to_srv_request()).as_deref(), Some("pd-900-a"));
        let both = TestRequest::with_uri("/pipedrive/api/v2/persons?api_token=pd-900-a");
        let both = both.insert_header(("x-api-token", "pd-901-b")).to_srv_request();
        assert_eq!(api_token(&both).as_deref(), Some("pd-901-b"));
        assert_eq!(api_token(&TestRequest::with_uri("/pipedrive/api/v2/persons").to_srv_request()), None);
    }

    #[test]
    fn only_a_token_of_the_right_form_opens_a_company() {
        assert_eq!(company_of("pd-900-demo"), Some(900));
        for bad in ["", "pd-900", "pd-900-", "pd-x-y", "pd-+9-y", "900-demo"] {
            assert_eq!(company_of(bad), None, "{bad}");
        }
    }
}
