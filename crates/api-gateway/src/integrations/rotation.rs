//! Replacing the secret with which a platform signs what it tells of one integration. How that stands is `webhook`'s.

use accounts::{AccountError, NewSecret};
use actix_web::{HttpResponse, post, web};
use connectors::webhook::SecretSource;
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use domain::time::Timestamp;
use persistence::Scope;
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::webhook::source_of;
use super::{Patience, find, platform_of, see_that_it_calls};
use crate::body::Id;
use crate::change::Change;
use crate::idempotency::MadeAt;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A secret that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewWebhookSecret)]
pub(crate) struct Rotated {
    /// The secret, to be entered at the platform. It is shown this once.
    pub(crate) secret: String,
    /// Until when the one before still verifies; `null` where there was none.
    pub(crate) previous_until: Option<Timestamp>,
    #[serde(skip)]
    made_at: MadeAt,
}

/// Replaces the integration's own secret. The new one is shown once; the one before still verifies for a day.
///
/// A platform that was told the old one when it was subscribed to is told the new one at once, or at the next daily check where
/// it is away; nothing is left to do by hand. One that chooses the secret itself (Zendesk) is made to choose another.
///
/// Each replaced secret has a day of its own, so replacing it again takes nothing from those before. A repetition with the same
/// `Idempotency-Key` is told the same secret.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = Rotated, description = "The new secret."),
        (status = 409, description = "`secret_not_ours`: the platform signs with the secret of \
            Coccinelle's app, which is not the tenant's to replace. `too_many_secrets`: ten replaced secrets still verify; \
            come again after `Retry-After` seconds."),
    ))]
#[post("/integrations/{id}/webhook/rotate")]
pub(crate) async fn rotate_webhook_secret(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    repeated: Option<MadeAt>,
) -> Result<HttpResponse, Problem> {
    let rotated = match repeated {
        Some(made_at) => told_again(&gateway, &change, id.0, made_at).await?,
        None => rotated(&gateway, &change, id.0).await?,
    };
    Ok(rotated.made_at.mark(HttpResponse::Ok().json(rotated)))
}

/// A new secret in place of the integration's own.
pub(crate) async fn rotated(gateway: &Gateway, change: &Change, id: IntegrationId) -> Result<Rotated, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, tenant, id).await?;
    if source_of(&integration)? == SecretSource::App {
        return Err(Refusal::SecretNotOurs(platform_of(&integration.platform)?.connector().descriptor().name).into());
    }
    let made = gateway.accounts.webhook_secrets().rotate(&mut tx, (tenant, id), Timestamp::now()).await;
    let made = made.map_err(|error| {
        if let AccountError::TooManySecrets(wait) = error {
            Refusal::TooManySecrets(wait).into()
        } else {
            Problem::from(error)
        }
    })?;
    let told = FieldChange::named("webhook_secret");
    tx.commit(Action::WebhookSecretRotated, Some(id.to_string()), [told]).await?;
    see_that_it_calls(gateway, (tenant, id), Patience::begins(gateway)).await;
    Ok(made.into())
}

/// The secret that was made then, for whoever did not get the answer.
async fn told_again(
    gateway: &Gateway,
    change: &Change,
    id: IntegrationId,
    MadeAt(made_at): MadeAt,
) -> Result<Rotated, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(change.tenant_id)).await?;
    let secrets = gateway.accounts.webhook_secrets();
    let made = secrets.made_at(&mut tx, (change.tenant_id, id), made_at).await?.ok_or(Refusal::NotFound)?;
    tx.commit().await?;
    Ok(made.into())
}

impl From<NewSecret> for Rotated {
    fn from(made: NewSecret) -> Self {
        let NewSecret { secret, made_at, previous_until } = made;
        Self { secret: secret.expose_secret().to_owned(), previous_until, made_at: MadeAt(made_at) }
    }
}
