//! Tokens for a tenant's programs: made and shown once, listed, revoked. Nothing of a token itself is kept; signing it and
//! refusing a revoked one is `auth`'s.

use std::time::Duration;

use accounts::KeyHint;
use actix_web::{HttpResponse, delete, get, post, web};
use domain::access::{Claims, Role};
use domain::audit::{Action, FieldChange};
use domain::event::InputFault;
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;
use persistence::tokens::{self, ApiToken};
use persistence::{Scope, Transaction};
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    auth::{Admin, Signer},
    body::{Id, Json, QueryParams},
    change::Change,
    door::Door,
    idempotency::MadeAt,
    page::Page,
    page::Part,
    refusal::Refusal,
    sessions,
    state::Gateway,
};

/// The longest name, in characters.
const NAME_LIMIT: usize = 50;

/// The longest life, in days: who has forgotten a token for a year does not miss it.
pub(crate) const DAYS_LIMIT: u16 = 365;

/// The routes of tokens.
pub(crate) fn routes(routes: &mut ServiceConfig<'_>) {
    routes.service(list_tokens).service(make_token).service(revoke_token);
}

/// A token as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiToken)]
pub(crate) struct Wish {
    /// What it is called: 1 to 50 characters.
    #[schema(min_length = 1, max_length = 50, example = "CRM export")]
    name: String,
    /// What its bearer may do.
    role: Role,
    /// For how many days it holds.
    #[schema(minimum = 1, maximum = 365, example = 90)]
    days: u16,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeApiToken)]
pub(crate) struct Made {
    /// The token. It is shown this once.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.…")]
    pub(crate) token: String,
    /// What lists tell of it.
    #[serde(flatten)]
    pub(crate) listed: ApiToken,
}

impl Made {
    fn into_answer(self) -> HttpResponse {
        MadeAt(self.listed.created_at).mark(HttpResponse::Created().json(self))
    }
}

/// Lists the tokens that admins made, the newest first; those that ended three months ago are forgotten.
///
/// Tokens that an issuer or `admin issue-token` made are not among them.
#[utoipa::path(tag = "tokens", security(("bearer" = ["admin"])), params(Part),
    responses((status = 200, body = Page<ApiToken>, description = "The tokens.")))]
#[get("/tokens")]
async fn list_tokens(
    caller: Admin,
    gateway: web::Data<Gateway>,
    part: QueryParams<Part>,
) -> Result<HttpResponse, Problem> {
    let found = Page::read(&gateway, caller.tenant_id, &part.0.of_log()?, tokens::list).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Makes a token for a program. It is shown once and kept nowhere; a repetition with the same `Idempotency-Key` is told the same
/// token.
#[utoipa::path(tag = "tokens", security(("bearer" = ["admin"])), request_body = Wish,
    responses(
        (status = 201, body = Made, description = "The token."),
        (status = 409, description = "`tokens_issued_elsewhere`: an issuer signs the tokens; ask it for one. \
            `too_many_tokens`: 200 have not come to their end, revoked ones among them."),
    ))]
#[post("/tokens")]
async fn make_token(
    change: Change,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
    wish: Json<Wish>,
    repeated: Option<MadeAt>,
) -> Result<HttpResponse, Problem> {
    let made = match repeated {
        Some(made_at) => told_again(&gateway, &door, change.tenant_id, made_at).await?,
        None => made(&gateway, &door, &change, wish.0).await?,
    };
    Ok(made.into_answer())
}

/// Revokes a token. Where it is done, it is refused at once; at other replicas, and in streams that are open, within ten seconds.
///
/// A browser's session that the token began ends with it. What the token made is left as it is, other tokens among it.
#[utoipa::path(tag = "tokens", security(("bearer" = ["admin"])), params(("id" = TokenId, Path, description = "Which token.")),
    responses(
        (status = 204, description = "It is revoked."),
        (status = 409, description = "`token_over`: it was revoked before, or has come to its end."),
    ))]
