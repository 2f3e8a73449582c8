//! The door of the API: every request passes it, once. Who asks, how much they may ask for, and from which pages. What they
//! may do then is said by each handler.

mod describe;
mod limits;

use std::net::{IpAddr, Ipv4Addr};

use actix_cors::Cors;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use actix_web::middleware::{Condition, Next};
use actix_web::{Error, HttpMessage as _, HttpRequest, ResponseError as _, web};
use connectors::http::SetupError;
use persistence::Database;
use runtime::config::{AuthSettings, GatewaySettings};
use runtime::http::{Peer, Problem};
use tokio_util::sync::CancellationToken;

use crate::auth::{Cookies, Credential, Identity, Listed, Session, Signer, Verdict, Verifier, check_origin, recognise};
use crate::refusal::Refusal;
use limits::{Limits, Reading};

pub(crate) use describe::describe;

/// The path with a measure of its own.
const EVENTS: &str = "/api/v1/events";

/// What the door needs to know.
#[derive(Debug)]
pub(crate) struct Door {
    verifier: Verifier,
    /// What signs tokens for programs; `None` where they are signed elsewhere.
    pub(crate) signer: Option<Signer>,
    /// Which of those are revoked.
    pub(crate) listed: Listed,
    /// How sessions' cookies are written and read.
    pub(crate) cookies: Cookies,
    database: Database,
    limits: Limits,
}

impl Door {
    /// A door as these settings want it; sessions are looked up in `database`.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn new(auth: &AuthSettings, gateway: &GatewaySettings, database: Database) -> Result<Self, SetupError> {
        let cookies = Cookies { secure: auth.secure_cookies };
        let (verifier, signer, listed) = (Verifier::new(auth)?, Signer::new(auth), Listed::default());
        Ok(Self { verifier, signer, listed, cookies, database, limits: Limits::new(gateway) })
    }

    /// Keeps the keys of the tokens' issuer fresh, and what is known of revoked tokens, until `shutdown`.
    pub(crate) async fn keep_fresh(&self, shutdown: &CancellationToken) {
        tokio::join!(self.verifier.keep_fresh(shutdown), self.listed.keep_fresh(&self.database, shutdown));
    }

    /// Who asks for a page, or sends a form. That a form shows its session's token is for whoever reads it to see; the answer to
    /// whoever asks too often is an error of the outer kind.
    pub(crate) async fn admit(&self, request: &HttpRequest) -> Result<Verdict, Problem> {
        let (found, reading) = self.look(request, |_| Ok(())).await;
        reading.wait.map_or(Ok(Verdict(found)), |wait| Err(Refusal::TooMany(wait).into()))
    }

    /// Whom a token makes its bearer, wherever it stood.
    pub(crate) async fn verify(&self, token: &str) -> Result<Identity, Problem> {
        let identity = self.verifier.verify(token).await?;
        if let Some(id) = identity.token {
            self.listed.admit(id)?;
        }
        Ok(identity)
    }

    /// Who asks, and how much they may still ask for; `check` says whether it is those whose session it is.
    async fn look(
        &self,
        request: &HttpRequest,
        check: impl Fn(&Session) -> Result<(), Refusal>,
    ) -> (Result<Identity, Problem>, Reading) {
        let stranger =
            || self.limits.of_peer(Peer::of(request).map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0));
        let found = match Credential::of(request, &self.cookies) {
            Credential::Nothing => Err(Problem::from(Refusal::NoToken)),
            Credential::Bearer(token) => self.verify(&token).await,
            Credential::Cookie(cookie) => {
                // It costs a question to the database, and anybody can make one up.
                let reading = stranger();
                if reading.is_spent() {
                    return (Err(Refusal::NoSession.into()), reading);
                }
                match self.behind(&cookie, check).await {
                    Ok(identity) => Ok(identity),
                    Err(problem) => return (Err(problem), reading),
                }
            }
        };
        let reading = match &found {
            Ok(identity) => self.limits.of_tenant(identity.tenant_id, request.path() == EVENTS),
            Err(_) => stranger(),
        };
        (found, reading)
    }

    async fn behind(&self, cookie: &str, check: impl Fn(&Session) -> Result<(), Refusal>) -> Result<Identity, Problem> {
        let identity = recognise(&self.database, cookie).await?;
        if let Some(session) = &identity.session {
            check(session)?;
        }
        Ok(identity)
    }
}

/// Middleware: notes who asks, refuses who asks too often, and says in every answer how much is left.
pub(crate) async fn enter<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(door) = request.app_data::<web::Data<Door>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let (found, reading) = door.look(request.request(), |session| check_origin(request.request(), session, None)).await;
    let mut response = match reading.wait {
        Some(wait) => request.into_response(Problem::from(Refusal::TooMany(wait)).error_response()),
        None => {
            request.extensions_mut().insert(Verdict(found));
            next.call(request).await?.map_into_boxed_body()
        }
    };
    for (name, value) in reading.headers() {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// Lets pages of these origins call the API with a bearer token. They never get to use a session: that is for our own.
pub(crate) fn cors(origins: &[String]) -> Condition<Cors> {
    let named = |names: &'static [&'static str]| names.iter().map(|name| HeaderName::from_static(name));
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .allowed_headers(named(&["idempotency-key", "traceparent"]))
        .expose_headers([ETAG, LOCATION, RETRY_AFTER])
        .expose_headers(named(&["ratelimit", "ratelimit-policy", "x-request-id", "idempotent-replayed"]))
        .max_age(3_600);
    let cors = origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin));
    Condition::new(!origins.is_empty(), cors)
}
