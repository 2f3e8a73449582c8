//! How a browser wants to be shown pages: language and light, kept in cookies that open nothing.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, post, web};
use runtime::http::Problem;

use super::fields::Fields;
use super::frame::own_path;
use super::reader::{LANGUAGE, THEME, Theme, code, language_named};
use crate::auth::is_ours;
use crate::door::Door;
use crate::refusal::Refusal;

/// Keeps what was chosen, and leads back.
#[post("/preferences")]
pub(super) async fn prefer(
    request: HttpRequest,
    fields: Fields,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    if !is_ours(&request) {
        return Err(Refusal::Forged.into());
    }
    let secure = door.cookies.secure;
    let mut answer = HttpResponse::SeeOther();
    if let Some(language) = language_named(fields.get("language")) {
        answer.cookie(kept(LANGUAGE, code(language), secure));
    }
    if let Some(theme) = Theme::named(fields.get("theme")) {
        answer.cookie(kept(THEME, theme.as_str(), secure));
    }
    Ok(answer.insert_header((LOCATION, own_path(fields.get("back")))).finish())
}

fn kept(name: &'static str, value: &'static str, secure: bool) -> Cookie<'static> {
    let cookie = Cookie::build(name, value).path("/dashboard").max_age(Duration::days(365));
    cookie.same_site(SameSite::Lax).http_only(true).secure(secure).finish()
}
