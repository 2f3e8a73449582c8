//! The platform's side of a test: a sandbox, a person's hand in it, and what its journal says was written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reqwest::Method;
use sandbox::{Options, Running};
use serde_json::{Value, json};

pub(crate) const PORTAL: u64 = 4242;

/// The secret of our app at every platform.
pub(crate) const APP_SECRET: &str = "sandbox-secret";

/// The token of an account.
pub(crate) fn token(portal: u64) -> String {
    format!("pat-eu1-{portal}-a-test-token")
}

/// An object that is there now, as the journal leaves it.
pub(crate) type Properties = BTreeMap<String, String>;

pub(crate) struct Crm {
    running: Arc<Running>,
    portal: u64,
    client: reqwest::Client,
}

impl Crm {
    pub(crate) fn start() -> Self {
        let running = Arc::new(sandbox::start(Options::default()).unwrap());
        // No connection is kept: one that the stand-in just then closes, as idle, would fail the request that is sent on it.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { running, portal: PORTAL, client }
    }

    /// Another account on the same platform.
    pub(crate) fn another(&self, portal: u64) -> Self {
        Self { running: Arc::clone(&self.running), portal, client: self.client.clone() }
    }

    pub(crate) fn url(&self) -> String {
        self.running.hubspot_url()
    }

    async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sandbox{path}", self.running.url);
        let request = self.client.request(method, url);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Lays these switches over the present ones.
    pub(crate) async fn faults(&self, patch: Value) {
        self.control(Method::PUT, &format!("/hubspot/{portal}/faults", portal = self.portal), Some(patch)).await;
    }

    /// Somebody adds a contact by hand; returns its id.
    pub(crate) async fn add_contact(&self, properties: Value) -> String {
        self.add("contacts", properties).await
    }

