//! The way through the consent page of each platform that has one, at its stand-in: there, back, connected, tried, and given back.
//! Every way in which it fails is `consenting`'s, and `unconsented`'s where platforms differ.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use crate::world::{Lines, World};

/// What differs from platform to platform.
struct Way {
    platform: &'static str,
    /// What the tenant types before, where it has a site of its own.
    site: Option<&'static str>,
    /// What is chosen on the consent page, and the account that it turns out to be.
    chosen: &'static str,
    account: &'static str,
    /// The scopes that are asked for beyond the app's own; none where the address does not name them.
    names_scopes: bool,
    pkce: bool,
    /// A path of the stand-in that only a good token opens, and how it is asked.
    readable: &'static str,
    asks: fn(RequestBuilder, &str) -> RequestBuilder,
}

fn by_bearer(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.bearer_auth(token)
}

/// A shop is asked by documents.
fn by_document(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header("x-shopify-access-token", token).json(&json!({"query": "{ shop { name } }"}))
}

const WAYS: &[Way] = &[
    Way {
        platform: "pipedrive",
        site: None,
        chosen: "900",
        account: "900",
        names_scopes: false,
        pkce: false,
        readable: "pipedrive/api/v1/users/me",
        asks: by_bearer,
    },
    SHOPIFY,
    Way {
        platform: "salesforce",
        site: None,
        chosen: "00D000000000001EAA",
        account: "00D000000000001EAA",
        names_scopes: true,
        pkce: true,
        readable: "salesforce/00D000000000001EAA/services/data/v68.0/limits",
        asks: by_bearer,
    },
    Way {
        platform: "zendesk",
        site: Some("acme"),
        chosen: "acme",
        account: "acme",
        names_scopes: true,
        pkce: true,
        readable: "zendesk/acme/api/v2/users/me",
        asks: by_bearer,
    },
];

const SHOPIFY: Way = Way {
    platform: "shopify",
    site: Some("https://acme.myshopify.com/admin"),
    chosen: "acme",
    account: "acme.myshopify.com",
    names_scopes: true,
    pkce: false,
    readable: "shopify/acme/admin/api/2026-10/graphql.json",
    asks: by_document,
};

/// A gateway at which our app is set up at each of these platforms.
pub(crate) async fn with_apps() -> World {
    let settings = [
        ("PLATFORMS__PIPEDRIVE__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__PIPEDRIVE__CLIENT_SECRET", "sandbox-secret"),
        ("PLATFORMS__SALESFORCE__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__SALESFORCE__CLIENT_SECRET", "sandbox-secret"),
        ("PLATFORMS__SHOPIFY__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__SHOPIFY__CLIENT_SECRET", "sandbox-secret"),
        ("PLATFORMS__ZENDESK__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__ZENDESK__CLIENT_SECRET", "sandbox-secret"),
        ("GATEWAY__PUBLIC_URL", "https://app.example.test"),
        ("AUTH__SECURE_COOKIES", "false"),
    ];
    let settings = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    world
}

fn asked(page: &Url) -> BTreeMap<String, String> {
    page.query_pairs().into_owned().collect()
}

/// From the beginning to the end; the integration's id.
async fn connect(world: &World, browser: &reqwest::Client, way: &Way) -> String {
    let (id, end) = consent(world, browser, way).await;
    // Activities take no fields of an account's own there, and whoever connects it is told at once.
    let said = if way.platform == "pipedrive" { "connected=1&unkeyed=activity" } else { "connected=1" };
    assert_eq!((end.path(), end.query()), (format!("/dashboard/integrations/{id}").as_str(), Some(said)));
    id
}

