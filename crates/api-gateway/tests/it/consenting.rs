//! Connecting by a consent on the platform's own page: there and back in one browser, once, and every way in which that fails.

use std::collections::BTreeSet;

use domain::access::Role;
use domain::id::IntegrationId;
use domain::integration::Status;
use persistence::{Scope, health};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::connecting::connected;
use crate::mapping::pushed;
use crate::pages::Browser;
use crate::repair::{blocked, refused};
use crate::world::{Answer, Lines, World, token_of};

pub(crate) const SCOPES: &str =
    "oauth crm.objects.contacts.read crm.objects.contacts.write crm.objects.deals.read crm.objects.deals.write";

/// A gateway at which HubSpot's app is set up, and a browser that follows nothing by itself.
pub(crate) struct Consenting {
    pub(crate) world: World,
    browser: reqwest::Client,
}

/// A consent that was begun.
pub(crate) struct Begun {
    pub(crate) page: Url,
    pub(crate) cookie: String,
}

impl Consenting {
    pub(crate) async fn start() -> Self {
        let settings = vec![
            ("PLATFORMS__HUBSPOT__CLIENT_ID", "sandbox-client".to_owned()),
            ("PLATFORMS__HUBSPOT__CLIENT_SECRET", "sandbox-secret".to_owned()),
            ("GATEWAY__PUBLIC_URL", "https://app.example.test".to_owned()),
            ("AUTH__SECURE_COOKIES", "false".to_owned()),
        ];
        let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
        world.wait_for_broker().await;
        let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { world, browser }
    }