    /// Somebody adds an object by hand; returns its id.
    pub(crate) async fn add(&self, object_type: &str, properties: Value) -> String {
        let path = format!("/hubspot/{portal}/{object_type}", portal = self.portal);
        let made = self.control(Method::POST, &path, Some(properties)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Where an account of another platform is.
    pub(crate) fn platform_url(&self, platform: &str, account: &str) -> String {
        format!("{}/{account}", self.running.platform_url(platform))
    }

    /// Somebody adds an object by hand at another platform, as in `woocommerce/demo/orders`; returns its id.
    pub(crate) async fn add_at(&self, place: &str, fields: Value) -> String {
        let made = self.control(Method::POST, &format!("/{place}"), Some(fields)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Somebody imports objects at another platform, all at one moment, as to `pipedrive/900/deals`.
    pub(crate) async fn import_at(&self, place: &str, rows: Vec<Value>) {
        self.control(Method::POST, &format!("/{place}/import"), Some(json!({ "rows": rows }))).await;
    }

    /// Somebody edits an object by hand at another platform, as in `pipedrive/900/persons/7`.
    pub(crate) async fn edit_at(&self, place: &str, fields: Value) {
        self.control(Method::PATCH, &format!("/{place}"), Some(fields)).await;
    }

    /// Somebody deletes an object by hand at another platform.
    pub(crate) async fn remove_at(&self, place: &str) {
        self.control(Method::DELETE, &format!("/{place}"), None).await;
    }

    /// Lays these switches over the present ones at another platform, as in `pipedrive/900`.
    pub(crate) async fn faults_at(&self, place: &str, patch: Value) {
        self.control(Method::PUT, &format!("/{place}/faults"), Some(patch)).await;
    }

    /// What is asked by law at another platform, as in `shopify/acme`, goes to this address from now on.
    pub(crate) async fn point_at(&self, place: &str, url: &str) {
        let target = json!({"target_url": url, "client_secret": APP_SECRET});
        self.control(Method::PUT, &format!("/{place}/webhook"), Some(target)).await;
    }

    /// Somebody makes use of a right at another platform, about a person whom it knows by this id.
    pub(crate) async fn request_at(&self, place: &str, topic: &str, id: u64) {
        let wish = json!({"topic": topic, "object": id.to_string()});
        self.control(Method::POST, &format!("/{place}/compliance"), Some(wish)).await;
    }

    /// Every write to objects of a type at another platform, in order.
    pub(crate) async fn journal_at(&self, place: &str, object_type: &str) -> Vec<Value> {
        let (platform, account) = place.split_once('/').unwrap();
        let path = format!("/journal?platform={platform}&account={account}&limit=100000");
        let journal = self.control(Method::GET, &path, None).await;
        let of_type = |entry: &&Value| entry["object_type"] == object_type;
        journal.as_array().unwrap().iter().filter(of_type).cloned().collect()
    }

    /// The live objects of a type at another platform by the ids that its journal knows, as it keeps them.
    pub(crate) async fn live_at(&self, place: &str, object_type: &str) -> BTreeMap<String, Value> {
        let mut live = BTreeMap::new();
        for entry in self.journal_at(place, object_type).await {
            let id = entry["id"].as_str().unwrap().to_owned();
            if entry["action"] == "archived" {
                live.remove(&id);
                continue;
            }
            let object = live.entry(id).or_insert_with(|| json!({}));
            let fields = entry["fields"].as_object().into_iter().flatten();
            object.as_object_mut().unwrap().extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        }
        live
    }

    /// How many writes to objects of a type came by the API at another platform, as in `woocommerce/demo`.
    pub(crate) async fn api_writes_at(&self, place: &str, object_type: &str) -> usize {
        self.journal_at(place, object_type).await.iter().filter(|entry| entry["by"] == "api").count()
    }

    /// Somebody else ties a deal to a contact.
    pub(crate) async fn tie_deal(&self, deal: &str, contact: &str) {
        let path = format!("crm/objects/2026-03/deals/{deal}/associations/default/contacts/{contact}");
        let request = self.client.put(format!("{}/{path}", self.url())).bearer_auth(token(self.portal));
        assert!(request.send().await.unwrap().status().is_success());
    }

    /// Somebody imports contacts, all at one moment; returns their ids.
    pub(crate) async fn import_contacts(&self, rows: Vec<Value>) -> Vec<String> {
        let path = format!("/hubspot/{portal}/contacts/import", portal = self.portal);
        let made = self.control(Method::POST, &path, Some(json!({"rows": rows}))).await;
        made["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// How often contacts were searched, by whomever.
    pub(crate) async fn searches(&self) -> usize {
        self.requests("/contacts/search").await
    }

    /// How often it was asked whose account this is.
    pub(crate) async fn probes(&self) -> usize {
        self.requests("account-info/").await
    }

    /// How many requests there were whose path holds this.
    pub(crate) async fn requests(&self, part: &str) -> usize {
        let path = format!("/requests?platform=hubspot&account={portal}", portal = self.portal);
        let requests = self.control(Method::GET, &path, None).await;
        let is_one = |request: &&Value| request["path"].as_str().unwrap().contains(part);
        requests.as_array().unwrap().iter().filter(is_one).count()
    }

    /// Somebody edits a contact by hand.
    pub(crate) async fn edit_contact(&self, id: &str, properties: Value) {
        self.control(
            Method::PATCH,
            &format!("/hubspot/{portal}/contacts/{id}", portal = self.portal),
            Some(properties),
        )
        .await;
    }

    /// Somebody deletes a contact by hand.
    pub(crate) async fn delete_contact(&self, id: &str) {
        self.control(Method::DELETE, &format!("/hubspot/{portal}/contacts/{id}", portal = self.portal), None).await;
    }

    /// Every write that was applied, in order.
    pub(crate) async fn journal(&self) -> Vec<Value> {
        let path = format!("/journal?platform=hubspot&account={portal}&limit=1000000", portal = self.portal);
        self.control(Method::GET, &path, None).await.as_array().unwrap().clone()
    }

    /// How many people the journal says there are, and how often one was created again.
    pub(crate) async fn people(&self) -> Value {
        self.control(Method::GET, &format!("/people?platform=hubspot&account={portal}", portal = self.portal), None)
            .await
    }

    /// How often a person was created again by the API.
    pub(crate) async fn duplicates(&self) -> u64 {
        self.people().await["duplicates"].as_u64().unwrap()
    }

    /// The writes to contacts that came by the API.
    pub(crate) async fn api_writes(&self) -> Vec<Value> {
        self.api_writes_to("contacts").await
    }

    /// The writes to objects of a type that came by the API.
    pub(crate) async fn api_writes_to(&self, object_type: &str) -> Vec<Value> {
        let ours = |entry: &Value| entry["by"] == "api" && entry["object_type"] == object_type;
        let writes = self.journal().await.into_iter().filter(ours);
        writes.filter(|entry| entry["action"] != "property_created").collect()
    }

    /// The live contacts by their ids.
    pub(crate) async fn contacts(&self) -> BTreeMap<String, Properties> {
        self.live("contacts").await
    }

    /// The only live contact, with its id.
    pub(crate) async fn only_contact(&self) -> (String, Properties) {
        let mut contacts = self.contacts().await;
        assert_eq!(contacts.len(), 1, "{contacts:?}");
        contacts.pop_first().unwrap()
    }

    /// The live objects of a type by their ids, as the platform keeps them.
    pub(crate) async fn live(&self, object_type: &str) -> BTreeMap<String, Properties> {
        let mut live: BTreeMap<String, Properties> = BTreeMap::new();
        for entry in self.journal().await.iter().filter(|entry| entry["object_type"] == object_type) {
            let id = entry["id"].as_str().unwrap();
            match entry["action"].as_str().unwrap() {
                "created" | "updated" => {
                    let object = live.entry(id.to_owned()).or_default();
                    object.extend(values(&entry["properties"]));
                    object.extend(values(&entry["stored"]));
                    object.retain(|_, value| !value.is_empty());
                }
                "archived" => drop(live.remove(id)),
                _ => {}
            }
        }
        live
    }

    /// The ties of objects of a type to contacts, as (from, to), as often as they were made.
    pub(crate) async fn ties(&self, object_type: &str) -> Vec<(String, String)> {
        let journal = self.journal().await;
        let is_tie = |entry: &&Value| entry["action"] == "associated" && entry["object_type"] == object_type;
        journal.iter().filter(is_tie).map(ends).collect()
    }

    /// The ties that stand.
    pub(crate) async fn standing_ties(&self, object_type: &str) -> BTreeSet<(String, String)> {
        let mut standing = BTreeSet::new();
        for entry in self.journal().await.iter().filter(|entry| entry["object_type"] == object_type) {
            match entry["action"].as_str().unwrap() {
                "associated" => drop(standing.insert(ends(entry))),
                "disassociated" => drop(standing.remove(&ends(entry))),
                _ => {}
            }
        }
        standing
    }
}

fn ends(entry: &Value) -> (String, String) {
    let end = |value: &Value| value.as_str().unwrap().to_owned();
    (end(&entry["id"]), end(&entry["to"]["id"]))
}

fn values(object: &Value) -> Properties {
    let pairs = object.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// What HubSpot says of a contact that was created, changed or deleted.
pub(crate) fn told(happened: &str, id: &str) -> Value {
    told_of("contact", happened, id)
}

/// What HubSpot says of an object.
pub(crate) fn told_of(object: &str, happened: &str, id: &str) -> Value {
    json!({
        "eventId": 1, "subscriptionId": 77, "portalId": PORTAL, "appId": 11, "occurredAt": 1_767_348_000_000_u64,
        "subscriptionType": format!("{object}.{happened}"), "attemptNumber": 0, "objectId": id.parse::<u64>().unwrap(),
    })
}
