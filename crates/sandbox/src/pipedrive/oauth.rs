//! Pipedrive's OAuth: the app says who it is in a header, its scopes are its own, and a company has an address of its own.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::StatusCode,
    web::{self, Bytes, Data, ServiceConfig},
};
use serde_json::json;

use super::Pipedrive;
use crate::{
    clock::Millis,
    oauth::{
        self, Consents, Refusal, TokenForm, consent,
        grants::{Grants, Marks},
    },
    tools::Tools,
};

pub(crate) const MARKS: Marks = Marks { code: "pdc.", access: "pda.", refresh: "pdr." };

impl Consents for Pipedrive {
    const NAME: &'static str = "Pipedrive";
    const OFFERED: &'static str = "900";
    const CODE_LIFE: Millis = 300_000;
    const SCOPES: &'static [&'static str] =
        &["base", "contacts:full", "deals:full", "activities:full", "recents:read", "search:read", "admin"];

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn tools(&self) -> &Tools {
        &self.tools
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/authorize", web::get().to(consent::show::<Pipedrive>))
        .route("/authorize", web::post().to(consent::decide::<Pipedrive>))
        .route("/token", web::post().to(exchange))
        .route("/revoke", web::post().to(revoke));
}

/// A refusal of the token endpoint, as Pipedrive words it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(Refusal);

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let body = json!({"success": false, "error": self.0.word(), "message": self.to_string()});
        HttpResponse::build(self.status_code()).json(body)
    }
}

fn read(request: &HttpRequest, body: &Bytes) -> Result<TokenForm, Refused> {
    TokenForm::read(request, body).ok_or(Refused(Refusal::UnknownGrantType))
}

async fn exchange(pipedrive: Data<Pipedrive>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Refused> {
    let issued = oauth::issue(pipedrive.as_ref(), &read(&request, &body)?).await.map_err(Refused)?;
    let asked = request.connection_info();
    Ok(HttpResponse::Ok().json(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "token_type": "bearer",
        "scope": issued.scopes.join(","),
        "expires_in": issued.seconds,
        "api_domain": format!("{}://{}/{}", asked.scheme(), asked.host(), super::SLUG),
    })))
}

async fn revoke(pipedrive: Data<Pipedrive>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Refused> {
    let form = read(&request, &body)?;
    form.check_client().map_err(Refused)?;
    pipedrive.grants.revoke(&form.token);
    Ok(HttpResponse::Ok().finish())
}
