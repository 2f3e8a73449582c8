//! What every request to a shop's interface passes: its token, and the faults that were switched on.

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};

use super::{Shop, Shopify, VERSION, errors::HttpError};
use crate::caller::answer;
use crate::fate::{self, Fate};

/// The shop that is asked, and the grant by which.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    shop: Arc<Shop>,
    pub(crate) grant: String,
}

impl Deref for Caller {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl FromRequest for Caller {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(HttpError::unauthorized))
    }
}

/// Put into an answer that changed something, so that it can get lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed;

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let caller = match caller_of(&request) {
        Ok(caller) => caller,
        Err(error) => return Ok(request.into_response(error.error_response()).map_into_boxed_body()),
    };
    let path = request.path().strip_prefix("/shopify").unwrap_or(request.path());
    caller.tools.requests.note((super::SLUG, &caller.id), request.method().as_str(), path);
    let (fate, is_revoked) = caller.adjust(|state| (Fate::draw(&mut state.faults), state.faults.token_revoked));
    fate.wait().await;
    let refusal = match (is_revoked, fate.failure) {
        (true, _) => Some(HttpError::unauthorized()),
        (false, Some(status)) => Some(HttpError::switched_on(status)),
        (false, None) => None,
    };
    let refusal = refusal.map(|error| error.error_response());
    let mut response = answer(request, next, caller.clone(), refusal).await?;
    let version = HeaderName::from_static("x-shopify-api-version");
    response.headers_mut().insert(version, HeaderValue::from_static(VERSION));
    let has_changed = response.response().extensions().get::<Changed>().is_some();
    let lost = if has_changed { caller.adjust(|state| state.faults.take_loss()) } else { None };
    Ok(fate::send(response, lost).await)
}

fn caller_of(request: &ServiceRequest) -> Result<Caller, HttpError> {
    let shopify = request.app_data::<Data<Shopify>>().ok_or_else(HttpError::unauthorized)?;
    let name = request.match_info().get("shop").unwrap_or_default();
    let shop = shopify.shop(name).ok_or_else(|| HttpError::new(404, "Not Found"))?;
    let token = request.headers().get("x-shopify-access-token").and_then(|token| token.to_str().ok());
    let grant = token.and_then(|token| shopify.grants.opens(token, name)).ok_or_else(HttpError::unauthorized)?;
    Ok(Caller { shop, grant })
}
