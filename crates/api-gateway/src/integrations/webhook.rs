//! How a platform tells us of changes: the address to register there, what signs it, whether it calls, and what last came of it.
//! Another secret is `rotation`'s.

use actix_web::{HttpResponse, get, web};
use connectors::webhook::SecretSource;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::log_page::LogPage;
use persistence::webhook_logs::Filter;
use persistence::{Scope, Transaction, webhook_logs, webhook_secrets};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Subscription, find, platform_of};
use crate::auth::Viewer;
use crate::body::Id;
use crate::state::Gateway;

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
    let subscription = Subscription::of(tx, &integration).await?;
    let base = gateway.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/webhooks/integrations/{}/{id}", integration.platform);
    Ok(View { url, signed_by, secret, subscription, last_delivery: newest.into_iter().next().map(delivery) })
}

/// Whose secret signs the deliveries.
pub(super) fn source_of(integration: &Integration) -> Result<SecretSource, Problem> {
    Ok(platform_of(&integration.platform)?.connector().webhooks().secret())
}
