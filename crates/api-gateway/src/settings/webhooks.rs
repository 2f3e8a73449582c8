//! The addresses and secrets of the webhooks that are told of trouble: sealed together, and never shown again.

use std::collections::BTreeMap;

use accounts::AccountError;
use domain::event::InputFault;
use domain::id::TenantId;
use domain::settings::{AlertForm, AlertWebhook};
use persistence::Transaction;
use persistence::settings::Settings;
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::form::{WebhookWish, host_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The column that they are bound to.
const COLUMN: &str = "alert_webhooks_sealed";

/// What is sealed of one webhook. Only ever serialised to be sealed.
#[derive(Deserialize, Serialize)]
struct Hidden {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

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
    let mut known: BTreeMap<String, Hidden> = match &before.sealed {
        Some(sealed) => {
            let text = gateway.accounts.open_text(tx, (tenant, COLUMN), sealed).await?;
            serde_json::from_str(text.expose_secret()).map_err(AccountError::Unreadable)?
        }
        None => BTreeMap::new(),
    };
    let (mut shown, mut hidden, mut faults) = (Vec::new(), BTreeMap::new(), Vec::new());
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
    let text = SecretString::from(serde_json::to_string(&hidden).map_err(AccountError::Unreadable)?);
    let sealed = gateway.accounts.seal_text(tx, (tenant, COLUMN), &text).await?;
    Ok((shown, Some(sealed)))
}

fn merge(wish: &WebhookWish, known: Option<Hidden>) -> Result<(AlertWebhook, Hidden), (&'static str, &'static str)> {
    let (known_url, known_secret) = known.map_or((None, None), |known| (Some(known.url), known.secret));
    let url = wish.url.clone().or(known_url.map(SecretString::from));
    let url = url.ok_or(("url", "is missing: nothing is kept under this name"))?;
    let host = host_of(&url).ok_or(("url", "must be an https address without a user"))?;
    let secret = wish.secret.as_ref().map(|secret| secret.expose_secret().to_owned()).or(known_secret);
    let secret = match wish.form {
        AlertForm::Slack => None,
        AlertForm::Signed => Some(secret.ok_or(("secret", "is missing: nothing is kept under this name"))?),
    };
    let webhook = AlertWebhook { name: wish.name.clone(), form: wish.form, host };
    Ok((webhook, Hidden { url: url.expose_secret().to_owned(), secret }))
}
