//! OAuth: the consent page, and the token endpoints in their dated and numbered forms.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Query, ServiceConfig},
};
use askama::Template;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError, HubSpot,
    grants::{CLIENT_ID, CLIENT_SECRET, Consent, Grants, Token},
    webhooks::APP_ID,
};
use crate::{clock, fate::Fate, faults::Loss};

const SCOPES: [&str; 5] = [
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
];

/// The switch that makes each refresh token good for one use, and a second use the end of the grant. HubSpot itself has none.
pub(crate) const SINGLE_USE: &str = "single_use_refresh";

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/authorize", web::get().to(show_consent))
        .route("/authorize", web::post().to(decide_consent))
        .route("/{portal:[0-9]+}/authorize", web::get().to(show_consent_for));
    for version in ["2026-03", "2026-09", "v3", "v1"] {
        config
            .route(&format!("/{version}/token"), web::post().to(exchange_token))
            .route(&format!("/{version}/token/introspect"), web::post().to(introspect_token))
            .route(&format!("/{version}/token/revoke"), web::post().to(revoke_token));
    }
}

/// What an app asks for.
#[derive(Clone, Debug, Deserialize, Template)]
#[template(path = "consent.html")]
pub(crate) struct Asked {
    client_id: String,
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    code_challenge: String,
    /// The account that is offered first.
    #[serde(default)]
    portal: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    redirect_uri: String,
    state: String,
    code_challenge: String,
    portal: u64,
    decision: String,
    #[serde(default)]
    scope: String,
}

async fn show_consent(asked: Query<Asked>) -> HttpResponse {
    consent_page(asked.into_inner())
}

async fn show_consent_for(portal: web::Path<u64>, asked: Query<Asked>) -> HttpResponse {
    consent_page(Asked { portal: Some(*portal), ..asked.into_inner() })
}

fn consent_page(asked: Asked) -> HttpResponse {
    if asked.client_id != CLIENT_ID {
        return HttpResponse::BadRequest()
            .body("Application inconnue : le client_id de ce bac à sable est sandbox-client.");
    }
    match asked.render() {
        Ok(page) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

async fn decide_consent(hubspot: Data<HubSpot>, decision: Form<Decision>) -> Result<HttpResponse, ApiError> {
    let decision = decision.into_inner();
    let mut target = url::Url::parse(&decision.redirect_uri)
        .map_err(|error| ApiError::validation(format!("redirect_uri is no URL: {error}")))?;
    if decision.decision == "grant" {
        let code = hubspot.grants.consent(Consent {
            portal: decision.portal,
            redirect_uri: decision.redirect_uri,
            scopes: decision.scope.split_whitespace().map(str::to_owned).collect(),
            challenge: Some(decision.code_challenge).filter(|challenge| !challenge.is_empty()),
            given_at: clock::now(),
        });
        target.query_pairs_mut().append_pair("code", &code);
    } else {
        target.query_pairs_mut().append_pair("error", "access_denied");
    }
    if !decision.state.is_empty() {
        target.query_pairs_mut().append_pair("state", &decision.state);
    }
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, target.as_str())).finish())
}

/// The token endpoints' form; which fields are needed depends on the grant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    grant_type: String,
    client_id: String,
    client_secret: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    refresh_token: String,
    token: String,
}

impl TokenForm {
    fn check_client(&self) -> Result<(), ApiError> {
        if self.client_id != CLIENT_ID {
            return Err(ApiError::oauth("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id"));
        }
        if self.client_secret != CLIENT_SECRET {
            return Err(ApiError::oauth("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret"));
        }
        Ok(())
    }

