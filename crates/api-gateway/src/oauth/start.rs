//! Beginning a consent: where the browser is to go, and by what it is known when it comes back.

use actix_web::{HttpResponse, cookie::Cookie, post, web};
use connectors::oauth::Authorization;
use connectors::registry::Platform;
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use domain::time::Timestamp;
use persistence::oauth_states::{self, Begun};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::browser::{Asking, State};
use super::{LIFE, redirect_uri};
use crate::body::{Id, JsonIfAny};
use crate::change::Change;
use crate::integrations::{find, platform_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// What is to be known before the platform's page is shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsentWish)]
pub(crate) struct Wish {
    /// The name of the tenant's site, where the platform has one (`auth[].site` of the catalogue); the known one without it.
    #[schema(example = "acme")]
    url: Option<String>,
}

/// Where the browser is to go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Consent)]
struct View {
    /// The platform's page.
    authorize_url: String,
    /// Until when the consent may be given.
    expires_at: Timestamp,
}

/// Begins a consent on the platform's own page, for a new integration or for one whose grant is no more.
///
/// The browser that calls this is given a cookie, and must be the one that goes to `authorize_url`; it comes back to the
/// integration's page. Good for ten minutes and for one callback.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), request_body = Option<Wish>,
    params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = View, description = "Where the browser is to go; `Set-Cookie` has the cookie by which it is known again."),
        (status = 409, description = "`oauth_unavailable`: the operator has not set Coccinelle's app up at this platform."),
    ))]
#[post("/integrations/{id}/oauth/start")]
pub(crate) async fn start_consent(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    asking: Asking,
    wish: JsonIfAny<Wish>,
) -> Result<HttpResponse, Problem> {
    let Sent { page, cookie, expires_at } = begun(&gateway, &change, &asking, (id.0, wish.0.url)).await?;
    Ok(HttpResponse::Ok().cookie(cookie).json(View { authorize_url: page.into(), expires_at }))
}

/// A browser that is sent to the platform's page.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The platform's page.
    pub(crate) page: Url,
    /// By what the browser is known when it comes back.
    pub(crate) cookie: Cookie<'static>,
    expires_at: Timestamp,
}

/// Begins a consent for an integration, at the site that was typed, else at the known one.
pub(crate) async fn begun(
    gateway: &Gateway,
    change: &Change,
    Asking { browser, cookies }: &Asking,
    (id, typed): (IntegrationId, Option<String>),
) -> Result<Sent, Problem> {
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, change.tenant_id, id).await?;
    tx.leave_unchanged().await?;
    let typed = typed.or(integration.url);
    let site = site_of(platform_of(&integration.platform)?, typed.as_deref())?;
    let doorway = gateway.accounts.doorway(&integration.platform, site.as_deref());
    let doorway = doorway.map_err(Refusal::without_doorway)?;
    let state = State::new(change.tenant_id)?;
    let proof = browser.proof(&state);
    let redirect_uri = redirect_uri(gateway);
    let asked = Authorization {
        state: state.text(),
        challenge: doorway.terms.pkce.then_some(proof.challenge.as_str()),
        redirect_uri: &redirect_uri,
        scopes: doorway.terms.scopes,
    };
    let page = doorway.oauth()?.authorize_url(&doorway.app, &asked);
    let expires_at = Timestamp::now().plus(LIFE);
    let (sub, browser_hash) = (change.sub().to_owned(), browser.hash());
    let begun = Begun { integration: id, sub, browser_hash, site, expires_at, is_spent: false };
    let mut tx = change.begin(gateway).await?;
    oauth_states::begin(&mut tx, (change.tenant_id, &state.hash()), &begun).await?;
    tx.commit(Action::ConsentStarted, Some(id.to_string()), None::<FieldChange>).await?;
    Ok(Sent { page, cookie: browser.cookie(*cookies), expires_at })
}

/// The name of the tenant's site, as the platform's connector understands what was typed.
pub(crate) fn site_of(platform: Platform, typed: Option<&str>) -> Result<Option<String>, Refusal> {
    let connector = platform.connector();
    let oauth = connector.oauth().ok_or(Refusal::NoConsent(connector.descriptor().name))?;
    oauth
        .site(typed.map(str::trim).filter(|typed| !typed.is_empty()))
        .map_err(|bad| Refusal::at("url", bad.to_string()))
}
