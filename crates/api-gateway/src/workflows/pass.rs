//! Who asks: a workflow shows the pass of its errand, in the query for a report, as a bearer token for a call.

use std::future::{Ready, ready};
use std::time::Duration;

use accounts::Use;
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use domain::id::IntegrationId;
use domain::time::Timestamp;
use domain::workflow::{Pass, Report};
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// A report that comes so long after its errand's end is still a hint worth a look.
const LATE: Duration = Duration::from_hours(24);

/// The pass of a report. It must be for the integration in the path.
#[derive(Debug)]
pub(super) struct CallbackPass(pub(super) Pass);

/// The pass of a call. It must be for the integration in the path, and not be expired.
#[derive(Debug)]
pub(super) struct ProxyPass(pub(super) Pass);

#[derive(Deserialize)]
struct Query {
    token: String,
}

impl FromRequest for CallbackPass {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let shown = web::Query::<Query>::from_query(request.query_string()).map(|query| query.into_inner().token);
        let pass = admit(request, Use::Callback, shown.ok(), LATE);
        ready(pass.map(Self).map_err(Problem::from))
    }
}

impl FromRequest for ProxyPass {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer =
            header.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let shown = bearer.map(|(_, token)| token.trim().to_owned());
        ready(admit(request, Use::Proxy, shown, Duration::ZERO).map(Self).map_err(Problem::from))
    }
}

fn admit(request: &HttpRequest, wanted: Use, shown: Option<String>, grace: Duration) -> Result<Pass, Refusal> {
    let gateway = request.app_data::<web::Data<Gateway>>().ok_or(Refusal::NoPass)?;
    let shown = shown.filter(|token| !token.is_empty()).ok_or(Refusal::NoPass)?;
    let pass = gateway.accounts.admit(wanted, &shown).map_err(|_refused| Refusal::BadPass)?;
    if pass.expires_at.plus(grace) < Timestamp::now() {
        return Err(Refusal::BadPass);
    }
    let asked: Option<IntegrationId> = request.match_info().get("id").and_then(|id| id.parse().ok());
    if asked != Some(pass.integration_id) {
        return Err(Refusal::NotFound);
    }
    Ok(pass)
}

/// An error may quote the addresses and tokens that the workflow was given.
pub(super) fn without_passes(gateway: &Gateway, pass: &Pass, report: Report) -> Result<Report, Problem> {
    let Some(mut error) = report.error else { return Ok(report) };
    for wanted in [Use::Callback, Use::Proxy] {
        let token = gateway.accounts.issue(wanted, pass)?;
        error = error.replace(token.expose_secret(), "•••");
    }
    Ok(Report { error: Some(error), ..report })
}
