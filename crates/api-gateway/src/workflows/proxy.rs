//! `/api/v1/proxy/{id}/…`: a workflow calls a platform with the tenant's credentials, which it never sees. Creates are `create`'s.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, route, web};
use connectors::error::ConnectorError;
use connectors::http::RawAnswer;
use connectors::proxy::{self, Effect, Forward};
use domain::id::IntegrationId;
use domain::workflow::Pass;
use runtime::http::Problem;
use serde_json::Value;

use super::create;
use super::errand::{Errand, admit, park_if_refused, unanswered};
use super::pass::ProxyPass;
use crate::body::Body;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Bytes of a call's body: a single object is far smaller.
const BODY: usize = 256 * 1024;

/// Bytes of a call's query.
const QUERY: usize = 2_000;

/// What the answer comes to, by the platform's own rules: `done`, `refused`, or `retry` where the same may succeed later.
const RESULT: &str = "x-coccinelle-result";

/// The platform's id of the object, where the call was done.
const OBJECT: &str = "x-coccinelle-object-id";

/// Says that the platform, and not we, gave this answer.
const SOURCE: (&str, &str) = ("x-coccinelle-source", "platform");

/// Calls the platform for the write that the pass is for, by the calls that its action needs and no others.
///
/// `path` goes on below the platform's base URL, as in `crm/objects/2026-03/contacts`. The platform's answer comes back with
/// its status, marked by the header `x-coccinelle-source: platform`; `x-coccinelle-result` is `done`, `refused` or `retry`, and
/// `x-coccinelle-object-id` the object's id where it was done. A create is looked for first; one that is repeated
/// gets the first result.
#[utoipa::path(tag = "workflows", method(get, post, put, patch, delete), path = "/proxy/{id}/{path}", security(("pass" = [])),
    params(("id" = IntegrationId, Path, description = "Which integration."),
        ("path" = String, Path, description = "What to call of the platform.")),
    responses(
        (status = 200, description = "What the platform answered; other statuses of its are passed on as well."),
        (status = 401, description = "`pass_missing`, `pass_invalid`: the token is not of this write, or has expired."),
        (status = 403, description = "`call_not_allowed`: the action does not need this call."),
        (status = 409, description = "`errand_over`: the write was reported, or given to somebody else. \
            `create_under_way`: it is being created; come again after `Retry-After` seconds."),
        (status = 429, description = "`budget_spent`: the platform takes no more for the moment."),
        (status = 503, description = "`platform_unavailable`: the platform does not answer."),
    ))]
#[route("/proxy/{id}/{path:.*}", method = "GET", method = "POST", method = "PUT", method = "PATCH", method = "DELETE")]
pub(crate) async fn call_platform(
    pass: ProxyPass,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let call = read(&request, &pass.0, &body)?;
    let (errand, effect) = admit(&gateway, pass.0, &call).await?;
    let (event, method, path) = (errand.pass.event_id, call.method.clone(), call.path.clone());
    let answered = match effect {
        Effect::Create => Ok(create::create(&gateway, &errand, call).await?),
        Effect::Read => proxy::forward(&errand.account, call).await,
        Effect::Write => write(&errand, call).await,
    };
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return Err(unanswered(&gateway, &errand, &error).await),
    };
    // Neither query nor body: both hold what people are.
    tracing::info!(
        event.id = %event, integration.id = %errand.integration.id, http.method = %method, http.path = path,
        http.status = answer.status, "a workflow called a platform"
    );
    passed_on(&gateway, &errand, answer).await
}

/// Makes a change, and what it leaves open where the platform cannot do it by one call.
async fn write(errand: &Errand, call: Forward) -> Result<RawAnswer, ConnectorError> {
    let answer = proxy::forward(&errand.account, call.clone()).await?;
    match errand.proxy.refusal(&answer) {
        Some(_) => Ok(answer),
        None => errand.proxy.settle(&errand.account, &call, answer).await,
    }
}

/// The call as it is asked for; what is not JSON, or too long, is no call.
fn read(request: &HttpRequest, pass: &Pass, body: &Body) -> Result<Forward, Refusal> {
    if body.0.len() > BODY {
        return Err(Refusal::TooLarge(BODY));
    }
    if request.query_string().len() > QUERY {
        return Err(Refusal::CallNotAllowed);
    }
    let marker = format!("/proxy/{}/", pass.integration_id);
    // As it was sent, not decoded: what an action may call needs no escapes.
    let (_, path) = request.uri().path().split_once(&marker).ok_or(Refusal::NotFound)?;
    let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string());
    let is_empty = body.0.is_empty();
    let body: Option<Value> =
        (!is_empty).then(|| serde_json::from_slice(&body.0)).transpose().map_err(Refusal::Malformed)?;
    let method = request.method().as_str().parse().map_err(|_unknown| Refusal::CallNotAllowed)?;
    let query = query.map_err(|_malformed| Refusal::CallNotAllowed)?.into_inner();
    Ok(Forward { method, path: path.to_owned(), query, body })
}

async fn passed_on(gateway: &Gateway, errand: &Errand, answer: RawAnswer) -> Result<HttpResponse, Problem> {
    let refused = errand.proxy.refusal(&answer);
    let is_parked = match &refused {
        Some(refused) => park_if_refused(gateway, errand, refused).await?,
        None => false,
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::build(status);
    response.insert_header(SOURCE);
    let result = match &refused {
        None => "done",
        // What a parked integration owes is made once it is connected again.
        Some(refused) if is_parked || refused.kind.is_transient() => "retry",
        Some(_) => "refused",
    };
    response.insert_header((RESULT, result));
    let id = errand.proxy.id_of(&answer.body).or_else(|| errand.own.clone());
    if let Some(id) = id.filter(|_| refused.is_none()) {
        response.insert_header((OBJECT, id));
    }
    if let Some(wait) = answer.retry_after.or_else(|| refused.and_then(|refused| refused.retry_after)) {
        response.insert_header((RETRY_AFTER, wait.as_secs().max(1)));
    }
    Ok(if answer.body.is_null() { response.finish() } else { response.json(answer.body) })
}
