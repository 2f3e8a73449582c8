//! How a platform tells us of changes: the address to register there, what signs it, whether it calls, and what last came of it.

use accounts::{AccountError, NewSecret};
use actix_web::{HttpResponse, get, post, web};
use connectors::webhook::SecretSource;
use domain::audit::{Action, FieldChange};
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::log_page::LogPage;
use persistence::webhook_logs::Filter;
use persistence::{Scope, Transaction, webhook_logs, webhook_secrets};
use runtime::http::Problem;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Patience, Subscription, find, platform_of, see_that_it_calls};
use crate::auth::Viewer;
use crate::body::Id;
use crate::{change::Change, idempotency::MadeAt, refusal::Refusal, state::Gateway};

/// How a platform tells us of changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct View {
    /// The address to register at the platform; it is called by POST.
    #[schema(example = "https://hooks.example.com/webhooks/integrations/hubspot/int_01jd3v8k2qf5y9m4x7w6z1a0bc")]
    pub(crate) url: String,
    /// What signs the deliveries: `app` is the secret of Coccinelle's app there, `integration` is one of this integration alone.
    #[schema(example = "app")]
    pub(crate) signed_by: &'static str,
    /// The integration's own secret; `null` where the app's signs, and before the first was made.
    pub(crate) secret: Option<Secret>,
    /// Whether the platform calls, and who sees to it.
    pub(crate) subscription: Subscription,
    /// The newest delivery for this integration, whatever came of it.
    last_delivery: Option<Delivery>,
}

/// What may be shown of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSecretHint)]
pub(crate) struct Secret {
    /// Its last characters.
    #[schema(example = "••••x7Qa")]
    pub(crate) hint: String,
    /// When it was made.
    pub(crate) rotated_at: Timestamp,
    /// Until when the one before still verifies; `null` where there is none any more.
    pub(crate) previous_until: Option<Timestamp>,
    /// Until when each of those before still verifies, the one that was replaced last first.
    pub(crate) all_previous_until: Vec<Timestamp>,
}

/// What came of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
struct Delivery {
    /// When it came.
    at: Timestamp,
    /// Whether the platform's signature was good.
    verified: bool,
    /// `applied`, `ignored` or `refused`.
    #[schema(example = "applied")]
    outcome: String,
    /// Why it was ignored or refused, as a stable code.
    #[schema(example = "wrong_signature")]
    reason: Option<String>,
}

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

/// Shows the address to register at the platform, what signs its deliveries, whether it calls, and what came of the newest.
#[utoipa::path(tag = "integrations", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = View, description = "How the platform tells us of changes.")))]
#[get("/integrations/{id}/webhook")]
pub(crate) async fn show_webhook(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let view = webhook(&gateway, &mut tx, (caller.tenant_id, id.0)).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(view))
}

/// How the platform of an integration tells us of changes.
pub(crate) async fn webhook(
    gateway: &Gateway,
    tx: &mut Transaction,
    (tenant, id): (TenantId, IntegrationId),
) -> Result<View, Problem> {
    let integration = find(tx, tenant, id).await?;
    let kept = webhook_secrets::get(tx, tenant, id).await?;
    let newest = LogPage { after: None, limit: 1 };
    let newest = webhook_logs::list(tx, (tenant, id), &Filter::default(), &newest).await?;
    let secret = kept.map(|kept| {
        let all_previous_until: Vec<_> = kept.previous.iter().map(|previous| previous.until).collect();
        let previous_until = all_previous_until.first().copied();
        Secret { hint: kept.hint, rotated_at: kept.rotated_at, previous_until, all_previous_until }
    });
    let delivery = |log: webhook_logs::WebhookLog| Delivery {
        at: log.created_at,
        verified: log.verified,
        outcome: log.outcome,
        reason: log.reason,
    };
    let signed_by = match source_of(&integration)? {
        SecretSource::App => "app",
        SecretSource::Integration => "integration",
    };
    let subscription = Subscription::of(gateway, tx, &integration).await?;
    let base = gateway.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/webhooks/integrations/{}/{id}", integration.platform);
    Ok(View { url, signed_by, secret, subscription, last_delivery: newest.into_iter().next().map(delivery) })
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

fn source_of(integration: &Integration) -> Result<SecretSource, Problem> {
    Ok(platform_of(&integration.platform)?.connector().webhooks().secret())
}
