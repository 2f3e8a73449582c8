//! The page on which a person lets an app into an account, and the way back to the app.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Form, Query},
};
use askama::Template;
use serde::Deserialize;
use url::Url;

use super::{CLIENT_ID, Consents, grants::Consent};
use crate::clock;

/// What an app asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    client_id: String,
    redirect_uri: String,
    scope: String,
    optional_scope: String,
    state: String,
    code_challenge: String,
}

/// As a person sees it.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
struct Page {
    platform: &'static str,
    asked: Asked,
    scope: String,
    account: String,
    /// Whether the address says which account it is about.
    is_fixed: bool,
}

/// What a person decided.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    redirect_uri: String,
    state: String,
    code_challenge: String,
    account: String,
    decision: String,
    scope: String,
}

/// The account that the address is about, where it names one.
fn named(request: &HttpRequest) -> Option<&str> {
    request.match_info().get("account")
}

pub(crate) async fn show<P: Consents>(request: HttpRequest, asked: Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    if asked.client_id != CLIENT_ID {
        let told = format!("Application inconnue : le client_id de ce bac à sable est {CLIENT_ID}.");
        return HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(told);
    }
    let scope = format!("{} {}", asked.scope, asked.optional_scope).trim().to_owned();
    let (account, is_fixed) = (named(&request).unwrap_or(P::OFFERED).to_owned(), named(&request).is_some());
    match (Page { platform: P::NAME, asked, scope, account, is_fixed }).render() {
        Ok(page) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

pub(crate) async fn decide<P: Consents>(
    platform: Data<P>,
    request: HttpRequest,
    decision: Form<Decision>,
) -> HttpResponse {
    let decision = decision.into_inner();
    let account = named(&request).unwrap_or(&decision.account).to_owned();
    let Ok(mut target) = Url::parse(&decision.redirect_uri) else {
        return HttpResponse::BadRequest().body("redirect_uri is no URL");
    };
    let mut answer = Vec::new();
    if decision.decision == "grant" {
        if platform.account(&account).is_none() {
            return HttpResponse::BadRequest().body(format!("{account} is no account's name"));
        }
        let code = platform.grants().consent(Consent {
            account: account.clone(),
            redirect_uri: decision.redirect_uri,
            scopes: decision.scope.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            challenge: Some(decision.code_challenge).filter(|challenge| !challenge.is_empty()),
            given_at: clock::now(),
        });
        answer.push(("code".to_owned(), code));
    } else {
        answer.push(("error".to_owned(), "access_denied".to_owned()));
    }
    if !decision.state.is_empty() {
        answer.push(("state".to_owned(), decision.state));
    }
    platform.complete_callback(&account, &mut answer);
    target.query_pairs_mut().extend_pairs(answer);
    HttpResponse::SeeOther().insert_header((header::LOCATION, target.as_str())).finish()
}
