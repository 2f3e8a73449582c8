//! The webhooks of our app: one target and one list of subscriptions, for all accounts that let it in. What is not subscribed to any
//! more is paused, in one call for all, and goes on as it was.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{BATCH, DESCRIPTOR, HubSpot, api, errors, mapping};
use crate::account::Account;
use crate::descriptor::KeyShown;
use crate::error::ConnectorError;
use crate::http::Call;
use crate::singly;
use crate::subscriptions::{AppSubscriptions, FieldsRead};
use crate::values::{id_of, number};

/// What a subscription to single properties is called.
const CHANGE: &str = "propertyChange";

/// Deliveries under way at once, where nobody has said otherwise in the app's settings. HubSpot's own default.
const AT_ONCE: u32 = 10;

/// The longest limit that is sat out.
const PAUSE: Duration = Duration::from_secs(10);

#[async_trait]
impl AppSubscriptions for HubSpot {
    fn key_shown(&self) -> KeyShown {
        KeyShown::InQuery("hapikey")
    }

    async fn set(&self, app: &Account, url: &Url, read: Option<&FieldsRead>) -> Result<Vec<String>, ConnectorError> {
        let wanted = read.map(topics).unwrap_or_default();
        let settings = settings(app).await?;
        let is_ours = settings.get("targetUrl").and_then(Value::as_str).is_some_and(|target| is_same(target, url));
        if !is_ours {
            // With nobody here, whoever is called may be another deployment, whose tenants are there.
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            point(app, url, &settings).await?;
        }
        let found = list(app).await?;
        let change = Change::of(&found, &wanted);
        switch(app, &change).await?;
        let made = make(app, &change.missing).await?;
        Ok(made.into_iter().chain(change.resumed).map(ToString::to_string).collect())
    }
}

/// What is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Topic {
    /// As in `contact.creation`; of a type that has no events of its own, as in `object.creation`.
    event: String,
    object_type: Option<String>,
    property: Option<String>,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.event)?;
        let mut rest = self.object_type.iter().chain(&self.property);
        rest.try_for_each(|part| write!(f, " {part}"))
    }
}

/// How events of a kind are called, and what happens to its objects besides changes.
fn events_of(kind: RecordKind) -> Option<(&'static str, Option<&'static str>, &'static [&'static str])> {
    match kind {
        RecordKind::Contact => {
            Some(("contact", None, &["creation", "deletion", "merge", "restore", "privacyDeletion"]))
        }
        RecordKind::Deal => Some(("deal", None, &["creation", "deletion", "merge", "restore"])),
        RecordKind::Activity => Some(("object", Some("0-48"), &["creation", "deletion", "restore"])),
        RecordKind::Product | RecordKind::Order => None,
    }
}

/// What happens to the kinds of which anything is read, and changes of each property that is: of the proposed mapping and of those
/// that tenants have made of it.
fn topics(read: &FieldsRead) -> BTreeSet<Topic> {
    let mut topics = BTreeSet::new();
    for kind in DESCRIPTOR.kinds {
        let Some((object, object_type, happenings)) = events_of(*kind) else { continue };
        let proposed = mapping::default_of(*kind).fields.into_iter();
        let proposed = proposed.filter(|field| field.direction.reads()).map(|field| field.remote);
        let theirs = read.iter().filter(|(of, _)| of == kind).map(|(_, name)| name.clone());
        let properties: BTreeSet<String> = proposed.chain(theirs).collect();
        if properties.is_empty() {
            continue;
        }
        let topic = |happened: &str, property: Option<String>| Topic {
            event: format!("{object}.{happened}"),
            object_type: object_type.map(str::to_owned),
            property,
        };
        topics.extend(happenings.iter().map(|happened| topic(happened, None)));
        topics.extend(properties.into_iter().map(|name| topic(CHANGE, Some(name))));
    }
    topics
}

/// Whether a topic is of those that we subscribe to; any other is somebody's own, and left alone.
fn is_one_of_ours(topic: &Topic) -> bool {
    let mut events = DESCRIPTOR.kinds.iter().filter_map(|kind| events_of(*kind));
    events.any(|(object, object_type, happenings)| {
        let happened = topic.event.strip_prefix(object).and_then(|rest| rest.strip_prefix('.'));
        topic.object_type.as_deref() == object_type
            && happened.is_some_and(|happened| happened == CHANGE || happenings.contains(&happened))
    })
}

/// A subscription that is there.
#[derive(Clone, Debug)]
struct Standing {
    id: String,
    topic: Topic,
    is_active: bool,
}

/// What is to be done about those that are there.
#[derive(Debug, Default)]
struct Change<'a> {
    missing: Vec<&'a Topic>,
    /// The topics of those that are to go on.
    resumed: Vec<&'a Topic>,
    /// Ids, and whether each is to be active.
    switched: Vec<(&'a str, bool)>,
}

