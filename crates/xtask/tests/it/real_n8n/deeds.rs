//! Each workflow makes, changes and deletes what it is asked to, and keeps none of the tenant's secrets.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::json;
use xtask::session::Service;

use super::accounts::{PIPEDRIVE, SHOP, beginnings_of_tokens, connect};
use super::{PATIENCE, System};
use crate::world::prospect;

/// Beside contacts: deals and calls, calls, nothing.
const PLATFORMS: [(&str, usize); 6] =
    [("hubspot", 2), ("pipedrive", 2), ("salesforce", 2), ("shopify", 0), ("woocommerce", 0), ("zendesk", 1)];

#[tokio::test]
async fn each_workflow_does_what_it_is_asked_and_no_secret_of_the_tenant_stays_in_n8n() {
    let system = System::start("e2e-n8n-deeds", 29_000).await;
    let mut ids = BTreeMap::new();
    for (platform, _) in PLATFORMS {
        ids.insert(platform, connect(&system, platform).await);
    }
    let person = |name: &str| json!({"email": format!("{name}@exemple.fr"), "first_name": name, "last_name": "Martin"});
    system.send(&prospect("p1", "prospect.created", person("zoe"))).await;
    system.send(&prospect("p2", "prospect.created", person("paul"))).await;
    for (platform, _) in PLATFORMS {
        system.logged(&ids[platform], "create success", 2).await;
    }
    system.send(&prospect("p1", "prospect.updated", json!({"last_name": "Durand"}))).await;
    let visit = json!({"title": "Visite", "prospect_id": "p1", "starts_at": "2026-12-01T10:00:00Z"});
    system.send(&prospect("a1", "appointment.created", visit)).await;
    system.send(&prospect("c1", "call.completed", json!({"prospect_id": "p1", "summary": "Rappeler"}))).await;
    system.send(&prospect("p2", "prospect.deleted", json!({}))).await;
    for (platform, more) in PLATFORMS {
        let id = &ids[platform];
        system.logged(id, "update success", 1).await;
        system.logged(id, "delete success", 1).await;
        let created = system.logged(id, "create success", 2 + more).await;
        assert!(created.iter().all(|row| row["external_id"].is_string()), "{platform}: {created:?}");
    }
    for (platform, _) in PLATFORMS {
        testkit::wait::until(&format!("{platform} to be in step"), PATIENCE, || async {
            let shown = system.world.ask(&format!("/api/v1/integrations/{}", ids[platform])).await;
            if shown["drift"] == 0 { Ok(()) } else { Err(shown) }
        })
        .await;
    }

    let held = held(&system).await;
    // What is looked for would be found: what passed through is kept here.
    for (platform, _) in PLATFORMS {
        assert!(held.contains(&format!("coccinelle/{platform}")), "{platform}");
    }
    assert!(held.contains("proxy_token") && held.contains("zoe@exemple.fr"));
    let given = ["pat-eu1-4242-demo", PIPEDRIVE, SHOP.0, SHOP.1, "sandbox-secret", "refresh_token\":"];
    // As it is sent with every call of the shop.
    let of_shop = BASE64_STANDARD.encode(format!("{}:{}", SHOP.0, SHOP.1));
    let issued = beginnings_of_tokens(&system).await;
    for secret in given.map(str::to_owned).into_iter().chain([of_shop]).chain(issued) {
        assert!(!held.contains(&secret), "{secret}");
    }
    let signing = system.place.signing.expose_secret();
    assert!(!held.contains(signing), "n8n seals the signing secret");
    let (passes, ours) = (passes(&held), kept_by_us(&system).await);
    assert!(passes.len() >= PLATFORMS.len() && ours.contains(&ids["zendesk"]), "{passes:?}");
    assert!(!passes.iter().any(|pass| ours.contains(pass)), "what opens a write is logged and kept by none of us");
    system.world.end().await;
}

/// The tokens of the addresses to which the workflows reported.
fn passes(held: &str) -> BTreeSet<&str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let tokens = held.split("sync-callback?token=").skip(1);
    tokens.map(|rest| rest.split(|c| !is_token(c)).next().unwrap()).filter(|token| token.len() > 20).collect()
}

/// All that we have written: our database, our services' logs.
async fn kept_by_us(system: &System) -> String {
    let (database, _) = system.world.shared.as_ref().unwrap();
    let mut kept = testkit::dump(&database.url()).await;
    for service in Service::ALL {
        let log = system.world.session.home().path(&format!("logs/{}.log", service.name()));
        kept.push_str(&std::fs::read_to_string(log).unwrap());
    }
    kept
}

/// All that n8n has written: its database, its folder, its log.
async fn held(system: &System) -> String {
    let mut held = testkit::dump(system.place.database.as_str()).await;
    let mut ahead = vec![system.place.home.clone(), system.world.session.home().path("logs/n8n.log")];
    while let Some(place) = ahead.pop() {
        if place.is_dir() {
            let entries = std::fs::read_dir(&place).into_iter().flatten().flatten();
            // What it unpacks of its own packages tells of every service's secrets, and knows none.
            ahead.extend(entries.map(|entry| entry.path()).filter(|path| !path.ends_with(".cache")));
        } else {
            held.push_str(&String::from_utf8_lossy(&std::fs::read(&place).unwrap_or_default()));
        }
    }
    held
}
