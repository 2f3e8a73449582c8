//! What no token opens: every operation that a workflow's pass, a begun consent or a platform's signature opens, tried without it,
//! with an expired one, with one for something else and with another tenant's. What a token opens is walked by `access`.

use accounts::Use;
use domain::access::Role;
use domain::id::{ErrandId, IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::time::Timestamp;
use domain::workflow::{Action, Pass, Verb};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::time::Duration;

use crate::access::path_of;
use crate::connecting::connected;
use crate::consenting::Consenting;
use crate::world::{World, document, token};

/// Method and path of what is opened in this way.
fn opened_by(way: &str) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            if operation["security"][0].get(way).is_some() {
                found.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    found
}

/// A new way in is walked by nobody, so it fails here first.
#[test]
fn every_operation_is_opened_in_a_way_whose_refusals_are_tried() {
    let mut walked = 0;
    for way in ["bearer", "pass", "consent", "signature"] {
        walked += opened_by(way).len();
    }
    let document = document();
    let items = document["paths"].as_object().unwrap().values();
    let all: usize = items.map(|item| item.as_object().unwrap().keys().filter(|key| *key != "servers").count()).sum();
    assert_eq!(walked, all, "an operation is opened by nothing that is known, or in two ways");
    let paths = |way: &str| opened_by(way).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(paths("consent"), ["/api/v1/integrations/oauth/callback"]);
    assert!(paths("signature").iter().all(|path| path.starts_with("/webhooks/")), "these are webhook-ingest's");
}

fn pass(tenant_id: TenantId, integration_id: IntegrationId, expires_at: Timestamp) -> Pass {
    Pass {
        tenant_id,
        integration_id,
        link_id: LinkId::new(),
        record_id: RecordId::new(),
        event_id: ErrandId::new(),
        action: Action { verb: Verb::Update, kind: RecordKind::Contact },
        expires_at,
    }
}

#[tokio::test]
async fn what_a_pass_opens_is_closed_to_none_to_an_expired_to_the_wrong_and_to_another_tenants() {
    let world = World::start().await;
    let ours: IntegrationId = connected(&world, "pat-eu1-4242-demo").await.parse().unwrap();
    let stranger = world.other_tenant().await;
    let (soon, long_ago) =
        (Timestamp::now().plus(Duration::from_secs(300)), Timestamp::now().minus(Duration::from_hours(48)));
    let accounts = world.accounts();
    let issue = |of: Use, pass: Pass| accounts.issue(of, &pass).unwrap().expose_secret().to_owned();
    let before = testkit::dump(&world.database.url()).await;
    let operations = opened_by("pass");
    assert!(operations.len() >= 6, "{operations:?}");
    for (method, path) in operations {
        let (mine, other, in_query) = if path.ends_with("/sync-callback") {
            (Use::Callback, Use::Proxy, true)
        } else {
            (Use::Proxy, Use::Callback, false)
        };
        let at = path_of(&path, &ours.to_string());
        let ask = async |shown: Option<String>| {
            let at =
                shown.as_ref().filter(|_| in_query).map_or_else(|| at.clone(), |shown| format!("{at}?token={shown}"));
            let shown = shown.filter(|_| !in_query);
            world.call(method.clone(), &at, shown.as_deref(), Some(Value::Null)).await
        };
        ask(None).await.is_problem(401, "pass_missing");
        for wrong in [
            "x.y.z".to_owned(),
            token(world.tenant, Role::Admin, 600),
            issue(mine, pass(world.tenant, ours, long_ago)),
            issue(other, pass(world.tenant, ours, soon)),
        ] {
            ask(Some(wrong)).await.is_problem(401, "pass_invalid");
        }
        // A good one of another tenant, for what is its own, and as if ours were.
        ask(Some(issue(mine, pass(stranger, IntegrationId::new(), soon)))).await.is_problem(404, "not_found");
        let claimed = ask(Some(issue(mine, pass(stranger, ours, soon)))).await;
        assert!([404, 409, 422].contains(&claimed.status.as_u16()), "{method} {path}: {claimed:?}");
    }
    assert_eq!(testkit::dump(&world.database.url()).await, before, "something was changed");
    world.stop().await;
}

#[tokio::test]
async fn what_a_consent_opens_is_closed_to_none_to_an_expired_to_another_browser_and_to_another_tenant() {
    let consenting = Consenting::start().await;
    let world = &consenting.world;
    let id = consenting.waiting().await;
    let begun = consenting.begin(&id).await;
    let back = consenting.decide(&begun, ("4242", "allow", crate::consenting::SCOPES)).await;
    let why = |page: (String, Vec<(String, String)>)| {
        page.1.into_iter().find(|(name, _)| name == "oauth_error").map(|(_, why)| why).unwrap_or_default()
    };
    let nothing = back.join("?code=x").unwrap();
    assert_eq!(why(consenting.come_back(&nothing, Some(&begun.cookie), None).await), "state_unknown");
    assert_eq!(why(consenting.come_back(&back, None, None).await), "other_browser");
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    assert_eq!(why(consenting.come_back(&back, Some(&begun.cookie), Some(&stranger)).await), "other_user");
    world.database.execute("UPDATE oauth_states SET expires_at = now() - interval '1 second'").await;
    assert_eq!(why(consenting.come_back(&back, Some(&begun.cookie), None).await), "state_expired");
    assert_eq!(world.database.count("SELECT count(*) FROM integration_oauth_tokens").await, 0);
    consenting.world.stop().await;
}
