//! Trying out whether alerts arrive: it is noted that somebody asked, and `log-writer` sends as it does of trouble.

use std::time::Duration;

use actix_web::{HttpResponse, post, web};
use domain::audit::Action;
use persistence::{incidents, settings};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A tenant's trials are apart by this, so that nobody floods an address with them.
const PAUSE: Duration = Duration::from_mins(1);

/// To whom a trial is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertTrial)]
pub(crate) struct Trial {
    /// The addresses that are mailed, where the operator has set a mail server.
    #[schema(example = json!(["astreinte@cabinet.example"]))]
    emails: Vec<String>,
    /// The names of the webhooks that are told.
    #[schema(example = json!(["Astreinte"]))]
    webhooks: Vec<String>,
}

/// Sends an alert on trial to whom the settings name, by the way of real ones. It counts as no incident.
#[utoipa::path(tag = "settings", security(("bearer" = ["admin"])),
    responses(
        (status = 202, body = Trial, description = "It is on its way to these."),
        (status = 409, description = "`nobody_to_alert`: the settings name no address and no webhook."),
    ))]
#[post("/settings/alerts/trial")]
pub(crate) async fn try_alerts(change: Change, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Accepted().json(tried(&gateway, &change).await?))
}

/// Asks for a trial, unless one was asked for just before.
pub(crate) async fn tried(gateway: &Gateway, change: &Change) -> Result<Trial, Problem> {
    let mut tx = change.begin(gateway).await?;
    let settings = settings::get(&mut tx, change.tenant_id).await?;
    let refusal = if settings.alert_emails.is_empty() && settings.alert_webhooks.is_empty() {
        Some(Refusal::NobodyToAlert)
    } else {
        incidents::ask_trial(&mut tx, change.tenant_id, PAUSE).await?.map(Refusal::TooMany)
    };
    if let Some(refusal) = refusal {
        tx.leave_unchanged().await?;
        return Err(refusal.into());
    }
    tx.commit(Action::AlertsTried, None, None).await?;
    let webhooks = settings.alert_webhooks.into_iter().map(|webhook| webhook.name).collect();
    Ok(Trial { emails: settings.alert_emails, webhooks })
}
