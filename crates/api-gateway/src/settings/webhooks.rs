//! The addresses and secrets of the webhooks that are told of trouble: sealed together, and never shown again.

use accounts::{AlertHook, AlertHooks};
use domain::event::InputFault;
use domain::id::TenantId;
use domain::settings::{AlertForm, AlertWebhook};
use persistence::Transaction;
use persistence::settings::Settings;
use runtime::http::Problem;

use super::form::{WebhookWish, host_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The webhooks as they are to be shown, and what is sealed of them: new addresses and secrets in place of those that are
/// kept, and those that are kept where none is given.
pub(super) async fn kept(
    gateway: &Gateway,
    tx: &mut Transaction,
    tenant: TenantId,
    (wishes, before): (&[WebhookWish], &Settings),
) -> Result<(Vec<AlertWebhook>, Option<String>), Problem> {
    if wishes.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut known = match &before.sealed {
        Some(sealed) => gateway.accounts.open_alert_hooks(tx, tenant, sealed).await?,
        None => AlertHooks::new(),
    };
    let (mut shown, mut hidden, mut faults) = (Vec::new(), AlertHooks::new(), Vec::new());
    for (index, wish) in wishes.iter().enumerate() {
        let merged = merge(wish, known.remove(&wish.name));
        match merged {
            Ok((webhook, secrets)) => {
                hidden.insert(webhook.name.clone(), secrets);
                shown.push(webhook);
            }
            Err((field, message)) => faults
                .push(InputFault { path: format!("alert_webhooks[{index}].{field}"), message: message.to_owned() }),
        }
    }
    if !faults.is_empty() {
        return Err(Refusal::Faulty(faults).into());
    }
    let sealed = gateway.accounts.seal_alert_hooks(tx, tenant, &hidden).await?;
    Ok((shown, Some(sealed)))
}

fn merge(
    wish: &WebhookWish,
    known: Option<AlertHook>,
) -> Result<(AlertWebhook, AlertHook), (&'static str, &'static str)> {
    let (known_url, known_secret) = known.map_or((None, None), |known| (Some(known.url), known.secret));
    let url = wish.url.clone().or(known_url).ok_or(("url", "is missing: nothing is kept under this name"))?;
    let host = host_of(&url).ok_or(("url", "must be a public https address without a user"))?;
    let secret = wish.secret.clone().or(known_secret);
    let secret = match wish.form {
        AlertForm::Slack => None,
        AlertForm::Signed => Some(secret.ok_or(("secret", "is missing: nothing is kept under this name"))?),
    };
    Ok((AlertWebhook { name: wish.name.clone(), form: wish.form, host }, AlertHook { url, secret }))
}
