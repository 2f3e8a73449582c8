//! What every request to a shop passes: the key, and the faults that were switched on. Handlers behind it get the
//! shop and need not think of any of these.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::Next,
    web::{Data, Query},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{KEYS, SLUG, Shop, WooCommerce, errors::WooError};
use crate::{
    caller,
    fate::{self, Fate},
};

/// The shop that is called.
pub(crate) type Caller = caller::Caller<Shop>;

pub(crate) async fn pass<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some((shop, path)) = shop_of(&request) else {
        return Ok(request.into_response(WooError::no_route().error_response()).map_into_boxed_body());
    };
    shop.tools.requests.note((SLUG, &shop.id), request.method().as_str(), &path);
    let is_write = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let fate = shop.adjust(|state| Fate::draw(&mut state.faults));
    fate.wait().await;
    let refusal = match fate.failure {
        Some(status) => Some(switched_on(&shop, status)),
        None => check_key(&shop, &request, &path, is_write).err().map(|error| error.error_response()),
    };
    let response = caller::answer(request, next, caller::Caller(Arc::clone(&shop)), refusal).await?;
    let is_lost = is_write && response.status().is_success();
    let loss = if is_lost { shop.adjust(|state| state.faults.take_loss()) } else { None };
    Ok(fate::send(response, loss).await)
}

/// The shop, and the path below its address.
fn shop_of(request: &ServiceRequest) -> Option<(Arc<Shop>, String)> {
    let rest = request.path().strip_prefix("/woocommerce/")?;
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    let shop = request.app_data::<Data<WooCommerce>>()?.shop(name)?;
    Some((shop, format!("/{path}")))
}

/// The index of the site is for everybody; everything else needs a key, and by HTTPS.
fn check_key(shop: &Shop, request: &ServiceRequest, path: &str, is_write: bool) -> Result<(), WooError> {
    if !path.starts_with("/wp-json/wc/v3") {
        return Ok(());
    }
    let verb = if is_write { "create" } else { "list" };
    let (is_revoked, is_plain) = shop.read(|state| (state.faults.token_revoked, state.faults.is_on("plain_http")));
    let (key, secret) = given(request).filter(|_| !is_revoked && !is_plain).ok_or_else(|| WooError::nobody(verb))?;
    let known = KEYS.iter().position(|(known, _)| *known == key).ok_or_else(|| WooError::nobody(verb))?;
    if KEYS.get(known).is_none_or(|(_, known)| *known != secret) {
        return Err(refused(shop, "Consumer secret is invalid.", "Le secret client n’est pas valide."));
    }
    if is_write && known > 0 {
        let english = "The API key provided does not have write permissions.";
        return Err(refused(shop, english, "La clé API fournie n’a pas les droits d’écriture."));
    }
    Ok(())
}

/// A refusal in the language of the site; its code is the same whatever is wrong with a key.
fn refused(shop: &Shop, english: &str, french: &str) -> WooError {
    let is_french = shop.read(|state| state.faults.is_on("in_french"));
    WooError::unauthenticated(if is_french { french } else { english })
}

/// Key and secret, from the header or from the query.
fn given(request: &ServiceRequest) -> Option<(String, String)> {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, encoded)) = header.and_then(|value| value.split_once(' '))
        && scheme.eq_ignore_ascii_case("basic")
    {
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (key, secret) = decoded.split_once(':')?;
        return Some((key.to_owned(), secret.to_owned()));
    }
    let mut query = Query::<HashMap<String, String>>::from_query(request.query_string()).ok()?.into_inner();
    Some((query.remove("consumer_key")?, query.remove("consumer_secret")?))
}

/// A fault that was switched on: in WordPress's own form, or as something before it would answer.
fn switched_on(shop: &Shop, status: u16) -> HttpResponse {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if shop.read(|state| state.faults.is_on("html_errors")) {
        let page = format!("<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>");
        return HttpResponse::build(code).content_type("text/html").body(page);
    }
    let error = match status {
        401 => WooError::nobody("list"),
        _ => WooError::new(status, "internal_server_error", "There has been a critical error on this website."),
    };
    error.error_response()
}
