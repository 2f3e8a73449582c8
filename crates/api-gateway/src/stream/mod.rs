//! News as it happens, as server-sent events. What is news is `stream::hub`'s.

mod hub;

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;
use futures_util::stream;
use persistence::log_page::LogCursor;
use runtime::http::Problem;
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, sleep_until, timeout_at};

pub(crate) use self::hub::Hub;
use self::hub::{Deaf, Event};
use crate::auth::Viewer;
use crate::door::Door;
use crate::refusal::Refusal;

/// How long a stream is silent at most: proxies cut off what says nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is looked whether a reader's session, or token, still stands.
const LOOK: Duration = Duration::from_secs(5);

/// How far back a reader may go on.
const RESUMES: Duration = Duration::from_mins(15);

/// What every stream begins with: how soon to come again after it was cut, in milliseconds.
const GREETING: &[u8] = b"retry: 3000\n\n";

/// Streams what happens, as server-sent events with JSON in `data`.
///
/// `attempt`: an attempt at bringing something into step ended. `delivery`: a webhook came in. `health`: an integration is
/// otherwise than it was. `run`: a full sync moved on. `gap`: some were missed; read the lists again. Attempts and deliveries
/// have ids; sent back as `Last-Event-ID`, one lets the stream go on behind it, up to 15 minutes and 1,000 of each. The
/// stream ends when the token expires, and soon after the session ends, or the token is revoked, by which it was opened.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])),
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen.")),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "The stream."),
        (status = 429, description = "`too_many_streams`: the tenant has as many open as it may."),
    ))]
#[get("/stream")]
pub(crate) async fn stream_news(
    caller: Viewer,
    hub: web::Data<Hub>,
    door: web::Data<Door>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let receiver = hub.listen(caller.tenant_id).await.map_err(|deaf| match deaf {
        Deaf::TooMany => Problem::from(Refusal::TooManyStreams),
        Deaf::Away(error) => Problem::from(error),
    })?;
    let missed = match seen(&request) {
        Some(place) => hub.since(caller.tenant_id, &place).await?,
        None => Vec::new(),
    };
    let repeated = missed.iter().filter_map(|event| event.place.as_ref()).map(|place| place.id.clone()).collect();
    let mut waiting = VecDeque::from([Bytes::from_static(GREETING)]);
    waiting.extend(missed.iter().map(frame));
    let ends = Instant::now() + Timestamp::now().until(caller.expires_at);
    let known = match (&caller.session, caller.token) {
        (Some(session), _) => Known::Session(session.id_hash.clone()),
        (None, Some(token)) => Known::Token(token),
        (None, None) => Known::ForItsLife,
    };
    let (hub, door, look) = (hub.into_inner(), door.into_inner(), Instant::now() + LOOK);
    let standing = Standing { hub, door, tenant: caller.tenant_id, known, look };
    let reader = Reader { waiting, repeated, receiver, ends, standing };
    let frames = stream::unfold(reader, |mut reader| async move {
        reader.next().await.map(|frame| (Ok::<_, Infallible>(frame), reader))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // For proxies that would gather it until it is worth sending.
        .insert_header((HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .streaming(frames))
}

/// From where the reader wants to go on; what is no place of ours is none.
fn seen(request: &HttpRequest) -> Option<LogCursor> {
    let mut place: LogCursor = request.headers().get("last-event-id")?.to_str().ok()?.parse().ok()?;
    place.created_at = place.created_at.max(Timestamp::now().minus(RESUMES));
    Some(place)
}

/// An event as it is sent. JSON holds no line break, and so ends no line of the frame.
fn frame(event: &Event) -> Bytes {
    let id = event.place.as_ref().map(|place| format!("id: {place}\n")).unwrap_or_default();
    Bytes::from(format!("{id}event: {}\ndata: {}\n\n", event.name, event.data))
}

/// One who listens.
struct Reader {
    /// What is sent before anything else.
    waiting: VecDeque<Bytes>,
    /// What was among that: news that is none to this one.
    repeated: HashSet<String>,
    receiver: Receiver<Arc<Event>>,
    /// When the token expires.
    ends: Instant,
    standing: Standing,
}

/// By what a reader is known, and when that is looked at again.
struct Standing {
    hub: Arc<Hub>,
    door: Arc<Door>,
    tenant: TenantId,
    known: Known,
    look: Instant,
}

/// By what a reader is known.
enum Known {
    /// By the session of that hash.
    Session(String),
    /// By a listed token.
    Token(TokenId),
    /// By a token that nobody can revoke.
    ForItsLife,
}

impl Standing {
    /// Whether the session has ended or the token is revoked, where it is time to look. Where nobody can say, the reader comes
    /// again and is asked who it is.
    async fn has_ended(&mut self) -> bool {
        if Instant::now() < self.look {
            return false;
        }
        let has_ended = match &self.known {
            Known::Session(session) => !self.hub.knows(self.tenant, session).await.unwrap_or_default(),
            Known::Token(token) => self.door.listed.is_revoked(*token) != Some(false),
            Known::ForItsLife => false,
        };
        self.look = Instant::now() + LOOK;
        has_ended
    }

    /// Waits until it is time to look; for ever where there is nothing to look at.
    async fn look(&self) {
        match self.known {
            Known::Session(_) | Known::Token(_) => sleep_until(self.look).await,
            Known::ForItsLife => std::future::pending().await,
        }
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.waiting.pop_front() {
            return Some(frame);
        }
        let silence = Instant::now() + HEARTBEAT;
        loop {
            if self.standing.has_ended().await {
                return None;
            }
            tokio::select! {
                biased;
                () = sleep_until(self.ends) => return None,
                () = self.standing.look() => {}
                heard = timeout_at(silence, news(&mut self.receiver, &mut self.repeated)) => {
                    return heard.unwrap_or_else(|_silence| Some(Bytes::from_static(b": still here\n\n")));
                }
            }
        }
    }
}

/// The next that was not sent yet; `None` where there will be no more.
async fn news(receiver: &mut Receiver<Arc<Event>>, repeated: &mut HashSet<String>) -> Option<Bytes> {
    loop {
        let Some(event) = hub::next(receiver).await.ok()? else {
            return Some(Bytes::from_static(b"event: gap\ndata: {}\n\n"));
        };
        if !event.place.as_ref().is_some_and(|place| repeated.remove(&place.id)) {
            return Some(frame(&event));
        }
    }
}
