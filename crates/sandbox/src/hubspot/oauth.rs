//! HubSpot's OAuth: the token endpoints in their dated and numbered forms, and whose account a bearer token opens.

use actix_web::{
    HttpResponse,
    web::{self, Data, Form, ServiceConfig},
};
use serde_json::json;

use super::{ApiError, HubSpot, webhooks::APP_ID};
use crate::{
    clock::{self, Millis},
    oauth::{
        self, CLIENT_ID, Consents, Refusal, TokenForm, consent,
        grants::{Closed, Grants, Marks},
    },
    tools::Tools,
};

pub(crate) const MARKS: Marks = Marks { code: "eu1-", access: "CSbx-", refresh: "eu1-" };

impl Consents for HubSpot {
    const NAME: &'static str = "HubSpot";
    const OFFERED: &'static str = "4242";
    /// HubSpot's codes live for a moment only.
    const CODE_LIFE: Millis = 60_000;
    const SCOPES: &'static [&'static str] = &[
        "oauth",
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.deals.read",
        "crm.objects.deals.write",
    ];

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn tools(&self) -> &Tools {
        &self.tools
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    for path in ["/authorize", "/{account:[0-9]+}/authorize"] {
        config
            .route(path, web::get().to(consent::show::<HubSpot>))
            .route(path, web::post().to(consent::decide::<HubSpot>));
    }
    for version in ["2026-03", "2026-09", "v3", "v1"] {
        config
            .route(&format!("/{version}/token"), web::post().to(exchange_token))
            .route(&format!("/{version}/token/introspect"), web::post().to(introspect_token))
            .route(&format!("/{version}/token/revoke"), web::post().to(revoke_token));
    }
}

impl ApiError {
    /// A refusal of the token endpoint, as HubSpot words it.
    fn no_token(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::SwitchedOn(status) => return Self::switched_on(status),
            Refusal::UnknownClient => "BAD_CLIENT_ID",
            Refusal::WrongSecret => "BAD_CLIENT_SECRET",
            Refusal::UnknownGrantType => "BAD_GRANT_TYPE",
            Refusal::UnknownCode => "BAD_AUTH_CODE",
            Refusal::OtherRedirect => "MISMATCH_REDIRECT_URI_AUTH_CODE",
            Refusal::WrongVerifier => "BAD_CODE_VERIFIER",
            Refusal::UnknownRefresh => "BAD_REFRESH_TOKEN",
        };
        Self::oauth(status, refusal.word(), &refusal.to_string())
    }
}

/// The account of a bearer token of either sort.
pub(crate) fn authenticate(grants: &Grants, bearer: &str) -> Result<u64, ApiError> {
    if let Some(portal) = static_portal(bearer) {
        return Ok(portal);
    }
    let token = grants.open(bearer).map_err(|closed| match closed {
        Closed::Unknown => ApiError::unauthenticated(),
        Closed::Expired(late) => ApiError::expired(late / 1_000),
    })?;
    token.account.parse().map_err(|_no_portal| ApiError::unauthenticated())
}

/// `pat-eu1-<portal>-<anything>`, the form of a private app's token.
fn static_portal(bearer: &str) -> Option<u64> {
    let rest = bearer.strip_prefix("pat-eu1-").or_else(|| bearer.strip_prefix("pat-na1-"))?;
    let (portal, secret) = rest.split_once('-')?;
    if secret.is_empty() || !portal.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    portal.parse().ok()
}

async fn exchange_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    let issued = oauth::issue(hubspot.as_ref(), &form).await.map_err(ApiError::no_token)?;
    Ok(HttpResponse::Ok().json(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": issued.seconds,
        "token_type": "bearer",
        "token_use": "access_token",
        "hub_id": issued.account.parse::<u64>().unwrap_or_default(),
        "user_id": 1,
        "scopes": issued.scopes,
    })))
}

async fn introspect_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    form.check_client().map_err(ApiError::no_token)?;
    let now = clock::now();
    let alive = hubspot.grants.read(&form.token).filter(|token| {
        let portal = token.account.parse().unwrap_or_default();
        let revoked = hubspot.portal(portal).read(|state| state.faults.token_revoked);
        !revoked
            && token.expires_at.is_none_or(|end| end > now)
            && (token.expires_at.is_some() || hubspot.grants.is_latest(token))
    });
    let Some(token) = alive else { return Ok(HttpResponse::Ok().json(json!({"active": false}))) };
    let (token_use, left) = match token.expires_at {
        Some(end) => ("access_token", Some(end.saturating_sub(now) / 1_000)),
        None => ("refresh_token", None),
    };
    let portal = token.account.parse::<u64>().unwrap_or_default();
    Ok(HttpResponse::Ok().json(json!({
        "active": true, "token_use": token_use, "expires_in": left, "hub_id": portal,
        "hub_domain": format!("portail-{portal}.exemple.fr"), "user": "admin@exemple.fr", "user_id": 1,
        "app_id": APP_ID, "client_id": CLIENT_ID, "scopes": HubSpot::SCOPES,
    })))
}

async fn revoke_token(hubspot: Data<HubSpot>, form: Form<TokenForm>) -> Result<HttpResponse, ApiError> {
    form.check_client().map_err(ApiError::no_token)?;
    if let Some(portal) = hubspot.grants.read(&form.token).and_then(|token| token.account.parse().ok()) {
        hubspot.portal(portal).adjust(|state| state.lets_app_in = false);
    }
    hubspot.grants.revoke(&form.token);
    Ok(HttpResponse::Ok().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_of_the_right_form_opens_an_account() {
        let grants = Grants::marked(MARKS);
        assert_eq!(authenticate(&grants, "pat-eu1-4242-demo").ok(), Some(4242));
        for bad in ["", "pat-eu1-4242", "pat-eu1-4242-", "pat-eu1-x-y", "pat-eu1-+42-y", "demo", "pat-xx1-4242-demo"] {
            assert!(authenticate(&grants, bad).is_err(), "{bad}");
        }
    }
}