    /// An integration that waits for a consent.
    pub(crate) async fn waiting(&self) -> String {
        let answer = self.world.post("/api/v1/integrations", json!({ "name": "HubSpot", "platform": "hubspot" })).await;
        assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
        assert_eq!(answer.body["connected"], false);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn begin(&self, id: &str) -> Begun {
        let answer = self.world.post(&format!("/api/v1/integrations/{id}/oauth/start"), json!({})).await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        // HubSpot's consent page has a host of its own; here it is the stand-in's.
        let page: Url = answer.body["authorize_url"].as_str().unwrap().parse().unwrap();
        assert_eq!(page.host_str(), Some("app.hubspot.com"));
        Begun { page, cookie }
    }

    /// What a person decides on the stand-in's page; the address to which the browser is sent.
    pub(crate) async fn decide(&self, begun: &Begun, (portal, decision, scope): (&str, &str, &str)) -> Url {
        let asked = |name: &str| {
            let found = begun.page.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        assert_eq!((asked("client_id"), asked("code_challenge_method")), ("sandbox-client".into(), "S256".into()));
        let (redirect_uri, state, challenge) = (asked("redirect_uri"), asked("state"), asked("code_challenge"));
        let form = [
            ("redirect_uri", redirect_uri.as_str()),
            ("state", &state),
            ("code_challenge", &challenge),
            ("account", portal),
            ("decision", decision),
            ("scope", scope),
        ];
        let page = format!("{}/oauth/authorize", self.world.sandbox.hubspot_url());
        let answer = self.browser.post(page).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let back: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        assert_eq!(back.path(), "/api/v1/integrations/oauth/callback");
        back
    }

    /// The browser comes back; the page to which it is sent then, as its path and its query.
    pub(crate) async fn come_back(
        &self,
        back: &Url,
        cookie: Option<&str>,
        bearer: Option<&str>,
    ) -> (String, Vec<(String, String)>) {
        let mut request =
            self.browser.get(format!("{}{}?{}", self.world.url(), back.path(), back.query().unwrap_or("")));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let page: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        assert_eq!(page.host_str(), Some("app.example.test"), "nowhere but to our own pages");
        (page.path().to_owned(), page.query_pairs().into_owned().collect())
    }

    /// From the beginning to the end, in one browser; why it failed, where it did.
    async fn consent(&self, id: &str, decided: (&str, &str, &str)) -> Vec<(String, String)> {
        let begun = self.begin(id).await;
        let back = self.decide(&begun, decided).await;
        let (path, query) = self.come_back(&back, Some(&begun.cookie), None).await;
        assert_eq!(path, format!("/dashboard/integrations/{id}"));
        query
    }

    async fn shown(&self, id: &str) -> Answer {
        self.world.get(&format!("/api/v1/integrations/{id}")).await
    }

    pub(crate) async fn stop(self) {
        self.world.stop().await;
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_tenant_consents_comes_back_and_is_connected() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    let path = format!("/api/v1/integrations/{id}");
    it.world.post(&format!("{path}/enable"), json!({})).await.is_problem(409, "not_connected");
    let began = it.begin(&id).await;
    let back = it.decide(&began, ("4242", "grant", SCOPES)).await;
    let outcome = it.come_back(&back, Some(&began.cookie), None).await;
    assert_eq!(outcome, (format!("/dashboard/integrations/{id}"), pairs(&[("connected", "1")])));
    let shown = it.shown(&id).await;
    assert_eq!((&shown.body["connected"], &shown.body["account_id"]), (&json!(true), &json!("4242")), "{shown:?}");
    assert_eq!(shown.body["credentials"]["hint"], Value::Null);
    let tried = it.world.post(&format!("{path}/test"), json!({})).await;
    assert_eq!((&tried.body["ok"], &tried.body["account"]["id"]), (&json!(true), &json!("4242")), "{tried:?}");
    assert_eq!(it.world.post(&format!("{path}/enable"), json!({})).await.body["status"], "active");
    // Sealed, and nowhere in the clear.
    let clear = "SELECT count(*) FROM integration_oauth_tokens WHERE access_token_sealed LIKE '%CSbx%'
        OR refresh_token_sealed LIKE '%eu1-%'";
    assert_eq!(it.world.database.count(clear).await, 0);
    assert_eq!(it.world.database.count("SELECT count(*) FROM integration_oauth_tokens").await, 1);
    // The callback comes a second time: it is told apart, and nothing is undone.
    let (_, again) = it.come_back(&back, Some(&began.cookie), None).await;
    assert_eq!(again, pairs(&[("oauth_error", "state_spent")]));
    assert_eq!(it.shown(&id).await.body["connected"], true);
    it.stop().await;
}

#[tokio::test]
async fn rule_09_a_consent_that_is_given_anew_lets_go_what_failed_under_the_old_one() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    it.consent(&id, ("4242", "grant", SCOPES)).await;
    it.world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    let integration: IntegrationId = id.parse().unwrap();
    let (_, link) = blocked(&it.world, integration, refused("PHONE")).await;
    let mut tx = it.world.worker().begin(Scope::System).await.unwrap();
    let cause = Some("withdrawn");
    health::set_status(&mut tx, it.world.tenant, integration, Status::ReauthRequired, cause).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(it.consent(&id, ("4242", "grant", SCOPES)).await, pairs(&[("connected", "1")]));
    assert_eq!(it.shown(&id).await.body["status"], "active");
    assert_eq!(pushed(&it.world).await, BTreeSet::from([link.to_string()]));
    let failures = it.world.get(&format!("/api/v1/integrations/{id}/failures")).await;
    assert_eq!(failures.body["data"], json!([]), "{failures:?}");
    it.stop().await;
}

#[tokio::test]
async fn a_consent_that_was_denied_or_is_too_small_connects_nothing_and_says_so() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    assert_eq!(it.consent(&id, ("4242", "refuse", SCOPES)).await, pairs(&[("oauth_error", "consent_denied")]));
    let small = "oauth crm.objects.contacts.read crm.objects.contacts.write";
    let lacking = "crm.objects.deals.read crm.objects.deals.write";
    let outcome = it.consent(&id, ("4242", "grant", small)).await;
    assert_eq!(outcome, pairs(&[("oauth_error", "scopes_missing"), ("missing", lacking)]));
    assert_eq!(it.shown(&id).await.body["connected"], false);
    assert_eq!(it.world.database.count("SELECT count(*) FROM integration_oauth_tokens").await, 0);
    it.stop().await;
}

#[tokio::test]
async fn a_callback_of_another_browser_user_or_time_connects_nothing() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    let begun = it.begin(&id).await;
    let back = it.decide(&begun, ("4242", "grant", SCOPES)).await;
    let all = "/dashboard/integrations".to_owned();
    let refused = |code: &str| (all.clone(), pairs(&[("oauth_error", code)]));
    let other = it.begin(&id).await;
    assert_eq!(it.come_back(&back, None, None).await, refused("other_browser"));
    assert_eq!(it.come_back(&back, Some(&other.cookie), None).await, refused("other_browser"));
    let somebody = token_of("somebody else", it.world.tenant, Role::Admin, 600);
    assert_eq!(it.come_back(&back, Some(&begun.cookie), Some(&somebody)).await, refused("other_user"));
    let stranger = token_of("a test", it.world.other_tenant().await, Role::Admin, 600);
    assert_eq!(it.come_back(&back, Some(&begun.cookie), Some(&stranger)).await, refused("other_user"));
    for state in
        ["", "state=", "state=x.y", "state=ten_01jd0000000000000000000000.0123456789012345678901234567890123456789012"]
    {
        let mut forged = back.clone();
        forged.set_query(Some(&format!("code=x&{state}")));
        assert_eq!(it.come_back(&forged, Some(&begun.cookie), None).await, refused("state_unknown"), "{state}");
    }
    // None of them has spent it.
    it.world.database.execute("UPDATE oauth_states SET expires_at = now() - interval '1 second'").await;
    let own = format!("/dashboard/integrations/{id}");
    let (page, outcome) = it.come_back(&back, Some(&begun.cookie), None).await;
    assert_eq!((page, outcome), (own, pairs(&[("oauth_error", "state_expired")])));
    assert_eq!(it.shown(&id).await.body["connected"], false);
    it.stop().await;
}