    fn exchange_code(&self, grants: &Grants) -> Result<Token, ApiError> {
        let consent = grants.take_code(&self.code);
        let consent =
            consent.ok_or_else(|| ApiError::oauth("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code"))?;
        if consent.redirect_uri != self.redirect_uri {
            return Err(ApiError::oauth(
                "MISMATCH_REDIRECT_URI_AUTH_CODE",
                "invalid_grant",
                "redirect uri does not match initial auth code uri",
            ));
        }
        let verified = consent.challenge.is_none_or(|challenge| {
            URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.code_verifier.as_bytes())) == challenge
        });
        if !verified {
            return Err(ApiError::oauth(
                "BAD_CODE_VERIFIER",
                "invalid_grant",
                "code verifier does not match the challenge",
            ));
        }
        let token = Token { portal: consent.portal, grant: Grants::new_grant(), expires_at: None, serial: 0 };
        grants.limit(&token.grant, consent.scopes);
        Ok(token)
    }

    fn refresh(&self, grants: &Grants) -> Result<Token, ApiError> {
        let token = grants.read(&self.refresh_token).filter(|token| token.expires_at.is_none());
        token.ok_or_else(ApiError::bad_refresh_token)
    }
}

async fn exchange_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    form.check_client()?;
    let grants = &hubspot.grants;
    let mut token = match form.grant_type.as_str() {
        "authorization_code" => form.exchange_code(grants)?,
        "refresh_token" => form.refresh(grants)?,
        _ => return Err(ApiError::oauth("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type")),
    };
    let account = hubspot.portal(token.portal);
    account.tools.requests.note((super::SLUG, &token.portal.to_string()), "POST", "/oauth/token");
    let (fate, revoked, seconds, is_single_use) = account.adjust(|state| {
        let fate = Fate::draw(&mut state.faults);
        let is_single_use = state.faults.own.get(SINGLE_USE).and_then(Value::as_bool).unwrap_or_default();
        (fate, state.faults.token_revoked, state.faults.access_token_seconds, is_single_use)
    });
    fate.wait().await;
    if revoked {
        return Err(ApiError::bad_refresh_token());
    }
    if let Some(status) = fate.failure {
        return Err(ApiError::switched_on(status));
    }
    if is_single_use && form.grant_type == "refresh_token" {
        token.serial = grants.rotate(&token).ok_or_else(ApiError::bad_refresh_token)?;
    }
    // Whoever waited for the answer may be gone by now; the token is spent all the same.
    match account.adjust(|state| state.faults.take_loss()) {
        Some(Loss::Silence) => std::future::pending::<()>().await,
        Some(Loss::BadGateway | Loss::Dropped) => return Err(ApiError::switched_on(502)),
        None => {}
    }
    let expires_at = clock::now().saturating_add(seconds.saturating_mul(1_000));
    Ok(HttpResponse::Ok().json(json!({
        "access_token": Grants::access_token(token.portal, &token.grant, expires_at),
        "refresh_token": Grants::refresh_token(token.portal, &token.grant, token.serial),
        "expires_in": seconds,
        "token_type": "bearer",
        "token_use": "access_token",
        "hub_id": token.portal,
        "user_id": 1,
        "scopes": grants.scopes(&token.grant).unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec()),
    })))
}

async fn introspect_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    form.check_client()?;
    let now = clock::now();
    let alive = hubspot.grants.read(&form.token).filter(|token| {
        let revoked = hubspot.portal(token.portal).read(|state| state.faults.token_revoked);
        !revoked
            && token.expires_at.is_none_or(|end| end > now)
            && (token.expires_at.is_some() || hubspot.grants.is_unspent(token))
    });
    let Some(token) = alive else { return Ok(HttpResponse::Ok().json(json!({"active": false}))) };
    let (token_use, left) = match token.expires_at {
        Some(end) => ("access_token", Some(end.saturating_sub(now) / 1_000)),
        None => ("refresh_token", None),
    };
    Ok(HttpResponse::Ok().json(json!({
        "active": true, "token_use": token_use, "expires_in": left, "hub_id": token.portal,
        "hub_domain": format!("portail-{}.exemple.fr", token.portal), "user": "admin@exemple.fr", "user_id": 1,
        "app_id": APP_ID, "client_id": CLIENT_ID, "scopes": SCOPES,
    })))
}

async fn revoke_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    form.check_client()?;
    hubspot.grants.revoke(&form.token);
    Ok(HttpResponse::Ok().finish())
}
