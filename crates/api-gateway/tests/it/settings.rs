//! What a tenant sets for itself: replaced only by who has seen it, and never with a secret in the answer.

use domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::pages::{Browser, is_sound};
use crate::world::{Answer, World, token};

const PATH: &str = "/api/v1/settings";

/// Settings that are good.
pub(crate) fn wish() -> Value {
    json!({
        "language": "en",
        "time_zone": "America/Cayenne",
        "region": "BE",
        "alert_emails": ["astreinte@cabinet.example"],
        "alert_webhooks": [
            { "name": "Slack", "form": "slack", "url": "https://hooks.slack.com/services/T0/B0/very-secret" },
            { "name": "Ours", "form": "signed", "url": "https://alerts.example.fr/in", "secret": "sixteen or more!" },
        ],
        "retention_days": 30,
        "redaction": { "fields": ["iban"], "patterns": ["[0-9]{16}"], "emails": true, "phones": false },
        "conflict_policy": { "rules": [{ "kind": "contact", "ranking": ["hubspot"] }] },
    })
}

async fn put(world: &World, seen: Option<&str>, body: &Value) -> Answer {
    world.send_seen((Method::PUT, PATH), Some(&world.token(Role::Admin)), seen, Some(body.to_string())).await
}

#[tokio::test]
async fn settings_are_replaced_by_who_has_seen_them_and_by_nobody_else() {
    let world = World::start().await;
    let first = world.get(PATH).await;
    assert_eq!((&first.body["language"], &first.body["time_zone"]), (&json!("fr"), &json!("Europe/Paris")));
    assert_eq!((&first.headers["etag"], &first.body["version"]), (&"\"0\"".parse().unwrap(), &json!(0)));

    put(&world, None, &wish()).await.is_problem(428, "precondition_required");
    put(&world, Some("\"3\""), &wish()).await.is_problem(412, "version_mismatch");
    let set = put(&world, Some("\"0\""), &wish()).await;
    assert_eq!((set.status.as_u16(), &set.headers["etag"]), (200, &"\"1\"".parse().unwrap()), "{set:?}");
    put(&world, Some("\"0\""), &wish()).await.is_problem(412, "version_mismatch");

    let shown = world.get(PATH).await;
    assert_eq!(shown.body, set.body);
    for name in ["language", "time_zone", "region", "alert_emails", "retention_days", "redaction", "conflict_policy"] {
        assert_eq!(shown.body[name], wish()[name], "{name}");
    }
    let stranger = token(world.other_tenant().await, Role::Viewer, 600);
    let theirs = world.call(Method::GET, PATH, Some(&stranger), None).await;
    assert_eq!((&theirs.body["version"], &theirs.body["alert_emails"]), (&json!(0), &json!([])));
    assert_eq!(theirs.body["region"], "FR");
    let told = world.call(Method::GET, "/api/v1/audit", Some(&world.token(Role::Admin)), None).await;
    let changes = told.body["data"][0]["changes"].as_array().unwrap();
    assert!(changes.contains(&json!({ "field": "region", "before": "FR", "after": "BE" })), "{told:?}");
    world.stop().await;
}

#[tokio::test]
async fn of_a_webhooks_address_only_the_host_comes_back_and_it_stays_where_none_is_given() {
    let world = World::start().await;
    let set = put(&world, Some("\"0\""), &wish()).await;
    let shown = json!([
        { "name": "Slack", "form": "slack", "host": "hooks.slack.com" },
        { "name": "Ours", "form": "signed", "host": "alerts.example.fr" },
    ]);
    assert_eq!(set.body["alert_webhooks"], shown);
    let told = world.call(Method::GET, "/api/v1/audit", Some(&world.token(Role::Admin)), None).await;
    let named: Vec<_> = told.body["data"][0]["changes"].as_array().unwrap().iter().map(|it| &it["field"]).collect();
    assert!(named.contains(&&json!("alert_webhooks")), "{told:?}");
    for answer in [&set, &told] {
        assert!(!answer.body.to_string().contains("very-secret"), "{answer:?}");
        assert!(!answer.body.to_string().contains("sixteen or more"), "{answer:?}");
    }
    let mut again = wish();
    again["alert_webhooks"] = json!([{ "name": "Slack", "form": "slack" }, { "name": "Ours", "form": "signed" }]);
    assert_eq!(put(&world, Some("\"1\""), &again).await.body["alert_webhooks"], shown);
    again["alert_webhooks"] = json!([{ "name": "Other", "form": "slack" }]);
    let refused = put(&world, Some("\"2\""), &again).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["alert_webhooks[0].url"]);
    let kept = async |text: &str| {
        let query = format!("SELECT count(*) FROM tenant_settings AS row WHERE row::text LIKE '%{text}%'");
        world.database.count(&query).await
    };
    assert_eq!((kept("hooks.slack.com").await, kept("very-secret").await), (1, 0));
    world.stop().await;
}

/// An address that leads into our own network, and what is wrong with it.
fn inward(url: &str) -> (&'static str, Value, &'static str) {
    let webhooks = json!([{ "name": "a", "form": "slack", "url": url }]);
    ("alert_webhooks", webhooks, "alert_webhooks[0].url")
}