/// From the beginning to the end; the integration's id, and the page on which it ends.
async fn consent(world: &World, browser: &reqwest::Client, way: &Way) -> (String, Url) {
    let body = json!({"name": way.platform, "platform": way.platform, "url": way.site});
    let made = world.post("/api/v1/integrations", body).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap().to_owned();
    let began = world.post(&format!("/api/v1/integrations/{id}/oauth/start"), json!({})).await;
    assert_eq!(began.status.as_u16(), 200, "{began:?}");
    let cookie = began.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page: Url = began.body["authorize_url"].as_str().unwrap().parse().unwrap();
    let asked = asked(&page);
    assert_eq!(asked.contains_key("code_challenge"), way.pkce, "{page}");
    assert_eq!(asked.contains_key("scope"), way.names_scopes, "{page}");
    let seen = browser.get(page.clone()).send().await.unwrap();
    assert_eq!(seen.status().as_u16(), 200, "{seen:?}");
    assert!(seen.text().await.unwrap().contains("Autoriser"));
    let held = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let form = [
        ("redirect_uri", held("redirect_uri")),
        ("state", held("state")),
        ("code_challenge", held("code_challenge")),
        ("scope", held("scope")),
        ("account", way.chosen.to_owned()),
        ("decision", "grant".to_owned()),
    ];
    let decided = browser.post(page).form(&form).send().await.unwrap();
    assert_eq!(decided.status().as_u16(), 303, "{decided:?}");
    let back: Url = decided.headers()[LOCATION].to_str().unwrap().parse().unwrap();
    let back = format!("{}{}?{}", world.url(), back.path(), back.query().unwrap());
    let answer = browser.get(back).header(COOKIE, cookie).send().await.unwrap();
    (id, answer.headers()[LOCATION].to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn each_platform_with_a_consent_page_is_connected_by_it_and_given_back() {
    let world = with_apps().await;
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    for way in WAYS {
        let id = connect(&world, &browser, way).await;
        let path = format!("/api/v1/integrations/{id}");
        let shown = world.get(&path).await;
        assert_eq!((&shown.body["connected"], &shown.body["account_id"]), (&json!(true), &json!(way.account)));
        let tried = world.post(&format!("{path}/test"), json!({})).await;
        assert_eq!(tried.body["ok"], true, "{tried:?}");
        // Activities take no fields of an account's own there.
        let unkeyed = if way.platform == "pipedrive" { json!(["activity"]) } else { json!(null) };
        assert_eq!(tried.body["unkeyed"], unkeyed, "{tried:?}");
        let integration = {
            let mut tx = world.worker().begin(persistence::Scope::System).await.unwrap();
            let found = persistence::integrations::get(&mut tx, world.tenant, id.parse().unwrap()).await.unwrap();
            tx.commit().await.unwrap();
            found.unwrap()
        };
        let account = world.accounts().open(&integration).await.unwrap();
        let token = account.bearer().expose_secret().to_owned();
        let readable = format!("{}/{}", world.sandbox.url, way.readable);
        let method = if way.platform == SHOPIFY.platform { Method::POST } else { Method::GET };
        let ask = async || {
            let request = browser.request(method.clone(), &readable);
            (way.asks)(request, &token).send().await.unwrap().status().as_u16()
        };
        assert_eq!(ask().await, 200, "{}", way.platform);
        assert_eq!(world.delete(&path).await.status.as_u16(), 204);
        assert_eq!(ask().await, 401, "the grant of {} was not given back", way.platform);
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_shop_is_not_asked_and_what_the_shop_did_not_sign_connects_nothing() {
    let world = with_apps().await;
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    for url in ["shop.example.com", "acme.myshopify.com.evil.example", "127.0.0.1", "http://acme.myshopify.com"] {
        let body = json!({"name": "Shopify", "platform": "shopify", "url": url});
        let made = world.post("/api/v1/integrations", body).await;
        assert_eq!(made.status.as_u16(), 422, "{url}: {made:?}");
    }
    let switches = format!("{}/_sandbox/shopify/acme/faults", world.sandbox.url);
    let put = browser.put(switches).json(&json!({"foreign_callback": true})).send().await.unwrap();
    assert_eq!(put.status().as_u16(), 200);
    let (id, end) = consent(&world, &browser, &SHOPIFY).await;
    assert_eq!(end.query(), Some("oauth_error=callback_forged"));
    let shown = world.get(&format!("/api/v1/integrations/{id}")).await;
    assert_eq!(shown.body["connected"], false);
    world.stop().await;
}
