//! What a shop sells goes into another shop, and changes there, by the workflows of both.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::wait;

use super::accounts::connect;
use super::{PATIENCE, System};

const WOOCOMMERCE: (&str, &str) = ("woocommerce", "boutique");
const SHOPIFY: (&str, &str) = ("shopify", "acme");

/// What was written of a shop's products through its API.
async fn written(system: &System, (platform, account): (&str, &str)) -> Vec<Value> {
    let path = format!("/journal?platform={platform}&account={account}&limit=1000000");
    let Value::Array(entries) = system.world.sandbox(Method::GET, &path, None).await else { panic!("no journal") };
    entries.into_iter().filter(|entry| entry["object_type"] == "products" && entry["by"] == "api").collect()
}

/// Waits until this was written of a product of a shop.
async fn is_written(system: &System, shop: (&str, &str), (field, value): (&str, &str)) {
    wait::until(&format!("{field} to be {value}"), PATIENCE, || async {
        let entries = written(system, shop).await;
        let is_there = entries.iter().any(|entry| entry["fields"][field] == value);
        if is_there { Ok(()) } else { Err(entries) }
    })
    .await;
}

/// Waits until nothing is owed to an integration: what its workflow wrote last was read.
async fn is_in_step(system: &System, id: &str) {
    wait::until("nothing to be owed", PATIENCE, || async {
        let shown = system.world.ask(&format!("/api/v1/integrations/{id}")).await;
        if shown["drift"] == 0 { Ok(()) } else { Err(shown) }
    })
    .await;
}

/// Somebody works in a shop's own pages; the shop is read then, whether its webhooks come or not.
async fn by_hand(
    system: &System,
    (id, shop): (&str, (&str, &str)),
    (method, path): (Method, &str),
    fields: Value,
) -> Value {
    let made = system.world.sandbox(method, &format!("/{}/{}/products{path}", shop.0, shop.1), Some(fields)).await;
    let run = format!("/api/v1/integrations/{id}/sync");
    wait::until("a run to begin", PATIENCE, || async {
        let token = &system.world.tenant.admin_token;
        let (status, answer) = system.world.session.call(Method::POST, &run, token, Some(&json!({}))).await.unwrap();
        if status.is_success() { Ok(()) } else { Err(answer) }
    })
    .await;
    made
}

#[tokio::test]
async fn a_product_of_one_shop_is_made_and_changed_in_the_other_by_its_workflow() {
    let system = System::start("e2e-n8n-shops", 29_900).await;
    let (woocommerce, shopify) = (connect(&system, "woocommerce").await, connect(&system, "shopify").await);
    for id in [&woocommerce, &shopify] {
        system.edit(id, json!({"kind_directions": {"product": "bidirectional"}})).await;
    }
    let mug = json!({"name": "Tasse", "sku": "T-1", "regular_price": "10.50"});
    let made = by_hand(&system, (&woocommerce, WOOCOMMERCE), (Method::POST, ""), mug).await;
    let created = system.logged(&shopify, "create success product", 1).await;
    let theirs = created[0]["external_id"].as_str().unwrap().to_owned();
    is_written(&system, SHOPIFY, ("title", "Tasse")).await;

    let ours = format!("/{}", made["id"].as_str().unwrap());
    by_hand(&system, (&woocommerce, WOOCOMMERCE), (Method::PATCH, &ours), json!({"name": "Tasse bleue"})).await;
    is_written(&system, SHOPIFY, ("title", "Tasse bleue")).await;
    // Until then a change of the same field is taken for what the shop made of ours: `docs/reliability.md` says so.
    is_in_step(&system, &shopify).await;
    let path = format!("/{theirs}");
    by_hand(&system, (&shopify, SHOPIFY), (Method::PATCH, &path), json!({"title": "Grande tasse"})).await;
    is_written(&system, WOOCOMMERCE, ("name", "Grande tasse")).await;

    for (shop, count) in [(SHOPIFY, 1), (WOOCOMMERCE, 0)] {
        let entries = written(&system, shop).await;
        assert_eq!(entries.iter().filter(|entry| entry["action"] == "created").count(), count, "{entries:?}");
    }
    system.world.end().await;
}
