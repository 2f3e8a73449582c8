//! Our app at HubSpot as a whole: told of what is read by whoever lets it in, once for all of them, and of nothing once the last has
//! left. Where its developer's key is wrong, the operator is told, and no tenant.

use std::collections::BTreeMap;

use connectors::oauth::Code;
use connectors::registry::Platform;
use domain::id::TenantId;
use domain::integration::{Integration, Status};
use domain::kind::RecordKind;
use persistence::{app_subscriptions, health, incidents, integrations, mappings};
use reqwest::Method;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::wait;
use url::Url;

use crate::affairs::Letterbox;
use crate::crm::APP_SECRET;
use crate::scheduling::undisturbed;
use crate::state::text;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

const KEY: &str = "sandbox-developer-key";
const PORTAL: u64 = 4343;
const REDIRECT: &str = "https://app.example.test/callback";

/// Subscriptions to what the proposed mapping reads.
const PROPOSED: usize = 23;

/// A world whose operator has our app's webhooks looked after.
struct Told {
    world: World,
    letters: Letterbox,
    client: reqwest::Client,
}

impl Told {
    async fn by(key: &str) -> Self {
        let told = Self::quiet(key).await;
        told.world.dispatch();
        told
    }

    /// The same, without a dispatcher.
    async fn quiet(key: &str) -> Self {
        let letters = Letterbox::open(Platform::HubSpot);
        let url = letters.url();
        let settings = [
            ("PLATFORMS__HUBSPOT__CLIENT_ID", "sandbox-client"),
            ("PLATFORMS__HUBSPOT__CLIENT_SECRET", APP_SECRET),
            ("PLATFORMS__HUBSPOT__APP_ID", "11"),
            ("PLATFORMS__HUBSPOT__DEVELOPER_KEY", key),
            ("WEBHOOKS__PUBLIC_URL", url.as_str()),
            HASTE[0],
            HASTE[1],
        ];
        let world = World::quiet(&settings).await;
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { world, letters, client }
    }

    fn public_url(&self) -> Url {
        self.letters.url().parse().unwrap()
    }

    /// What the browser brings back from the page on which somebody lets our app in.
    async fn consent(&self, portal: u64) -> SecretString {
        let portal = portal.to_string();
        let form = [
            ("redirect_uri", REDIRECT),
            ("state", "s"),
            ("code_challenge", ""),
            ("account", portal.as_str()),
            ("decision", "grant"),
        ];
        let page = format!("{}/oauth/authorize", self.world.crm.url());
        let answer = self.client.post(page).form(&form).send().await.unwrap();
        let back: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned().into()
    }

    /// A new tenant connects a portal by a consent, as the gateway does it.
    async fn let_in(&self, portal: u64) -> Integration {
        let (world, accounts, of) = (&self.world, self.world.accounts(), (TenantId::new(), undisturbed()));
        world.connect(of, portal, Shape::default()).await;
        let connector = Platform::HubSpot.connector();
        let doorway = accounts.doorway(&connector.descriptor().slug.parse().unwrap(), None).unwrap();
        let (code, redirect_uri) = (self.consent(portal).await, REDIRECT.parse().unwrap());
        let code = Code { code: &code, verifier: None, redirect_uri: &redirect_uri, scopes: doorway.terms.scopes };
        let grant = doorway.exchange(&code).await.unwrap();
        let mut tx = world.begin().await;
        integrations::connect_by_grant(&mut tx, of, (&portal.to_string(), "HubSpot"), None).await.unwrap();
        accounts.keep_grant(&mut tx, of, &grant).await.unwrap();
        let integration = integrations::get(&mut tx, of.0, of.1).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        connector.probe().test(&accounts.open(&integration).await.unwrap()).await.unwrap();
        accounts.subscribe(&integration, &self.public_url()).await.unwrap();
        integration
    }

    /// The tenant deletes it.
    async fn leaves(&self, integration: &Integration) {
        let departure = self.world.accounts().farewell(integration, &self.public_url()).await.unwrap();
        let mut tx = self.world.begin().await;
        let farewell = departure.settle(&mut tx).await.unwrap();
        assert!(integrations::delete(&mut tx, integration.tenant_id, integration.id, None).await.unwrap());
        tx.commit().await.unwrap();
        farewell.say().await;
    }

