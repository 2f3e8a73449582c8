//! Zendesk's OAuth: each site has its own pages, the app says how long a token is to live, and a refresh ends both tokens that were.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Bytes, Data, Path, ServiceConfig},
};
use serde_json::json;

use super::{Zendesk, errors::ApiError, gate};
use crate::{
    clock::Millis,
    oauth::{
        self, Consents, Refusal, TokenForm, consent,
        grants::{Grants, Marks},
    },
    tools::Tools,
};

pub(crate) const MARKS: Marks = Marks { code: "zdc_", access: "zda_", refresh: "zdr_" };

/// What an app gets that does not ask.
const LIFE: i64 = 1_800;
/// A refresh token is said to live so long; here it does not end.
const REFRESH_LIFE: i64 = 7_776_000;

impl Consents for Zendesk {
    const NAME: &'static str = "Zendesk";
    const OFFERED: &'static str = "acme";
    const CODE_LIFE: Millis = 120_000;
    const SCOPES: &'static [&'static str] = &["read", "write"];

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn tools(&self) -> &Tools {
        &self.tools
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/{account}/oauth/authorizations/new", web::get().to(consent::show::<Zendesk>))
        .route("/{account}/oauth/authorizations/new", web::post().to(consent::decide::<Zendesk>))
        .route("/{account}/oauth/tokens", web::post().to(exchange));
}

async fn exchange(
    zendesk: Data<Zendesk>,
    site: Path<String>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, Refusal> {
    let mut form = TokenForm::read(&request, &body).ok_or(Refusal::UnknownGrantType)?;
    form.expires_in.get_or_insert(LIFE);
    let issued = oauth::issue(zendesk.as_ref(), &form).await?;
    // A code and a token are good at their own site only.
    if issued.account != *site {
        return Err(Refusal::UnknownCode);
    }
    Ok(HttpResponse::Ok().json(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "token_type": "bearer",
        "scope": issued.scopes.join(" "),
        "expires_in": issued.seconds,
        "refresh_token_expires_in": REFRESH_LIFE,
    })))
}

/// A token gives itself back, and its refresh token with it.
pub(crate) async fn revoke(zendesk: Data<Zendesk>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let token = gate::bearer(request.headers()).ok_or_else(ApiError::unauthorized)?;
    zendesk.grants.revoke(token);
    Ok(HttpResponse::NoContent().finish())
}
