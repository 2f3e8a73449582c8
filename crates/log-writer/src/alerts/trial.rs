//! Trials: who asked whether alerts arrive is written to as of an incident, by the same ways, in words that say that it is none.

use std::collections::BTreeSet;

use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::incidents::{self, Letter};
use persistence::{PersistenceError, Transaction, settings as wishes};
use runtime::config::AlertSettings;
use serde_json::{Value, json};
use url::Url;

use super::mail::{self, Item, Reader};
use super::news;

/// Puts the messages of all trials that were asked for on their way.
pub(super) async fn tell(
    tx: &mut Transaction,
    (settings, dashboard): (&AlertSettings, &Url),
) -> Result<(), PersistenceError> {
    for (tenant, asked_at) in incidents::take_trials(tx).await? {
        for letter in letters(tx, (settings, dashboard), (tenant, asked_at)).await? {
            incidents::post(tx, &Letter { is_trial: true, ..letter }).await?;
        }
    }
    Ok(())
}

async fn letters(
    tx: &mut Transaction,
    (settings, dashboard): (&AlertSettings, &Url),
    (tenant, asked_at): (TenantId, Timestamp),
) -> Result<Vec<Letter>, PersistenceError> {
    let wishes = wishes::get(tx, tenant).await?;
    let reader = Reader { language: wishes.language, zone: wishes.time_zone };
    let item = mail::trial(asked_at, &reader, dashboard);
    let items = std::slice::from_ref(&item);
    let addresses: BTreeSet<&String> = wishes.alert_emails.iter().collect();
    let mut letters = news::to_webhooks((tenant, &wishes), items, || signed(tenant, &item));
    letters.extend(addresses.into_iter().filter_map(|to| news::mail_to(settings, (Some(tenant), to), items, reader)));
    Ok(letters)
}

/// Our own form of it: of a type of its own, so that no program takes it for an incident.
fn signed(tenant: TenantId, item: &Item) -> Value {
    json!({
        "type": "integration.alert.trial", "tenant_id": tenant, "created_at": Timestamp::now(), "incidents": [],
        "title": item.title, "what": item.what, "link": item.link,
    })
}
