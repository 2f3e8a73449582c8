//! Telling: what is due is written to each of its readers, for all of their addresses that want to hear of it, and noted as told.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{MessageId, TenantId};
use domain::platform::PlatformSlug;
use domain::settings::{AlertForm, AlertWebhook, Language};
use domain::time::Timestamp;
use persistence::incidents::{self, Channel, Letter, News, Readers};
use persistence::settings::{self as wishes, Settings as Wishes};
use persistence::{PersistenceError, Transaction};
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
    let (pending, unheard): (Vec<_>, Vec<_>) = pending.into_iter().partition(|news| news.alerts.hear(news.trigger));
    // What goes on may be heard of yet, if the tenant chooses otherwise.
    let over: Vec<_> = unheard.iter().filter(|news| news.ended_at.is_some()).map(|news| news.id).collect();
    incidents::note_unheard(tx, &over).await?;
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
        let items = mail::items(news, &reader, dashboard);
        return Ok(settings.operators.iter().filter_map(|to| mail_to(settings, (None, to), &items, reader)).collect());
    };
    let wishes = wishes::get(tx, tenant).await?;
    let reader = Reader { language: wishes.language, zone: wishes.time_zone };
    let mut mailed = BTreeMap::<&str, Vec<&News>>::new();
    for news in news {
        for address in news.alerts.mailed(&wishes.alert_emails) {
            mailed.entry(address).or_default().push(news);
        }
    }
    let mut letters = Vec::new();
    for (address, news) in mailed {
        let items = mail::items(news, &reader, dashboard);
        letters.extend(mail_to(settings, (Some(tenant), address), &items, reader));
    }
    let items = mail::items(news, &reader, dashboard);
    letters.extend(to_webhooks((tenant, &wishes), &items, || signed(tenant, news, &items)));
    Ok(letters)
}

/// A message to each of the tenant's webhooks: the words for people, or what `signed` makes of them for a program.
pub(super) fn to_webhooks(
    (tenant, wishes): (TenantId, &Wishes),
    items: &[Item],
    signed: impl Fn() -> Value,
) -> Vec<Letter> {
    let to = |webhook: &AlertWebhook| {
        let content = match webhook.form {
            AlertForm::Slack => json!({ "text": mail::plain(items, wishes.language) }),
            AlertForm::Signed => signed(),
        };
        letter(Some(tenant), Channel::Webhook, &webhook.name, content)
    };
    wishes.alert_webhooks.iter().map(to).collect()
}

/// A mail to one address; none where there is no mail server.
pub(super) fn mail_to(
    settings: &AlertSettings,
    (tenant, address): (Option<TenantId>, &str),
    items: &[Item],
    reader: Reader,
) -> Option<Letter> {
    settings.smtp_host.as_ref()?;
    Some(letter(tenant, Channel::Email, address, mail::content(items, reader.language)))
}

fn letter(tenant: Option<TenantId>, channel: Channel, target: &str, content: Value) -> Letter {
    Letter { id: MessageId::new(), tenant, channel, target: target.to_owned(), content, attempts: 0, is_trial: false }
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
