//! The end of a consent: the browser comes back, and every claim that it brings is checked before the platform is asked.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, get, web};
use connectors::oauth::{Callback, Code};
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::oauth_states::{self, Begun};
use persistence::{Scope, integrations};
use runtime::http::Problem;
use secrecy::SecretString;

use super::browser::{Browser, State};
use super::connecting::{self, Consent, ours};
use super::outcome::{Failure, shown};
use super::redirect_uri;
use crate::auth::Verdict;
use crate::change::Change;
use crate::door::Door;
use crate::state::Gateway;

/// The longest reason of a platform that is shown.
const REASON: usize = 200;

/// What a callback leads to: an integration where one is known, and a failure where it ends in one.
type Ended = (Option<IntegrationId>, Result<Vec<RecordKind>, Failure>);

/// Ends a consent. Platforms send browsers here; whatever comes of it is shown on a page of the dashboard.
///
/// The page is `/dashboard/integrations/{id}?connected=1` (and `unkeyed`, the kinds without a field for our id), or
/// `…?oauth_error=` with one of `consent_denied`, `state_unknown`, `state_spent`, `state_expired`, `other_browser`, `other_user`,
/// `callback_forged`, `scopes_missing` (and `missing`), `account_taken` (and `other`, the id of the integration that has it),
/// `other_account` (and `account`), `platform_refused` (and `reason`), `platform_unavailable`, `unavailable`.
#[utoipa::path(tag = "integrations", security(("consent" = [])),
    params(
        ("state" = Option<String>, Query, description = "What was sent to the platform's page."),
        ("code" = Option<String>, Query, description = "What becomes a grant, where the tenant consents."),
        ("error" = Option<String>, Query, description = "Why there is none."),
    ),
    responses((status = 303, description = "The page on which it is shown what came of it.",
        headers(("Location" = String, description = "A page of the dashboard.")))))]
#[get("/integrations/oauth/callback")]
pub(crate) async fn finish_consent(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let callback = Callback { query: &query, received_at: Timestamp::now() };
    let (integration, outcome) = finish(&request, &gateway, &door, &callback).await;
    if let Err(failure) = &outcome {
        tracing::info!(integration.id = ?integration.map(|id| id.to_string()), error = %failure, "an account was not connected");
    }
    Ok(shown(&gateway, integration, &outcome))
}

async fn finish(request: &HttpRequest, gateway: &Gateway, door: &Door, callback: &Callback<'_>) -> Ended {
    let Some(state) = callback.get("state").and_then(State::read) else { return (None, Err(Failure::UnknownState)) };
    match admitted(request, gateway, door, &state).await {
        Ok((begun, browser)) => {
            let id = begun.integration;
            (Some(id), connected(request, gateway, callback, (&state, begun, browser)).await)
        }
        Err(ended) => ended,
    }
}

/// The consent that was begun, and its browser; its state is spent then, and for good.
async fn admitted(
    request: &HttpRequest,
    gateway: &Gateway,
    door: &Door,
    state: &State,
) -> Result<(Begun, Browser), Ended> {
    let ours = |error: persistence::PersistenceError| {
        tracing::error!(%error, "a consent could not be looked up");
        (None, Err(Failure::Ours))
    };
    let (tenant, hash) = (state.tenant, state.hash());
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await.map_err(ours)?;
    let begun = oauth_states::find(&mut tx, tenant, &hash).await.map_err(ours)?;
    let begun = begun.ok_or((None, Err(Failure::UnknownState)))?;
    // Whose it is comes first: a stranger learns nothing of it, and spends nothing.
    let browser =
        Browser::known(door.cookies, request).filter(|browser| vault::is_same(&browser.hash(), &begun.browser_hash));
    let browser = browser.ok_or((None, Err(Failure::OtherBrowser)))?;
    let user = request.extensions().get::<Verdict>().cloned().and_then(|verdict| verdict.0.ok());
    if user.is_some_and(|user| user.tenant_id != tenant || user.sub != begun.sub) {
        return Err((None, Err(Failure::OtherUser)));
    }
    let id = Some(begun.integration);
    let is_first = oauth_states::spend(&mut tx, tenant, &hash).await.map_err(ours)?;
    tx.commit().await.map_err(ours)?;
    if begun.is_spent || !is_first {
        Err((id, Err(Failure::SpentState)))
    } else if begun.expires_at <= Timestamp::now() {
        Err((id, Err(Failure::ExpiredState)))
    } else {
        Ok((begun, browser))
    }
}

async fn connected(
    request: &HttpRequest,
    gateway: &Gateway,
    callback: &Callback<'_>,
    (state, begun, browser): (&State, Begun, Browser),
) -> Result<Vec<RecordKind>, Failure> {
    let tenant = state.tenant;
    let integration = found(gateway, tenant, begun.integration).await.map_err(|error| ours(&error))?;
    let integration = integration.ok_or(Failure::UnknownState)?;
    let doorway =
        gateway.accounts.doorway(&integration.platform, begun.site.as_deref()).map_err(|error| ours(&error))?;
    let oauth = doorway.oauth().map_err(|error| ours(&error))?;
    if let Some(error) = callback.get("error") {
        return Err(if error == "access_denied" { Failure::Denied } else { Failure::Refused(reason(callback, error)) });
    }
    oauth.check_callback(&doorway.app, callback).map_err(Failure::Forged)?;
    let code = callback.get("code").ok_or_else(|| Failure::Refused("no code".to_owned()))?;
    let (code, proof): (SecretString, _) = (code.to_owned().into(), browser.proof(state));
    let redirect_uri = redirect_uri(gateway);
    let verifier = doorway.terms.pkce.then_some(&proof.verifier);
    let code = Code { code: &code, verifier, redirect_uri: &redirect_uri, scopes: doorway.terms.scopes };
    let change = Change::of(request, tenant, begun.sub);
    connecting::connect(gateway, &change, Consent { integration, site: begun.site, doorway: &doorway, code: &code })
        .await
}

async fn found(
    gateway: &Gateway,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<Option<Integration>, persistence::PersistenceError> {
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let found = integrations::get(&mut tx, tenant, id).await?;
    tx.commit().await?;
    Ok(found)
}

/// The platform's own words, short enough for an address.
fn reason(callback: &Callback<'_>, error: &str) -> String {
    callback.get("error_description").unwrap_or(error).chars().filter(|c| !c.is_control()).take(REASON).collect()
}
