//! An account of each platform, connected as a tenant connects it: by a key, or by a consent at its stand-in.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use xtask::session::Service;

use super::System;

pub(crate) const SHOP: (&str, &str) =
    ("ck_1111111111111111111111111111111111111111", "cs_1111111111111111111111111111111111111111");
pub(crate) const PIPEDRIVE: &str = "pd-900-demo";

/// The integration of a platform, enabled and by n8n.
pub(crate) async fn connect(system: &System, platform: &str) -> String {
    let site = |path: &str| format!("{}/{path}", system.world.session.url(Service::Sandbox));
    let (url, chosen, credentials) = match platform {
        "hubspot" => return system.by_n8n().await,
        "pipedrive" => (None, None, json!({"api_key": PIPEDRIVE})),
        "woocommerce" => (Some(site("woocommerce/boutique")), None, json!({"api_key": SHOP.0, "api_secret": SHOP.1})),
        "salesforce" => (None, Some("00D000000000001EAA"), Value::Null),
        "shopify" => (Some("https://acme.myshopify.com/admin".to_owned()), Some("acme"), Value::Null),
        "zendesk" => (Some("acme".to_owned()), Some("acme"), Value::Null),
        other => panic!("{other} is no platform"),
    };
    let mut wish = json!({"name": platform, "platform": platform, "delivery": "n8n", "direction": "bidirectional"});
    let shop = ["shopify", "woocommerce"].contains(&platform);
    let more = [("url", url.map(Value::from)), ("credentials", Some(credentials).filter(|given| !given.is_null()))];
    for (name, value) in more {
        if let Some(value) = value {
            wish[name] = value;
        }
    }
    let made = system.post("/api/v1/integrations", wish).await;
    let id = made["id"].as_str().unwrap().to_owned();
    if let Some(chosen) = chosen {
        consent(system, &id, chosen).await;
    }
    if shop {
        // Prospects become customers only where the tenant asks for it.
        system.edit(&id, json!({"kind_directions": {"contact": "bidirectional"}})).await;
    }
    system.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    id
}

/// The way through the consent page, as a browser goes it.
async fn consent(system: &System, id: &str, chosen: &str) {
    let gateway = system.world.session.url(Service::ApiGateway);
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let token = system.world.tenant.admin_token.expose_secret();
    let start = browser.post(format!("{gateway}/api/v1/integrations/{id}/oauth/start")).bearer_auth(token);
    let began = start.json(&json!({})).send().await.unwrap();
    assert_eq!(began.status().as_u16(), 200);
    let cookie = began.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let began: Value = began.json().await.unwrap();
    let page: Url = began["authorize_url"].as_str().unwrap().parse().unwrap();
    let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
    let held = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let form = [
        ("redirect_uri", held("redirect_uri")),
        ("state", held("state")),
        ("code_challenge", held("code_challenge")),
        ("scope", held("scope")),
        ("account", chosen.to_owned()),
        ("decision", "grant".to_owned()),
    ];
    let decided = browser.post(page).form(&form).send().await.unwrap();
    let back = decided.headers()[LOCATION].to_str().unwrap().to_owned();
    let ended = browser.get(&back).header(COOKIE, cookie).send().await.unwrap();
    let end = ended.headers()[LOCATION].to_str().unwrap();
    assert!(!end.contains("oauth_error"), "{end}");
}

/// How every token begins that a stand-in has issued for an account to which somebody consented: with its sort, and the account. Seen
/// by tokens that are issued here, for the same accounts.
pub(crate) async fn beginnings_of_tokens(system: &System) -> Vec<String> {
    let back = "https://coccinelle.example/retour";
    let sandbox = system.world.session.url(Service::Sandbox);
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let mut beginnings = Vec::new();
    for (page, tokens, account) in [
        ("salesforce/services/oauth2/authorize", "salesforce/services/oauth2/token", "00D000000000001EAA"),
        ("shopify/acme/admin/oauth/authorize", "shopify/acme/admin/oauth/access_token", "acme"),
        ("zendesk/acme/oauth/authorizations/new", "zendesk/acme/oauth/tokens", "acme"),
    ] {
        let form = [("redirect_uri", back), ("account", account), ("decision", "grant")];
        let decided = browser.post(format!("{sandbox}/{page}")).form(&form).send().await.unwrap();
        let decided: Url = decided.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        let (_, code) = decided.query_pairs().find(|(name, _)| name == "code").unwrap();
        let wish = json!({
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "expiring": "1",
            "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        });
        let issued = browser.post(format!("{sandbox}/{tokens}")).json(&wish).send().await.unwrap();
        let issued: Value = issued.error_for_status().unwrap().json().await.unwrap();
        for sort in ["access_token", "refresh_token"] {
            let (beginning, _) = issued[sort].as_str().unwrap().split_once('.').unwrap();
            assert!(beginning.ends_with(account), "{tokens}: {beginning}");
            beginnings.push(format!("{beginning}."));
        }
    }
    beginnings
}