#[tokio::test]
async fn a_code_that_the_platform_does_not_know_connects_nothing() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    let begun = it.begin(&id).await;
    let mut back = it.decide(&begun, ("4242", "grant", SCOPES)).await;
    let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    back.query_pairs_mut().clear().append_pair("code", "made-up").append_pair("state", &state);
    let (_, outcome) = it.come_back(&back, Some(&begun.cookie), None).await;
    assert_eq!(outcome[0], ("oauth_error".to_owned(), "platform_refused".to_owned()), "{outcome:?}");
    it.stop().await;
}

#[tokio::test]
async fn one_account_is_connected_once_and_a_connection_keeps_its_account() {
    let it = Consenting::start().await;
    let first = connected(&it.world, "pat-eu1-4242-demo").await;
    let second = it.waiting().await;
    let outcome = it.consent(&second, ("4242", "grant", SCOPES)).await;
    assert_eq!(outcome, pairs(&[("oauth_error", "account_taken"), ("other", &first)]));
    assert_eq!(it.consent(&second, ("77", "grant", SCOPES)).await, pairs(&[("connected", "1")]));
    let other = it.consent(&second, ("88", "grant", SCOPES)).await;
    assert_eq!(other[0], ("oauth_error".to_owned(), "other_account".to_owned()), "{other:?}");
    assert_eq!(it.shown(&second).await.body["account_id"], "77");
    // The first one goes over from its key to a grant.
    assert_eq!(it.consent(&first, ("4242", "grant", SCOPES)).await, pairs(&[("connected", "1")]));
    let keys = format!("SELECT count(*) FROM tenant_integrations WHERE id = '{first}' AND config_encrypted IS NULL");
    assert_eq!(it.world.database.count(&keys).await, 1, "the key is destroyed");
    it.stop().await;
}

