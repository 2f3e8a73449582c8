//! Telling: what is due is written to each of its readers, for all of their addresses, and noted as told.

use std::collections::BTreeSet;

use domain::id::{MessageId, TenantId};
use domain::platform::PlatformSlug;
use domain::settings::{AlertForm, Language};
use domain::time::Timestamp;
use persistence::incidents::{self, Channel, Letter, News, Readers};
use persistence::{PersistenceError, Transaction, settings as wishes};
use runtime::config::AlertSettings;
use serde_json::{Value, json};
use url::Url;

use super::mail::{self, Item, Reader};
use super::pace::{self, Measure};

/// Tells what is due.
pub(super) async fn tell(
    tx: &mut Transaction,
    (settings, dashboard): (&AlertSettings, &Url),
    away: &BTreeSet<PlatformSlug>,
) -> Result<(), PersistenceError> {
    let pending = incidents::pending(tx).await?;
    if pending.is_empty() {
        return Ok(());
    }
    let paces = incidents::paces(tx, settings.pause).await?;
    let measure = Measure { pause: settings.pause, storm: settings.storm };
    for (reader, news) in pace::due(pending, (away, &paces), measure, Timestamp::now()) {
        for letter in letters(tx, (settings, dashboard), (reader, &news)).await? {
            incidents::post(tx, &letter).await?;
        }
        let ids: Vec<_> = news.iter().map(|news| news.id).collect();
        incidents::note_told(tx, &ids).await?;
    }
    Ok(())
}

async fn letters(
    tx: &mut Transaction,
    (settings, dashboard): (&AlertSettings, &Url),
    (reader, news): (Readers, &[News]),
) -> Result<Vec<Letter>, PersistenceError> {
    let Some(tenant) = reader else {
        let reader = Reader { language: settings.operators_language, zone: "UTC".parse().unwrap_or_default() };
        return Ok(mails(settings, None, &settings.operators, &mail::items(news, &reader, dashboard), reader));
    };
    let wishes = wishes::get(tx, tenant).await?;
    let reader = Reader { language: wishes.language, zone: wishes.time_zone };
    let items = mail::items(news, &reader, dashboard);
    let mut letters = mails(settings, Some(tenant), &wishes.alert_emails, &items, reader);
    for webhook in &wishes.alert_webhooks {
        let content = match webhook.form {
            AlertForm::Slack => json!({ "text": mail::plain(&items, reader.language) }),
            AlertForm::Signed => signed(tenant, news, &items),
        };
        letters.push(letter(Some(tenant), Channel::Webhook, &webhook.name, content));
    }
    Ok(letters)
}

fn mails(
    settings: &AlertSettings,
    tenant: Option<TenantId>,
    addresses: &[String],
    items: &[Item],
    reader: Reader,
) -> Vec<Letter> {
    if settings.smtp_host.is_none() {
        return Vec::new();
    }
    let content = mail::content(items, reader.language);
    addresses.iter().map(|address| letter(tenant, Channel::Email, address, content.clone())).collect()
}

fn letter(tenant: Option<TenantId>, channel: Channel, target: &str, content: Value) -> Letter {
    Letter { id: MessageId::new(), tenant, channel, target: target.to_owned(), content, attempts: 0 }
}

/// Our own form: what a program needs, with the words that people read beside it.
fn signed(tenant: TenantId, news: &[News], items: &[Item]) -> Value {
    let incidents: Vec<_> = news
        .iter()
        .zip(items)
        .map(|(news, item)| {
            let (integration, platform, name) = match &news.integration {
                Some((id, platform, name)) => (Some(id), Some(platform), Some(name)),
                None => (None, None, None),
            };
            json!({
                "id": news.id, "trigger": news.trigger, "integration_id": integration, "platform": platform,
                "integration_name": name, "opened_at": news.opened_at, "ended_at": news.ended_at,
                "title": item.title, "what": item.what, "todo": item.todo, "link": item.link,
            })
        })
        .collect();
    json!({ "type": "integration.alert", "tenant_id": tenant, "created_at": Timestamp::now(), "incidents": incidents })
}

/// The language of mails, for their templates.
pub(super) fn code(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}
