//! The way through the consent page of each platform that has one, at its stand-in: there, back, connected, tried, and given
//! back; and what ends it anywhere. What else ends it is `consenting`'s.

use std::collections::{BTreeMap, BTreeSet};

use connectors::registry::{self, Platform};
use domain::access::Role;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use crate::world::{Lines, World, token_of};

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
        platform: "hubspot",
        site: None,
        chosen: "4242",
        account: "4242",
        names_scopes: true,
        pkce: true,
        readable: "hubspot/account-info/2026-03/details",
        asks: by_bearer,
    },
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
        ("PLATFORMS__HUBSPOT__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__HUBSPOT__CLIENT_SECRET", "sandbox-secret"),
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

/// A consent that was begun.
struct Begun {
    page: Url,
    cookie: String,
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
    let id = waiting(world, way).await;
    let begun = begin(world, &id).await;
    let asked = asked(&begun.page);
    assert_eq!(asked.contains_key("code_challenge"), way.pkce, "{}", begun.page);
    assert_eq!(asked.contains_key("scope"), way.names_scopes, "{}", begun.page);
    let back = decide(browser, way, &begun, ("grant", None)).await;
    let end = come_back(world, browser, (&back, &begun), None).await;
    (id, end)
}

/// An integration that waits for a consent.
async fn waiting(world: &World, way: &Way) -> String {
    let body = json!({"name": way.platform, "platform": way.platform, "url": way.site});
    let made = world.post("/api/v1/integrations", body).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

async fn begin(world: &World, id: &str) -> Begun {
    let began = world.post(&format!("/api/v1/integrations/{id}/oauth/start"), json!({})).await;
    assert_eq!(began.status.as_u16(), 200, "{began:?}");
    let cookie = began.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut page: Url = began.body["authorize_url"].as_str().unwrap().parse().unwrap();
    // HubSpot's consent page has a host of its own; here it is the stand-in's.
    if page.host_str() == Some("app.hubspot.com") {
        let mut own: Url = format!("{}{}", world.sandbox.hubspot_url(), page.path()).parse().unwrap();
        own.set_query(page.query());
        page = own;
    }
    Begun { page, cookie }
}

/// What a person decides on the platform's page, who grants what was asked for or only that; where the browser is sent.
async fn decide(browser: &reqwest::Client, way: &Way, begun: &Begun, (decision, granted): (&str, Option<&str>)) -> Url {
    let seen = browser.get(begun.page.clone()).send().await.unwrap();
    assert_eq!(seen.status().as_u16(), 200, "{seen:?}");
    assert!(seen.text().await.unwrap().contains("Autoriser"));
    let asked = asked(&begun.page);
    let held = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let form = [
        ("redirect_uri", held("redirect_uri")),
        ("state", held("state")),
        ("code_challenge", held("code_challenge")),
        ("scope", granted.map_or_else(|| held("scope"), str::to_owned)),
        ("account", way.chosen.to_owned()),
        ("decision", decision.to_owned()),
    ];
    let decided = browser.post(begun.page.clone()).form(&form).send().await.unwrap();
    assert_eq!(decided.status().as_u16(), 303, "{decided:?}");
    decided.headers()[LOCATION].to_str().unwrap().parse().unwrap()
}

/// The browser comes back, maybe with somebody's token; the page to which it is sent then.
async fn come_back(
    world: &World,
    browser: &reqwest::Client,
    (back, begun): (&Url, &Begun),
    token: Option<&str>,
) -> Url {
    let back = format!("{}{}?{}", world.url(), back.path(), back.query().unwrap());
    let mut request = browser.get(back).header(COOKIE, &begun.cookie);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().headers()[LOCATION].to_str().unwrap().parse().unwrap()
}

/// The token that opens an account for us.
async fn opened(world: &World, id: &str) -> String {
    let integration = {
        let mut tx = world.worker().begin(persistence::Scope::System).await.unwrap();
        let found = persistence::integrations::get(&mut tx, world.tenant, id.parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        found.unwrap()
    };
    world.accounts().open(&integration).await.unwrap().bearer().expose_secret().to_owned()
}

#[test]
fn the_way_through_every_consent_page_is_known_here() {
    let has_one = |platform: &&Platform| platform.connector().oauth().is_some();
    let all = registry::all().iter().filter(has_one).map(|platform| platform.connector().descriptor().slug);
    assert_eq!(WAYS.iter().map(|way| way.platform).collect::<BTreeSet<_>>(), all.collect::<BTreeSet<_>>());
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
        let token = opened(&world, &id).await;
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

#[tokio::test]
async fn a_callback_that_is_replayed_is_refused_at_each_platform_and_changes_nothing() {
    let world = with_apps().await;
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    for way in WAYS {
        let id = waiting(&world, way).await;
        let begun = begin(&world, &id).await;
        let back = decide(&browser, way, &begun, ("grant", None)).await;
        let end = come_back(&world, &browser, (&back, &begun), None).await;
        assert!(end.query().unwrap().starts_with("connected=1"), "{end}");
        let path = format!("/api/v1/integrations/{id}");
        let (shown, token) = (world.get(&path).await.body, opened(&world, &id).await);

        let again = come_back(&world, &browser, (&back, &begun), None).await;
        assert_eq!(again.query(), Some("oauth_error=state_spent"), "{}", way.platform);
        // The same code, under a state that is good.
        let later = begin(&world, &id).await;
        let state = asked(&later.page)["state"].clone();
        let mut forged = back.clone();
        let kept = back.query_pairs().filter(|(name, _)| name != "state");
        forged.query_pairs_mut().clear().extend_pairs(kept).append_pair("state", &state);
        let refused = come_back(&world, &browser, (&forged, &later), None).await;
        let why = if way.platform == SHOPIFY.platform { "callback_forged" } else { "platform_refused" };
        assert_eq!(asked(&refused)["oauth_error"], why, "{refused}");

        assert_eq!(world.get(&path).await.body, shown, "{}", way.platform);
        assert_eq!(opened(&world, &id).await, token, "{}", way.platform);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_consent_that_is_denied_too_small_or_of_another_user_connects_nothing_at_each_platform() {
    let world = with_apps().await;
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let somebody = token_of("somebody else", world.tenant, Role::Admin, 600);
    let stranger = token_of("a test", world.other_tenant().await, Role::Admin, 600);
    for way in WAYS {
        let id = waiting(&world, way).await;
        for (decided, token, why) in [
            (("refuse", None), None, "consent_denied"),
            (("grant", Some("nothing_of_use")), None, "scopes_missing"),
            (("grant", None), Some(&somebody), "other_user"),
            (("grant", None), Some(&stranger), "other_user"),
        ] {
            let begun = begin(&world, &id).await;
            let back = decide(&browser, way, &begun, decided).await;
            let end = come_back(&world, &browser, (&back, &begun), token.map(String::as_str)).await;
            let told = asked(&end);
            assert_eq!(told["oauth_error"], why, "{}: {end}", way.platform);
            assert_eq!(told.contains_key("missing"), why == "scopes_missing", "{}: {end}", way.platform);
        }
        let shown = world.get(&format!("/api/v1/integrations/{id}")).await;
        assert_eq!(shown.body["connected"], false, "{}", way.platform);
    }
    assert_eq!(world.database.count("SELECT count(*) FROM integration_oauth_tokens").await, 0);
    world.stop().await;
}
