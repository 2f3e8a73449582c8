//! The subscriptions of our app at HubSpot: made once for all accounts by the developer's key, mended, paused, and told of where the
//! platform refuses.

use std::collections::BTreeSet;

use connectors::account::Account;
use connectors::error::ConnectorError;
use connectors::subscriptions::{AppSubscriptions, FieldsRead};
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::bench::Bench;

const KEY: &str = "sandbox-developer-key";
const PATH: &str = "webhooks/2026-03/11";

/// What the proposed mapping reads: all of a contact, three properties of a deal, nothing of a call.
const PROPOSED: usize = 5 + 11 + 4 + 3;

struct App {
    bench: Bench,
    account: Account,
}

impl App {
    async fn start() -> Self {
        let bench = Bench::bare().await;
        let account = Self::opened(&bench, KEY);
        Self { bench, account }
    }

    fn opened(bench: &Bench, key: &str) -> Account {
        let credentials = Credentials::ApiKey { key: key.to_owned().into(), secret: None };
        let shown = Self::subscriptions(bench).key_shown();
        Account { account_id: Some("11".to_owned()), credentials, shown, ..bench.account.clone() }
    }

    fn subscriptions(bench: &Bench) -> &'static dyn AppSubscriptions {
        bench.connector().app_subscriptions().unwrap()
    }

    async fn set(&self, read: Option<&FieldsRead>) -> Result<Vec<String>, ConnectorError> {
        self.set_at("https://hooks.example.com/webhooks/integrations/hubspot", read).await
    }

    async fn set_at(&self, url: &str, read: Option<&FieldsRead>) -> Result<Vec<String>, ConnectorError> {
        let url: Url = url.parse().unwrap();
        Self::subscriptions(&self.bench).set(&self.account, &url, read).await
    }

    async fn asked(&self, method: Method, tail: &str, body: Value) -> Value {
        self.bench.as_developer(method, &format!("{PATH}/{tail}?hapikey={KEY}"), body).await
    }

    /// As in `contact.propertyChange phone`, the active ones or the paused ones.
    async fn topics(&self, active: bool) -> BTreeSet<String> {
        let listed = self.asked(Method::GET, "subscriptions", Value::Null).await;
        let of = |row: &Value| {
            let parts = ["eventType", "objectTypeId", "propertyName"].iter().filter_map(|name| row[*name].as_str());
            parts.collect::<Vec<_>>().join(" ")
        };
        let rows = listed["results"].as_array().unwrap();
        rows.iter().filter(|row| row["active"] == active).map(of).collect()
    }

    async fn id_of(&self, event_type: &str) -> String {
        let listed = self.asked(Method::GET, "subscriptions", Value::Null).await;
        let found = listed["results"].as_array().unwrap().iter().find(|row| row["eventType"] == event_type);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// How many requests the app's endpoints have had.
    async fn calls(&self) -> usize {
        self.bench.requests_of("1111").await
    }
}

fn reading(fields: &[(RecordKind, &str)]) -> FieldsRead {
    fields.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect()
}

#[tokio::test]
async fn what_is_read_is_subscribed_to_once_and_what_any_tenant_reads_besides() {
    let app = App::start().await;
    let made = app.set(Some(&FieldsRead::new())).await.unwrap();
    assert_eq!(made.len(), PROPOSED, "{made:?}");
    let active = app.topics(true).await;
    assert_eq!(active, made.into_iter().collect::<BTreeSet<String>>());
    for topic in ["contact.creation", "contact.privacyDeletion", "contact.propertyChange phone", "deal.merge"] {
        assert!(active.contains(topic), "{topic} is not among {active:?}");
    }
    assert!(!active.contains("deal.propertyChange dealstage"), "what is only written is not heard of");
    assert!(!active.iter().any(|topic| topic.starts_with("object.")), "nothing of calls is read");
    let settings = app.asked(Method::GET, "settings", Value::Null).await;
    assert_eq!(settings["targetUrl"], "https://hooks.example.com/webhooks/integrations/hubspot");

    let before = app.calls().await;
    assert!(app.set(Some(&FieldsRead::new())).await.unwrap().is_empty());
    assert_eq!(app.calls().await - before, 2, "where all is well it is only looked");

    let read = reading(&[(RecordKind::Contact, "lifecyclestage"), (RecordKind::Activity, "hs_call_summary")]);
    let made: BTreeSet<String> = app.set(Some(&read)).await.unwrap().into_iter().collect();
    let calls = ["creation", "deletion", "restore", "propertyChange"].map(|happened| format!("object.{happened} 0-48"));
    let mut wanted: BTreeSet<String> = calls[..3].iter().cloned().collect();
    wanted.insert(format!("{} hs_call_summary", calls[3]));
    wanted.insert("contact.propertyChange lifecyclestage".to_owned());
    assert_eq!(made, wanted);
}