#[delete("/tokens/{id}")]
async fn revoke_token(
    change: Change,
    id: Id<TokenId>,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    revoked(&gateway, &door, &change, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A new token.
pub(crate) async fn made(gateway: &Gateway, door: &Door, change: &Change, wish: Wish) -> Result<Made, Problem> {
    let signer = door.signer.as_ref().ok_or(Refusal::TokensElsewhere)?;
    wish.check()?;
    let created_at = Timestamp::now();
    let mut listed = ApiToken {
        id: TokenId::new(),
        name: wish.name,
        role: wish.role,
        hint: String::new(),
        created_by: change.sub().to_owned(),
        created_at,
        expires_at: created_at.plus(Duration::from_hours(24 * u64::from(wish.days))),
        last_used_at: None,
        revoked_by: None,
        revoked_at: None,
    };
    let token = signed(signer, change.tenant_id, &listed)?;
    KeyHint(listed.hint) = KeyHint::of(&token);
    let mut tx = change.begin(gateway).await?;
    if !tokens::create(&mut tx, change.tenant_id, &listed).await.map_err(sessions::unknown_tenant)? {
        tx.leave_unchanged().await?;
        return Err(Refusal::TooManyTokens.into());
    }
    let told = [
        FieldChange::told("name", Value::Null, listed.name.as_str()),
        FieldChange::told("role", Value::Null, serde_json::to_value(listed.role).unwrap_or_default()),
        FieldChange::told("expires_at", Value::Null, listed.expires_at.to_string()),
    ];
    tx.commit(Action::TokenCreated, Some(listed.id.to_string()), told.into_iter().flatten()).await?;
    Ok(Made { token: token.expose_secret().to_owned(), listed })
}

/// The token that was made then, for whoever did not get the answer: signed again, since it is not kept.
async fn told_again(
    gateway: &Gateway,
    door: &Door,
    tenant: TenantId,
    MadeAt(made_at): MadeAt,
) -> Result<Made, Problem> {
    let signer = door.signer.as_ref().ok_or(Refusal::TokensElsewhere)?;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let listed = tokens::made_at(&mut tx, tenant, made_at).await?.ok_or(Refusal::NotFound)?;
    tx.commit().await?;
    let token = signed(signer, tenant, &listed)?.expose_secret().to_owned();
    Ok(Made { token, listed })
}

/// Revokes a token of the caller's tenant.
pub(crate) async fn revoked(gateway: &Gateway, door: &Door, change: &Change, id: TokenId) -> Result<(), Problem> {
    let mut tx = change.begin(gateway).await?;
    let token = find(&mut tx, change.tenant_id, id).await?;
    if !tokens::revoke(&mut tx, change.tenant_id, id, change.sub()).await? {
        tx.leave_unchanged().await?;
        return Err(Refusal::TokenOver.into());
    }
    let told = FieldChange::told("name", token.name.as_str(), Value::Null);
    tx.commit(Action::TokenRevoked, Some(id.to_string()), told).await?;
    door.listed.revoke(id, token.expires_at);
    Ok(())
}

async fn find(tx: &mut Transaction, tenant: TenantId, id: TokenId) -> Result<ApiToken, Problem> {
    Ok(tokens::get(tx, tenant, id).await?.ok_or(Refusal::NotFound)?)
}

/// A listed token itself. Everything in it is listed, so it comes out the same each time.
fn signed(signer: &Signer, tenant_id: TenantId, listed: &ApiToken) -> Result<SecretString, Problem> {
    let seconds = |at: Timestamp| at.as_millis() / 1_000;
    signer.sign(&Claims {
        // A name alone could be taken for somebody else's.
        sub: format!("{} ({})", listed.name, listed.id),
        tenant_id,
        roles: vec![listed.role],
        iat: seconds(listed.created_at),
        exp: seconds(listed.expires_at),
        jti: Some(listed.id),
    })
}

impl Wish {
    fn check(&self) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, message: String| faults.push(InputFault { path: path.to_owned(), message });
        let is_shown = self.name.chars().any(|char| !char.is_whitespace());
        let is_short = self.name.chars().count() <= NAME_LIMIT;
        if !is_shown || !is_short || self.name.chars().any(char::is_control) {
            fault("name", format!("must be 1 to {NAME_LIMIT} characters, none of them a control character"));
        }
        if !(1..=DAYS_LIMIT).contains(&self.days) {
            fault("days", format!("must lie between 1 and {DAYS_LIMIT}"));
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Faulty(faults)) }
    }
}
