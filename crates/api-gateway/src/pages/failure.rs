//! What a reader is shown where a page cannot be: what happened, what it means, what to do, and the reference to quote.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, get, web};
use askama::Template;
use runtime::http::{Problem, Trace};
use url::form_urlencoded;

use super::frame::{Frame, came_from};
use super::text::Message;
use super::text::{failure as m, faults, frame as frame_words};
use crate::state::Gateway;

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    frame: Frame,
    status: u16,
    why: String,
    reference: String,
    support: String,
    leads_back: bool,
}

/// The page for a problem; who is not known yet is led to the login.
pub(super) fn answer(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    if problem.status_code() == StatusCode::UNAUTHORIZED {
        return to_login(request, problem);
    }
    let (title, why) = words(problem);
    let mut frame = Frame::open(request, title);
    if !request.method().is_safe() {
        frame.path = came_from(request);
    }
    let why = frame.say(why);
    let reference = reference(request);
    let support = support(request, &frame, &reference);
    let status = problem.status_code();
    let page = Page { status: status.as_u16(), why, reference, support, leads_back: true, frame };
    let mut answer = page.frame.answer(status, &page).unwrap_or_else(|problem| problem.error_response());
    if let Some(wait) = problem.retry_after() {
        answer.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
    }
    answer
}

/// The page that a browser keeps, to show it when we cannot be reached.
#[get("/offline")]
pub(super) async fn show_offline(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let frame = Frame::open(&request, m::OFFLINE);
    let why = frame.say(m::OFFLINE_WHY);
    let page = Page { status: 0, why, reference: String::new(), support: String::new(), leads_back: false, frame };
    page.frame.show(&page)
}

/// The id by which our logs know a request.
pub(super) fn reference(request: &HttpRequest) -> String {
    request.extensions().get::<Trace>().map(|trace| trace.0.trace_id()).unwrap_or_default()
}

/// A mail to the people who help, with the reference in its subject.
pub(super) fn support(request: &HttpRequest, frame: &Frame, reference: &str) -> String {
    let gateway = request.app_data::<web::Data<Gateway>>();
    let address = gateway.map(|gateway| gateway.limits.support_address.as_str()).unwrap_or_default();
    mail(address, &frame.fill(m::SUPPORT_SUBJECT, reference))
}

/// A link that begins a mail.
pub(super) fn mail(address: &str, subject: &str) -> String {
    let subject: String = form_urlencoded::byte_serialize(subject.as_bytes()).collect();
    format!("mailto:{address}?subject={}", subject.replace('+', "%20"))
}

fn to_login(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if request.method().is_safe()
        && let Some(path) = request.uri().path_and_query()
    {
        query.append_pair("next", path.as_str());
    }
    if problem.code() != "token_missing" {
        query.append_pair("ended", "1");
    }
    let target = format!("/dashboard/login?{}", query.finish());
    HttpResponse::SeeOther().insert_header(("location", target)).finish()
}

/// Title and explanation of a problem, in words for people: its own sentence is for programs, and in one language.
fn words(problem: &Problem) -> (Message, Message) {
    match (problem.status_code().as_u16(), problem.code()) {
        (_, "csrf_refused") => (m::FORGED, m::FORGED_WHY),
        (_, "tenant_unknown") => (m::STRANGER, m::STRANGER_WHY),
        (403, _) => (m::FORBIDDEN, m::FORBIDDEN_WHY),
        (404 | 405, _) => (m::MISSING, m::MISSING_WHY),
        (412, _) => (m::CHANGED, m::CHANGED_WHY),
        (413 | 414, _) => (m::TOO_LONG, m::TOO_LONG_WHY),
        (429, _) => (m::TOO_MANY, m::TOO_MANY_WHY),
        (503, _) => (m::AWAY, m::AWAY_WHY),
        (500.., _) => (m::BROKEN, m::BROKEN_WHY),
        (_, code) => (m::REFUSED, faults::trouble(code).unwrap_or(m::REFUSED_WHY)),
    }
}

#[cfg(test)]
mod tests {
    use domain::fault::FaultKind;

    use super::*;

    #[test]
    fn a_refusal_is_told_in_words_of_the_pages_and_never_in_those_for_programs() {
        for (problem, told) in [
            (Problem::new(FaultKind::Invalid, "invalid", "What was sent…"), (m::REFUSED, m::REFUSED_WHY)),
            (Problem::too_large(300_000), (m::TOO_LONG, m::TOO_LONG_WHY)),
            (Problem::url_too_long(8_000), (m::TOO_LONG, m::TOO_LONG_WHY)),
        ] {
            assert_eq!(words(&problem), told, "{problem}");
        }
        let known = Problem::new(FaultKind::Conflict, "too_many_secrets", "Ten replaced secrets…");
        assert_eq!(Some(words(&known).1), faults::trouble("too_many_secrets"));
    }
}
