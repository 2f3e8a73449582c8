//! Salesforce's OAuth: one login page for all, an answer that says where the organisation is and not how long the token lives.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Bytes, Data, ServiceConfig},
};
use serde_json::json;

use super::{Salesforce, gate::Caller};
use crate::{
    clock::{self, Millis},
    oauth::{
        self, CLIENT_ID, Consents, Refusal, TokenForm, consent,
        grants::{Grants, Marks},
    },
    tools::Tools,
};

/// The one user of every organisation.
pub(crate) const USERNAME: &str = "admin@exemple.fr";

pub(crate) const MARKS: Marks = Marks { code: "aPrx", access: "sfa!", refresh: "5Aep" };

impl Consents for Salesforce {
    const NAME: &'static str = "Salesforce";
    const OFFERED: &'static str = "00D000000000001EAA";
    const CODE_LIFE: Millis = 600_000;
    const SCOPES: &'static [&'static str] = &["api", "refresh_token", "id"];

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn tools(&self) -> &Tools {
        &self.tools
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/authorize", web::get().to(consent::show::<Salesforce>))
        .route("/authorize", web::post().to(consent::decide::<Salesforce>))
        .route("/token", web::post().to(exchange))
        .route("/introspect", web::post().to(introspect))
        .route("/revoke", web::post().to(revoke));
}

fn read(request: &HttpRequest, body: &Bytes) -> Result<TokenForm, Refusal> {
    TokenForm::read(request, body).ok_or(Refusal::UnknownGrantType)
}

/// Where requests came to, and so where all of this is.
fn here(request: &HttpRequest) -> String {
    let asked = request.connection_info();
    format!("{}://{}/{}", asked.scheme(), asked.host(), super::SLUG)
}

async fn exchange(salesforce: Data<Salesforce>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Refusal> {
    let issued = oauth::issue(salesforce.as_ref(), &read(&request, &body)?).await?;
    let (here, account) = (here(&request), issued.account);
    Ok(HttpResponse::Ok().json(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "instance_url": format!("{here}/{account}"),
        "id": format!("{here}/id/{account}/0055g000000001AAAQ"),
        "token_type": "Bearer",
        "issued_at": clock::now().to_string(),
        "signature": "c2FuZGJveA==",
        "scope": issued.scopes.join(" "),
    })))
}

async fn introspect(salesforce: Data<Salesforce>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Refusal> {
    let form = read(&request, &body)?;
    form.check_client()?;
    let now = clock::now();
    let alive = salesforce.grants.read(&form.token).filter(|token| {
        let is_open = salesforce.org(&token.account).is_some_and(|org| org.read(|state| !state.faults.token_revoked));
        is_open
            && token.expires_at.is_none_or(|end| end > now)
            && (token.expires_at.is_some() || salesforce.grants.is_latest(token))
    });
    let body = match alive {
        Some(token) => json!({"active": true, "client_id": CLIENT_ID, "scope": Salesforce::SCOPES.join(" "),
                              "token_type": if token.expires_at.is_some() { "access_token" } else { "refresh_token" }}),
        None => json!({"active": false}),
    };
    Ok(HttpResponse::Ok().json(body))
}

async fn revoke(salesforce: Data<Salesforce>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Refusal> {
    let form = read(&request, &body)?;
    if salesforce.grants.revoke(&form.token) {
        return Ok(HttpResponse::Ok().finish());
    }
    let told = json!({"error": "invalid_token", "error_description": "invalid token: not provided or unknown"});
    Ok(HttpResponse::BadRequest().json(told))
}

/// Whoever a token is of.
pub(crate) async fn show_user(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "user_id": "0055g000000001AAAQ", "organization_id": caller.id, "preferred_username": USERNAME,
        "name": "Camille Rousseau", "email": USERNAME, "zoneinfo": "Europe/Paris", "user_type": "STANDARD",
    }))
}
