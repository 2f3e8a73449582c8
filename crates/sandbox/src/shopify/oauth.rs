//! OAuth: the consent page of a shop, its signed callback, and the endpoint of its tokens.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Json, Path, Query, ServiceConfig},
};
use askama::Template;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::{
    CLIENT, Shop, Shopify,
    errors::HttpError,
    grants::{Consent, Grants, sign},
    shop::FOREIGN_CALLBACK,
};
use crate::{clock, fate::Fate};

/// What a refresh token lives for, in seconds.
const REFRESH_LIFE: u32 = 90 * 86_400;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/{shop}/admin/oauth/authorize", web::get().to(show_consent))
        .route("/{shop}/admin/oauth/authorize", web::post().to(decide_consent))
        .route("/{shop}/admin/oauth/access_token", web::post().to(give_token));
}

/// What an app asks for.
#[derive(Clone, Debug, Deserialize, Template)]
#[template(path = "shopify_consent.html")]
pub(crate) struct Asked {
    client_id: String,
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    shop: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    redirect_uri: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    scope: String,
    decision: String,
}

async fn show_consent(shopify: Data<Shopify>, shop: Path<String>, asked: Query<Asked>) -> HttpResponse {
    if shopify.shop(&shop).is_none() {
        return HttpResponse::NotFound().body("Cette boutique n'existe pas.");
    }
    if asked.client_id != CLIENT.0 {
        return HttpResponse::BadRequest()
            .body("Application inconnue : le client_id du bac à sable est sandbox-client.");
    }
    let page = Asked { shop: shop.into_inner(), ..asked.into_inner() };
    match page.render() {
        Ok(page) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

async fn decide_consent(
    shopify: Data<Shopify>,
    name: Path<String>,
    decision: Form<Decision>,
) -> Result<HttpResponse, HttpError> {
    let shop = shopify.shop(&name).ok_or_else(|| HttpError::new(404, "Not Found"))?;
    let mut target = url::Url::parse(&decision.redirect_uri)
        .map_err(|error| HttpError::new(400, &format!("redirect_uri is no URL: {error}")))?;
    let now = clock::now();
    let domain = format!("{name}.myshopify.com");
    let mut pairs = vec![
        ("host", base64_of(&format!("{domain}/admin"))),
        ("shop", domain),
        ("state", decision.state.clone()),
        ("timestamp", now.div_euclid(1_000).to_string()),
    ];
    if decision.decision == "grant" {
        let consent = Consent { shop: name.into_inner(), scopes: granted(&decision.scope), given_at: now };
        pairs.insert(0, ("code", shopify.grants.consent(consent)));
    } else {
        pairs.insert(0, ("error", "access_denied".to_owned()));
    }
    let is_foreign = shop.read(|state| state.faults.is_on(FOREIGN_CALLBACK));
    let hmac = sign(&if is_foreign { "somebody else's".to_owned() } else { signed_text(&pairs) });
    target.query_pairs_mut().append_pair("hmac", &hmac).extend_pairs(&pairs);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, target.as_str())).finish())
}

/// Sorted by name, written as in a form, with its spaces as `%20`.
fn signed_text(pairs: &[(&str, String)]) -> String {
    let mut sorted: Vec<&(&str, String)> = pairs.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let each: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    each.join("&")
}

/// A scope to read is not named beside the one to write.
fn granted(asked: &str) -> String {
    let all: Vec<&str> = asked.split([',', ' ']).filter(|scope| !scope.is_empty()).collect();
    let is_named =
        |scope: &&&str| scope.strip_prefix("read_").is_none_or(|what| !all.contains(&format!("write_{what}").as_str()));
    all.iter().filter(is_named).copied().collect::<Vec<_>>().join(",")
}

fn base64_of(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    STANDARD_NO_PAD.encode(text)
}

/// What an app sends for a token; which fields are needed depends on the grant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenBody {
    client_id: String,
    client_secret: String,
    code: String,
    grant_type: String,
    refresh_token: String,
    expiring: String,
}

async fn give_token(
    shopify: Data<Shopify>,
    name: Path<String>,
    body: Json<TokenBody>,
) -> Result<HttpResponse, HttpError> {
    let shop = shopify.shop(&name).ok_or_else(|| HttpError::new(404, "Not Found"))?;
    shop.tools.requests.note((super::SLUG, &shop.id), "POST", "/admin/oauth/access_token");
    let (fate, is_revoked) = shop.adjust(|state| (Fate::draw(&mut state.faults), state.faults.token_revoked));
    fate.wait().await;
    if let Some(status) = fate.failure {
        return Err(HttpError::switched_on(status));
    }
    if (body.client_id.as_str(), body.client_secret.as_str()) != CLIENT {
        return Ok(refused("invalid_client", "the client id or secret is not known"));
    }
    let taken = if body.grant_type == "refresh_token" {
        shopify.grants.refresh(&body.refresh_token, &name).filter(|_| !is_revoked)
    } else {
        shopify.grants.take_code(&body.code, &name).map(|grant| (grant, 0))
    };
    let Some((grant, serial)) = taken else {
        return Ok(refused("invalid_grant", "the code or the refresh token is unknown, spent or expired"));
    };
    if shop.adjust(|state| state.faults.take_loss()).is_some() {
        return Err(HttpError::switched_on(502));
    }
    Ok(token(&shopify.grants, &shop, (&grant, serial), body.expiring == "1" || serial > 0))
}

fn token(grants: &Grants, shop: &Shop, (grant, serial): (&str, i64), is_expiring: bool) -> HttpResponse {
    let scope = grants.scopes(grant).unwrap_or_default();
    let seconds = shop.read(|state| state.faults.access_token_seconds);
    if !is_expiring {
        let access = Grants::access_token(&shop.id, grant, i64::MAX);
        return HttpResponse::Ok().json(json!({"access_token": access, "scope": scope}));
    }
    let expires_at = clock::now().saturating_add(seconds.saturating_mul(1_000));
    HttpResponse::Ok().json(json!({
        "access_token": Grants::access_token(&shop.id, grant, expires_at),
        "scope": scope,
        "expires_in": seconds,
        "refresh_token": Grants::refresh_token(&shop.id, grant, serial),
        "refresh_token_expires_in": REFRESH_LIFE,
    }))
}

fn refused(error: &str, description: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": error, "error_description": description}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_to_write_holds_the_one_to_read() {
        assert_eq!(granted("read_customers,write_customers,read_orders"), "write_customers,read_orders");
    }

    /// Computed with another implementation: the platform's own client for Node.
    #[test]
    fn a_callback_is_signed_as_the_platform_signs_it() {
        let pairs = [("state", "a b/c*d~e".to_owned()), ("shop", "acme.myshopify.com".to_owned())];
        assert_eq!(signed_text(&pairs), "shop=acme.myshopify.com&state=a%20b%2Fc*d%7Ee");
    }
}