    /// Asks as the app's developer.
    async fn asked(&self, method: Method, tail: &str) -> Value {
        let url = format!("{}/webhooks/2026-03/11/subscriptions{tail}?hapikey={KEY}", self.world.crm.url());
        let answer = self.client.request(method, url).send().await.unwrap().error_for_status().unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// The active subscriptions: what each is about, and its id.
    async fn active(&self) -> BTreeMap<String, String> {
        let listed = self.asked(Method::GET, "").await;
        let active = listed["results"].as_array().unwrap().iter().filter(|row| row["active"] == true);
        let topic = |row: &Value| {
            let parts = ["eventType", "propertyName"].iter().filter_map(|name| row[*name].as_str());
            parts.collect::<Vec<_>>().join(" ")
        };
        active.map(|row| (topic(row), row["id"].as_str().unwrap().to_owned())).collect()
    }

    async fn active_once(&self, what: &str, wanted: impl Fn(&BTreeMap<String, String>) -> bool) {
        wait::until(what, DEADLINE, || async {
            let active = self.active().await;
            if wanted(&active) { Ok(()) } else { Err(active) }
        })
        .await;
    }

    /// Waits until whoever asked was heard.
    async fn is_heard(&self) {
        let heard = "SELECT count(*) FROM app_subscriptions
            WHERE held_until IS NULL AND checked_at > coalesce(asked_at, checked_at - interval '1 second')";
        wait::until("somebody to have looked", DEADLINE, || async {
            (self.world.server.count(heard).await == 1).then_some(())
        })
        .await;
    }

    /// Hands the next delivery over, as the ingest does; what it says has changed.
    async fn arrives(&mut self) -> Vec<String> {
        let (_, body) = self.letters.next().await;
        let events: Vec<Value> = serde_json::from_str(&body).unwrap();
        self.world.tell(Platform::HubSpot, None, &[], body).await;
        let name = |event: &Value| event["propertyName"].as_str().unwrap_or_default().to_owned();
        events.iter().map(name).collect()
    }
}

#[tokio::test]
async fn once_somebody_lets_our_app_in_it_is_told_of_what_is_read_and_an_edit_there_arrives() {
    let mut told = Told::by(KEY).await;
    told.is_heard().await;
    assert!(told.active().await.is_empty(), "who is connected by a key does not let the app in");
    let integration = told.let_in(PORTAL).await;
    told.active_once("the subscriptions to be made", |active| active.len() == PROPOSED).await;

    let crm = told.world.crm.another(PORTAL);
    let id = crm.add_contact(json!({"email": "zoe@exemple.fr", "lifecyclestage": "lead"})).await;
    assert_eq!(told.arrives().await, ["", "email"]);
    let of = (integration.id, RecordKind::Contact, id.as_str());
    told.world.record_at(of, |record| text(record, "email") == "zoe@exemple.fr").await;
    // What nobody reads is not told of.
    crm.edit_contact(&id, json!({"lifecyclestage": "customer"})).await;
    crm.edit_contact(&id, json!({"city": "Brest"})).await;
    assert_eq!(told.arrives().await, ["city"]);
    told.world.record_at(of, |record| text(record, "city") == "Brest").await;
}

#[tokio::test]
async fn what_the_platform_took_away_is_made_again_by_the_daily_check_and_what_a_mapping_reads_anew_is_told_of() {
    let told = Told::by(KEY).await;
    let integration = told.let_in(PORTAL).await;
    told.active_once("the subscriptions to be made", |active| active.len() == PROPOSED).await;
    told.is_heard().await;
    let deletion = told.active().await["contact.deletion"].clone();
    told.asked(Method::DELETE, &format!("/{deletion}")).await;
    let a_day_ago = "UPDATE app_subscriptions SET checked_at = checked_at - interval '25 hours',
        asked_at = asked_at - interval '25 hours'";
    testkit::execute(&told.world.database_url(), a_day_ago).await;
    told.active_once("the check to make it again", |active| active.contains_key("contact.deletion")).await;

    told.is_heard().await;
    let of = (integration.tenant_id, integration.id);
    let mut fields = Platform::HubSpot.connector().default_mapping(RecordKind::Contact).fields;
    fields.iter_mut().find(|field| field.remote == "website").unwrap().remote = "hs_language".to_owned();
    let mut tx = told.world.begin().await;
    mappings::replace(&mut tx, of, RecordKind::Contact, &fields).await.unwrap();
    // As the gateway does where a mapping is saved.
    app_subscriptions::ask(&mut tx, &integration.platform).await.unwrap();
    tx.commit().await.unwrap();
    let is_read = |active: &BTreeMap<String, String>| active.contains_key("contact.propertyChange hs_language");
    told.active_once("the new field to be told of", is_read).await;
}

#[tokio::test]
async fn a_day_passes_by_the_databases_clock() {
    let told = Told::quiet(KEY).await;
    let server = &told.world.server;
    server.put_ahead().await;
    told.world.dispatch();
    told.is_heard().await;
    server.execute("UPDATE app_subscriptions SET checked_at = checked_at - interval '25 hours'").await;
    let again = "SELECT count(*) FROM app_subscriptions WHERE checked_at > pg_catalog.now()";
    wait::until("somebody to look again", DEADLINE, || async { (server.count(again).await == 1).then_some(()) }).await;
}

#[tokio::test]
async fn our_app_is_told_of_what_happens_until_the_last_who_let_it_in_has_left() {
    let told = Told::by(KEY).await;
    let (one, last) = (told.let_in(PORTAL).await, told.let_in(4444).await);
    told.active_once("the subscriptions to be made", |active| active.len() == PROPOSED).await;
    told.leaves(&one).await;
    told.is_heard().await;
    assert_eq!(told.active().await.len(), PROPOSED);
    told.leaves(&last).await;
    told.active_once("all to be paused", BTreeMap::is_empty).await;
}

#[tokio::test]
async fn a_wrong_developers_key_is_told_to_the_operator_and_fails_no_tenant() {
    let told = Told::by("not-the-developers-key").await;
    let integration = told.let_in(PORTAL).await;
    told.is_heard().await;
    let noted = |like: &str| format!("SELECT count(*) FROM app_subscriptions WHERE problem LIKE '%{like}%'");
    assert_eq!(told.world.server.count(&noted("API key provided is invalid")).await, 1);
    assert_eq!(told.world.server.count(&noted("not-the-developers-key")).await, 0);

    told.world.accept(vec![event("prospect.created", "p1", json!({"email": "ann@exemple.fr"}))]).await;
    told.world.settle().await;
    assert_eq!(told.world.crm.only_contact().await.1["email"], "ann@exemple.fr");
    let mut tx = told.world.begin().await;
    let health = health::get(&mut tx, integration.tenant_id, integration.id).await.unwrap().unwrap();
    assert_eq!(health.status, Status::Active);
    assert!(incidents::pending(&mut tx).await.unwrap().is_empty());
}