impl<'a> Change<'a> {
    fn of(found: &'a [Standing], wanted: &'a BTreeSet<Topic>) -> Self {
        let (mut change, mut standing) = (Self::default(), BTreeSet::new());
        // The active ones first, so that of two alike that one stays.
        let (active, paused): (Vec<_>, Vec<_>) = found.iter().partition(|one| one.is_active);
        for one in active.into_iter().chain(paused) {
            let is_to_stand = wanted.contains(&one.topic) && standing.insert(&one.topic);
            if is_to_stand && !one.is_active {
                change.resumed.push(&one.topic);
            }
            if is_to_stand != one.is_active && is_one_of_ours(&one.topic) {
                change.switched.push((one.id.as_str(), is_to_stand));
            }
        }
        change.missing = wanted.iter().filter(|topic| !standing.contains(topic)).collect();
        change
    }
}

/// The path of what belongs to our app.
fn path(app: &Account, tail: &str) -> String {
    let id = app.account_id.as_deref().unwrap_or_default();
    format!("webhooks/{}/{id}/{tail}", api::VERSION)
}

/// Where our app is called, and how; `Null` where nobody has said so yet.
async fn settings(app: &Account) -> Result<Value, ConnectorError> {
    match api::send(app, Call::get(&[&path(app, "settings")])).await {
        Err(error) if error.kind == FaultKind::NotFound => Ok(Value::Null),
        answer => answer,
    }
}

fn is_same(target: &str, url: &Url) -> bool {
    target.trim_end_matches('/') == url.as_str().trim_end_matches('/')
}

/// Has our app called there, as hastily as it was before.
async fn point(app: &Account, url: &Url, settings: &Value) -> Result<(), ConnectorError> {
    let usual = || json!({ "maxConcurrentRequests": AT_ONCE });
    let throttling = settings.get("throttling").cloned().unwrap_or_else(usual);
    let body = json!({ "targetUrl": url.as_str(), "throttling": throttling });
    let call = Call { body: Some(body), ..Call::new(Method::PUT, &[&path(app, "settings")]) };
    api::send(app, call).await.map(drop)
}

async fn list(app: &Account) -> Result<Vec<Standing>, ConnectorError> {
    let body = api::send(app, Call::get(&[&path(app, "subscriptions")])).await?;
    let rows = body.get("results").and_then(Value::as_array).into_iter().flatten();
    Ok(rows.filter_map(read).collect())
}

fn read(row: &Value) -> Option<Standing> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let topic = Topic { event: text("eventType")?, object_type: text("objectTypeId"), property: text("propertyName") };
    Some(Standing { id: id_of(row.get("id")?)?, topic, is_active: row.get("active")?.as_bool()? })
}

/// Pauses and resumes.
async fn switch(app: &Account, change: &Change<'_>) -> Result<(), ConnectorError> {
    for switched in change.switched.chunks(BATCH) {
        let input = |(id, active): &(&str, bool)| json!({ "id": number(id), "active": active });
        let body = json!({ "inputs": switched.iter().map(input).collect::<Vec<Value>>() });
        let answer = api::send(app, Call::post(&[&path(app, "subscriptions/batch/update")], body)).await?;
        // Of a batch, single ones may be refused.
        if let Some(refused) = answer.pointer("/errors/0") {
            return Err(errors::of_item(refused));
        }
    }
    Ok(())
}

/// Makes all of them, and returns those that were; one that is refused for what it is keeps no other from being made.
///
/// What only some tenant's mapping reads may be a property that there cannot be, or one too many for the app: that is no trouble of
/// all the others, and is polled for.
async fn make<'a>(app: &Account, missing: &[&'a Topic]) -> Result<Vec<&'a Topic>, ConnectorError> {
    let proposed = topics(&FieldsRead::new());
    let calls = missing.iter().map(|topic| make_one(app, topic)).collect();
    let mut made = Vec::new();
    for (&topic, result) in missing.iter().zip(singly::each(calls).await) {
        match result {
            Ok(()) => made.push(topic),
            Err(error) if error.is_about_content() && !proposed.contains(topic) => {
                let missing = topic;
                tracing::warn!(%missing, %error, "our app is not told of what a mapping of some tenant reads");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

async fn make_one(app: &Account, topic: &Topic) -> Result<(), ConnectorError> {
    let path = path(app, "subscriptions");
    let mut body = json!({ "eventType": topic.event, "active": true });
    for (name, value) in [("objectTypeId", &topic.object_type), ("propertyName", &topic.property)] {
        if let (Some(value), Some(fields)) = (value, body.as_object_mut()) {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    let made = singly::patiently(PAUSE, || api::send(app, Call::post(&[&path], body.clone()))).await;
    made.map(drop)
}
