//! Coming in and going out: a token becomes a session in a cookie. In production, Coccinelle's own pages send theirs here.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, ORIGIN};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, post, web};
use askama::Template;
use runtime::http::Problem;
use serde::Deserialize;

use super::fields::Fields;
use super::frame::{Frame, own_path};
use super::text::Message;
use super::text::{frame as frame_words, login as m};
use crate::auth::{Everybody, is_ours};
use crate::door::Door;
use crate::refusal::Refusal;
use crate::sessions;
use crate::state::Gateway;

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    frame: Frame,
    next: String,
    notice: Option<Message>,
    error: Option<Message>,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
    ended: Option<String>,
}

/// The form that asks for a token.
#[get("/login")]
pub(super) async fn show_login(request: HttpRequest, wanted: web::Query<Wanted>) -> Result<HttpResponse, Problem> {
    let notice = wanted.ended.as_ref().map(|_| m::ENDED);
    let page = Page { frame: Frame::open(&request, m::TITLE), next: own_path(&wanted.next), notice, error: None };
    page.frame.show(&page)
}

/// Begins a session for the bearer of the token.
#[post("/login")]
pub(super) async fn log_in(
    request: HttpRequest,
    fields: Fields,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    // Else another site could log a browser in as somebody else.
    if !is_ours(&request) && !is_allowed(&request, &gateway) {
        return Err(Refusal::Forged.into());
    }
    let next = own_path(fields.get("next"));
    let identity = match door.verify(fields.get("token").trim()).await {
        Ok(identity) => identity,
        Err(problem) if problem.status_code() == StatusCode::UNAUTHORIZED => {
            let page = Page { frame: Frame::open(&request, m::TITLE), next, notice: None, error: Some(m::REFUSED) };
            return page.frame.answer(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(problem) => return Err(problem),
    };
    let begun = sessions::begin(&gateway, &door, &request, identity).await?;
    Ok(HttpResponse::SeeOther().cookie(begun.cookie).insert_header((LOCATION, next)).finish())
}

/// Ends the session.
#[post("/logout")]
pub(super) async fn log_out(
    caller: Everybody,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    sessions::end(&gateway, &caller).await?;
    let mut answer = HttpResponse::SeeOther();
    Ok(answer.cookie(door.cookies.without()).insert_header((LOCATION, "/dashboard/login")).finish())
}

/// Whether a page of Coccinelle's own sends somebody here.
fn is_allowed(request: &HttpRequest, gateway: &Gateway) -> bool {
    let origin = request.headers().get(ORIGIN).and_then(|value| value.to_str().ok());
    origin.is_some_and(|origin| gateway.limits.allowed_origins.iter().any(|allowed| allowed == origin))
}