#[tokio::test]
async fn a_grant_is_given_back_with_the_last_integration_of_its_account() {
    let it = Consenting::start().await;
    let id = it.waiting().await;
    assert_eq!(it.consent(&id, ("4242", "grant", SCOPES)).await, pairs(&[("connected", "1")]));
    let accounts = it.world.accounts();
    let integration = {
        let mut tx = it.world.worker().begin(Scope::System).await.unwrap();
        let found = persistence::integrations::get(&mut tx, it.world.tenant, id.parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        found.unwrap()
    };
    let token = secrecy::ExposeSecret::expose_secret(accounts.open(&integration).await.unwrap().bearer()).to_owned();
    let details = format!("{}/account-info/2026-03/details", it.world.sandbox.hubspot_url());
    let ask = async || it.browser.get(&details).bearer_auth(&token).send().await.unwrap().status().as_u16();
    assert_eq!(ask().await, 200);
    assert_eq!(it.world.delete(&format!("/api/v1/integrations/{id}")).await.status.as_u16(), 204);
    assert_eq!(ask().await, 401, "the grant was not given back");
    it.stop().await;
}

#[tokio::test]
async fn without_our_app_at_the_platform_nobody_is_sent_there() {
    let world = World::start().await;
    let answer = world.post("/api/v1/integrations", json!({ "name": "HubSpot", "platform": "hubspot" })).await;
    let id = answer.body["id"].as_str().unwrap();
    let start = format!("/api/v1/integrations/{id}/oauth/start");
    world.post(&start, json!({})).await.is_problem(409, "oauth_unavailable");
    let typed = json!({ "name": "HubSpot", "platform": "hubspot", "url": "acme" });
    assert_eq!(world.post("/api/v1/integrations", typed).await.paths(), ["url"]);
    let answer = world.call(Method::POST, &start, Some(&world.token(Role::Viewer)), Some(json!({}))).await;
    answer.is_problem(403, "role_missing");
    world.stop().await;
}

#[tokio::test]
async fn who_lets_our_app_in_sees_who_looks_after_its_subscriptions_and_has_that_done_again() {
    let it = Consenting::start().await;
    // As a dispatcher leaves it that looked a while ago.
    let looked = "INSERT INTO app_subscriptions (platform, checked_at) VALUES ('hubspot', now() - interval '1 hour')";
    it.world.database.execute(looked).await;
    let is_asked = async || {
        let asked = it.world.database.count("SELECT count(*) FROM app_subscriptions WHERE asked_at > checked_at").await;
        it.world.database.execute("UPDATE app_subscriptions SET asked_at = NULL").await;
        asked == 1
    };
    let id = it.waiting().await;
    assert!(!is_asked().await, "nobody is connected yet");
    it.consent(&id, ("4242", "grant", SCOPES)).await;
    assert!(is_asked().await);
    let path = format!("/api/v1/integrations/{id}");
    let mapping = it.world.get(&format!("{path}/mappings/contact")).await;
    let fields = json!({ "fields": mapping.body["fields"] });
    let saved = it.world.put(&format!("{path}/mappings/contact"), mapping.etag(), fields).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    assert!(is_asked().await, "another field may be read");

    let (mut browser, tab) =
        (Browser::of(&it.world, Role::Admin).await, format!("/dashboard/integrations/{id}/webhooks"));
    let state = async || {
        let shown = it.world.get(&format!("{path}/webhook")).await.body["subscription"].clone();
        assert_eq!((&shown["made_for"], &shown["problem"]), (&json!("app"), &json!(null)), "that is the operator's");
        shown["state"].clone()
    };
    browser.get(&tab).await.says("pour tous les comptes qui autorisent son application");
    assert_eq!(state().await, "subscribed");
    it.world.database.execute("UPDATE app_subscriptions SET held_until = now() + interval '1 minute'").await;
    assert_eq!(state().await, "pending", "somebody has only begun to look");
    it.world.database.execute("UPDATE app_subscriptions SET held_until = NULL").await;
    it.world.database.execute("UPDATE app_subscriptions SET problem = 'The API key provided is invalid'").await;
    let page = browser.get(&tab).await;
    page.says("nous le savons et réessayons");
    assert!(!page.html.contains("API key"), "that is the operator's");
    assert_eq!(state().await, "problem");
    it.world.database.execute("UPDATE app_subscriptions SET checked_at = now() - interval '3 days'").await;
    browser.get(&tab).await.says("Déclaré une fois pour toutes");
    assert_eq!(state().await, "by_operator");
    let by_key = connected(&it.world, "pat-eu1-4343-demo").await;
    browser.get(&format!("/dashboard/integrations/{by_key}/webhooks")).await.says("connecté par une clé");

    is_asked().await;
    assert_eq!(it.world.delete(&path).await.status, 204);
    assert!(is_asked().await, "it may have been the last");
    it.stop().await;
}