#[tokio::test]
async fn a_property_that_there_cannot_be_in_one_tenants_mapping_is_nobody_elses_trouble() {
    let app = App::start().await;
    let read = reading(&[(RecordKind::Contact, "Chiffre d'affaires"), (RecordKind::Contact, "lifecyclestage")]);
    let made = app.set(Some(&read)).await.unwrap();
    assert_eq!(made.len(), PROPOSED + 1, "{made:?}");
    assert!(made.contains(&"contact.propertyChange lifecyclestage".to_owned()), "{made:?}");
    assert!(app.set(Some(&read)).await.unwrap().is_empty(), "it is asked for again, and refused again");
}

#[tokio::test]
async fn what_was_taken_away_paused_or_led_elsewhere_is_put_right_and_what_is_not_ours_is_left_alone() {
    let app = App::start().await;
    app.set(Some(&FieldsRead::new())).await.unwrap();
    let theirs = json!({ "eventType": "company.creation", "active": true });
    app.asked(Method::POST, "subscriptions", theirs).await;
    let stale = json!({ "eventType": "contact.propertyChange", "propertyName": "fax", "active": true });
    app.asked(Method::POST, "subscriptions", stale).await;
    let removed = app.id_of("contact.deletion").await;
    app.asked(Method::DELETE, &format!("subscriptions/{removed}"), Value::Null).await;
    let paused = app.id_of("deal.restore").await;
    app.asked(Method::PATCH, &format!("subscriptions/{paused}"), json!({ "active": false })).await;
    let elsewhere = json!({ "targetUrl": "https://old.example.com", "throttling": { "maxConcurrentRequests": 3 } });
    app.asked(Method::PUT, "settings", elsewhere).await;

    assert_eq!(app.set(Some(&FieldsRead::new())).await.unwrap(), ["contact.deletion", "deal.restore"]);
    let active = app.topics(true).await;
    assert_eq!(active.len(), PROPOSED + 1);
    assert!(active.contains("company.creation"), "{active:?}");
    assert_eq!(app.topics(false).await, BTreeSet::from(["contact.propertyChange fax".to_owned()]));
    let settings = app.asked(Method::GET, "settings", Value::Null).await;
    assert_eq!(settings["targetUrl"], "https://hooks.example.com/webhooks/integrations/hubspot");
    assert_eq!(settings["throttling"]["maxConcurrentRequests"], 3, "as hastily as somebody wished");
}

#[tokio::test]
async fn with_nobody_there_all_is_paused_and_goes_on_with_the_next_but_not_what_leads_to_another_deployment() {
    let app = App::start().await;
    assert!(app.set(None).await.unwrap().is_empty(), "there is nothing to pause yet");
    app.set(Some(&FieldsRead::new())).await.unwrap();
    app.set_at("https://staging.example.com", None).await.unwrap();
    assert_eq!(app.topics(true).await.len(), PROPOSED, "this one's tenants are there");
    app.set(None).await.unwrap();
    assert_eq!((app.topics(true).await.len(), app.topics(false).await.len()), (0, PROPOSED));
    assert_eq!(app.set(Some(&FieldsRead::new())).await.unwrap().len(), PROPOSED);
    assert_eq!((app.topics(true).await.len(), app.topics(false).await.len()), (PROPOSED, 0));
}

#[tokio::test]
async fn a_wrong_key_an_unknown_app_and_a_limit_are_told_without_the_key() {
    let mut app = App::start().await;
    for (status, kind) in [(429, FaultKind::RateLimited), (503, FaultKind::Unavailable)] {
        app.bench.faults_of("1111", json!({ "fail_next": { "count": 1, "status": status } })).await;
        assert_eq!(app.set(Some(&FieldsRead::new())).await.unwrap_err().kind, kind);
    }
    app.account.account_id = Some("12".to_owned());
    assert_eq!(app.set(Some(&FieldsRead::new())).await.unwrap_err().kind, FaultKind::NotFound);
    app.account = App::opened(&app.bench, "not-the-developers-key");
    let error = app.set(Some(&FieldsRead::new())).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Unauthorized);
    assert!(!format!("{error:?} {error}").contains("not-the-developers-key"), "{error:?}");
}
