//! What is said on the page that follows a form: that it was done, or why it was not. It travels as a word in the address,
//! and only these words mean something.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use runtime::http::Problem;

use super::text::Message;
use super::text::said as m;

/// A word and its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    code: &'static str,
    /// The sentence.
    pub(super) sentence: Message,
    /// How it is meant, as the style names it.
    pub(super) tone: &'static str,
}

const fn done(code: &'static str, sentence: Message) -> Said {
    Said { code, sentence, tone: "good" }
}

const fn refused(code: &'static str, sentence: Message) -> Said {
    Said { code, sentence, tone: "warn" }
}

/// Everything that can be said. Refusals have the codes of the API's problems.
const ALL: [Said; 29] = [
    done("created", m::CREATED),
    done("enabled", m::ENABLED),
    done("disabled", m::DISABLED),
    done("started", m::STARTED),
    done("cancelled", m::CANCELLED),
    done("confirmed", m::CONFIRMED),
    done("saved", m::SAVED),
    done("deleted", m::DELETED),
    done("disconnected", m::DISCONNECTED),
    done("replayed", m::REPLAYED),
    done("decided", m::DECIDED),
    done("erased", m::ERASED),
    done("mapped", m::MAPPED),
    done("fields_read", m::FIELDS_READ),
    done("erasing", m::ERASING),
    done("token_revoked", m::TOKEN_REVOKED),
    done("alert_tried", m::ALERT_TRIED),
    refused("not_begun", m::NOT_BEGUN),
    refused("run_under_way", m::RUN_UNDER_WAY),
    refused("integration_disabled", m::SWITCHED_OFF),
    refused("not_connected", m::NOT_CONNECTED),
    refused("nobody_to_alert", m::NOBODY_TO_ALERT),
    refused("rate_limited", m::TOO_SOON),
    refused("nothing_to_confirm", m::NOTHING_TO_CONFIRM),
    refused("nothing_to_replay", m::NOTHING_TO_REPLAY),
    refused("platform_unavailable", m::PLATFORM_AWAY),
    refused("platform_refused", m::PLATFORM_REFUSED),
    refused("conflict_closed", m::CONFLICT_CLOSED),
    refused("token_over", m::TOKEN_OVER),
];

impl Said {
    /// What the `said` of a query means.
    pub(super) fn of_query(query: &str) -> Option<Self> {
        let (_, code) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "said")?;
        Self::named(&code)
    }

    fn named(code: &str) -> Option<Self> {
        ALL.into_iter().find(|said| said.code == code)
    }
}

/// What a page that is shown at once says of it, as [`lead`] has another one say.
pub(super) fn told<T>(outcome: Result<T, Problem>, done: &'static str) -> Result<Option<Said>, Problem> {
    code_of(outcome, done).map(Said::named)
}

/// Leads to a page that says so. A refusal that has words is said there as well; others are pages of their own.
pub(super) fn lead<T>(path: &str, outcome: Result<T, Problem>, done: &'static str) -> Result<HttpResponse, Problem> {
    let code = code_of(outcome, done)?;
    let joint = if path.contains('?') { '&' } else { '?' };
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("{path}{joint}said={code}"))).finish())
}

/// The word for an outcome; a refusal that has none stays one.
fn code_of<T>(outcome: Result<T, Problem>, done: &'static str) -> Result<&'static str, Problem> {
    match outcome {
        Ok(_) => Ok(done),
        Err(problem) => Said::named(problem.code()).map(|said| said.code).ok_or(problem),
    }
}