#[tokio::test]
async fn every_fault_is_named_by_its_path() {
    let world = World::start().await;
    let cases = [
        ("language", json!("de"), "language"),
        ("time_zone", json!("Europe/Atlantis"), "time_zone"),
        ("region", json!("XX"), "region"),
        ("region", json!("be"), "region"),
        ("alert_emails", json!(["a@b.fr", "nobody"]), "alert_emails[1]"),
        ("alert_emails", json!(vec!["a@b.fr"; 11]), "alert_emails"),
        ("retention_days", json!(0), "retention_days"),
        ("retention_days", json!(91), "retention_days"),
        ("redaction", json!({ "patterns": ["("] }), "redaction.patterns[0]"),
        ("redaction", json!({ "patterns": ["[a-z]{1000}{1000}"] }), "redaction.patterns[0]"),
        (
            "conflict_policy",
            json!({ "rules": [{ "kind": "deal", "field": "x", "ranking": [] }] }),
            "conflict_policy.rules[0].field",
        ),
        ("alert_webhooks", json!([{ "name": "a", "form": "slack", "url": "http://x.fr" }]), "alert_webhooks[0].url"),
        inward("https://169.254.169.254/latest"),
        inward("https://127.0.0.1/x"),
        inward("https://[::1]/"),
        inward("https://10.0.0.1/"),
        inward("https://x.fr:8443/"),
        inward("https://shop.example@10.0.0.1/"),
        (
            "alert_webhooks",
            json!([{ "name": "a", "form": "signed", "url": "https://x.fr", "secret": "short" }]),
            "alert_webhooks[0].secret",
        ),
        ("colour", json!("red"), "colour"),
    ];
    for (field, value, path) in cases {
        let mut body = wish();
        body[field] = value;
        let refused = put(&world, Some("\"0\""), &body).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [path], "{refused:?}");
    }
    assert_eq!(world.get(PATH).await.body["version"], 0);
    world.stop().await;
}

#[tokio::test]
async fn an_alert_on_trial_is_asked_for_once_a_minute_and_by_whom_it_would_reach_somebody() {
    const TRIAL: &str = "/api/v1/settings/alerts/trial";
    let world = World::start().await;
    let admin = world.token(Role::Admin);
    let ask = async || world.call(Method::POST, TRIAL, Some(&admin), None).await;
    ask().await.is_problem(409, "nobody_to_alert");
    put(&world, Some("\"0\""), &wish()).await;
    let asked = ask().await;
    assert_eq!(asked.status.as_u16(), 202, "{asked:?}");
    assert_eq!(asked.body, json!({ "emails": ["astreinte@cabinet.example"], "webhooks": ["Slack", "Ours"] }));
    let refused = ask().await;
    refused.is_problem(429, "rate_limited");
    let wait = |refused: &Answer| refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((21..=60).contains(&wait(&refused)), "{refused:?}");
    world.database.execute("UPDATE alert_trials SET asked_at = asked_at - interval '40 seconds'").await;
    let refused = ask().await;
    assert!((1..=20).contains(&wait(&refused)), "{refused:?}");
    let waiting = "SELECT count(*) FROM alert_trials WHERE written_at IS NULL";
    assert_eq!(world.database.count(waiting).await, 1);
    assert_eq!(world.database.count("SELECT count(*) FROM incidents").await, 0);
    let told = world.call(Method::GET, "/api/v1/audit?action=alerts.tried", Some(&admin), None).await;
    assert_eq!(told.body["data"].as_array().unwrap().len(), 1, "{told:?}");
    world.stop().await;
}

#[tokio::test]
async fn the_button_says_that_the_alert_is_on_its_way_that_it_was_just_sent_or_that_nobody_is_told() {
    const FORM: &str = "/dashboard/settings/trial";
    const PAGE: &str = "/dashboard/settings";
    let world = World::start().await;
    for (language, nobody, on_its_way, just_now) in [
        ("fr", "Personne n'est prévenu", "L'alerte d'essai est en route", "il y a moins d'une minute"),
        ("en", "Nobody is told", "The trial alert is on its way", "less than a minute ago"),
    ] {
        let mut browser = Browser::of(&world, Role::Admin).await;
        browser.language = language;
        world.database.execute("DELETE FROM tenant_settings").await;
        for (code, words) in [("nobody_to_alert", nobody), ("alert_tried", on_its_way), ("rate_limited", just_now)] {
            // What was typed and not saved is not lost by it, and stays of the version that it began with.
            let page = browser.submit(PAGE, FORM, &[("version", "0"), ("alert_emails", "new@cabinet.example")]).await;
            assert_eq!(page.status, 200, "{page:?}");
            page.says(words).says("new@cabinet.example").says("name=\"version\" value=\"0\"");
            is_sound(&page, language);
            if code == "nobody_to_alert" {
                put(&world, Some("\"0\""), &wish()).await;
            }
        }
        world.database.execute("DELETE FROM alert_trials").await;
    }
    let mut viewer = Browser::of(&world, Role::Viewer).await;
    assert!(!viewer.get(PAGE).await.html.contains(FORM));
    assert_eq!(viewer.submit(PAGE, FORM, &[]).await.status, 403);
    world.stop().await;
}
