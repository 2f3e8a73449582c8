//! Browsers' sessions: begun with a bearer token, looked at, ended. How a request is known by one is `auth`'s.

use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use domain::access::Role;
use domain::fault::{Fault as _, FaultKind};
use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::{Scope, sessions};
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Everybody, Identity, Session};
use crate::door::Door;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Who somebody is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct View {
    /// For which tenant they ask.
    tenant_id: TenantId,
    /// Who they are, as the issuer of their token names them.
    #[schema(example = "user_42")]
    sub: String,
    /// What they may do.
    roles: Vec<Role>,
    /// When the session, or the token, ends.
    expires_at: Timestamp,
    /// What pages send as `X-CSRF-Token` when they change something; `null` with a bearer token, which needs none.
    csrf_token: Option<String>,
}

/// Begins a session for the bearer of a token, in a cookie that scripts cannot read.
///
/// It ends with the token, by its end or its revocation, or after eight hours, whichever is sooner, and with
/// `DELETE /api/v1/session`. A session that the browser had before is ended.
#[utoipa::path(tag = "session", security(("bearer" = ["viewer", "admin", "service"])), responses(
    (status = 201, body = View, description = "The session; `Set-Cookie` has its cookie.")))]
#[post("/session")]
pub(crate) async fn begin_session(
    caller: Everybody,
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    if caller.session.is_some() {
        // A session that could begin another one would never end.
        return Err(Refusal::NoToken.into());
    }
    let (tenant_id, sub, roles) = (caller.tenant_id, caller.sub.clone(), caller.roles.clone());
    let Begun { cookie, csrf_token, expires_at } = begin(&gateway, &door, &request, caller.identity).await?;
    let view = View { tenant_id, sub, roles, expires_at, csrf_token: Some(csrf_token) };
    Ok(HttpResponse::Created().cookie(cookie).json(view))
}

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct Begun {
    /// What makes the browser keep it.
    pub(crate) cookie: Cookie<'static>,
    csrf_token: String,
    expires_at: Timestamp,
}

/// Begins a session for the bearer of a token, and ends the one that their browser had before.
pub(crate) async fn begin(
    gateway: &Gateway,
    door: &Door,
    request: &HttpRequest,
    who: Identity,
) -> Result<Begun, Problem> {
    let secret = vault::new_secret()?;
    let new = Session::of(secret.expose_secret());
    let tenant_id = who.tenant_id;
    let expires_at = who.expires_at.min(Timestamp::now().plus(gateway.session_life));
    let mut tx = gateway.database.begin(Scope::Tenant(tenant_id)).await?;
    if let Some(old) = door.cookies.secret(request) {
        sessions::end(&mut tx, tenant_id, &Session::of(&old).id_hash).await?;
    }
    let kept = sessions::Session { sub: who.sub, roles: who.roles, expires_at, token: who.token };
    sessions::begin(&mut tx, tenant_id, &new.id_hash, &kept).await.map_err(unknown_tenant)?;
    tx.commit().await?;
    let cookie = door.cookies.with(tenant_id, &secret, expires_at);
    Ok(Begun { cookie, csrf_token: new.csrf_token, expires_at })
}

/// Says who asks.
#[utoipa::path(tag = "session", security(("bearer" = ["viewer", "admin", "service"])), responses(
    (status = 200, body = View, description = "Who asks, by a session or by a token.")))]
#[get("/session")]
pub(crate) async fn show_session(caller: Everybody) -> HttpResponse {
    let Identity { tenant_id, sub, roles, expires_at, session, .. } = caller.identity;
    let csrf_token = session.map(|session| session.csrf_token);
    HttpResponse::Ok().json(View { tenant_id, sub, roles, expires_at, csrf_token })
}

/// Ends the session of the cookie, on all sides and at once.
#[utoipa::path(tag = "session", security(("bearer" = ["viewer", "admin", "service"])), responses(
    (status = 204, description = "There is none any more.")))]
#[delete("/session")]
pub(crate) async fn end_session(
    caller: Everybody,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    end(&gateway, &caller).await?;
    Ok(HttpResponse::NoContent().cookie(door.cookies.without()).finish())
}

/// Ends the session by which somebody is known.
pub(crate) async fn end(gateway: &Gateway, caller: &Everybody) -> Result<(), Problem> {
    if let Some(session) = &caller.session {
        let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
        sessions::end(&mut tx, caller.tenant_id, &session.id_hash).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A token may be good and its tenant not be here: what would be kept for it has nowhere to be.
pub(crate) fn unknown_tenant(error: persistence::PersistenceError) -> Problem {
    if error.kind() == FaultKind::Invalid { Refusal::NoTenant.into() } else { error.into() }
}
