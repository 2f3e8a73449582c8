//! Shops beside a CRM: whom they know is carried on, what they sell is followed and never written.

use connectors::registry::Platform;
use domain::field::FieldValue;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use messaging::Context;
use persistence::records::links::{self, Heard, Selection};
use serde_json::json;

use crate::peers::{Peer, SHOPIFY, WOOCOMMERCE, Wishes};
use crate::world::{World, event};

/// The shop tells us of an object, as the ingest hands it over.
async fn tell(world: &World, shop: IntegrationId, topic: &str, id: &str) {
    let body = json!({"id": id.parse::<u64>().unwrap()}).to_string();
    world.tell(Platform::WooCommerce, Some(shop), &[("x-wc-webhook-topic", topic)], body).await;
}

#[tokio::test]
async fn an_order_is_tied_to_its_customer_who_reaches_the_crm_and_no_shop_is_written_to() {
    let world = World::start().await;
    let usual = Platform::WooCommerce.connector().descriptor().default_directions();
    let shop = WOOCOMMERCE.connect(&world, Wishes { directions: usual, ..Wishes::default() }).await.id;
    // The other one takes every prospect as a customer.
    let other = Peer { account: "autre", ..WOOCOMMERCE }.connect(&world, Wishes::default()).await.id;
    let ann =
        world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr", "first_name": "Ann"})).await;
    let mug = world.crm.add_at("woocommerce/demo/products", json!({"name": "Tasse", "regular_price": "10.50"})).await;
    let line = json!([{"product_id": mug.parse::<u64>().unwrap(), "quantity": 2}]);
    let order = json!({"customer_id": ann.parse::<u64>().unwrap(), "line_items": line});
    let order = world.crm.add_at("woocommerce/demo/orders", order).await;
    // Of the order alone we are told: its customer is not known here yet.
    tell(&world, shop, "order.created", &order).await;
    tell(&world, shop, "product.created", &mug).await;

    let tied = world.record_at((shop, RecordKind::Order, &order), |order| order.fields.contact().is_some()).await;
    let customer = world.record_at((shop, RecordKind::Contact, &ann), |_| true).await;
    assert_eq!(tied.fields.contact(), Some(customer.id));
    assert_eq!(tied.fields.value("number"), Some(&FieldValue::text(order.as_str())));
    assert_eq!(tied.fields.value("total").map(FieldValue::to_plain_text).as_deref(), Some("21.0"));
    let product = world.record_at((shop, RecordKind::Product, &mug), |_| true).await;
    assert_eq!(product.fields.value("name"), Some(&FieldValue::text("Tasse")));

    // What Coccinelle knows, and what one shop knows, reaches the CRM, and the shop that asked for it.
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    world.in_step(other).await;
    let known = world.crm.contacts().await;
    let mut emails: Vec<_> = known.values().map(|contact| contact["email"].clone()).collect();
    emails.sort();
    assert_eq!(emails, ["ann@exemple.fr", "zoe@exemple.fr"]);
    for shop in ["demo", "autre"] {
        for kind in ["orders", "products"] {
            assert_eq!(world.crm.api_writes_at(&format!("woocommerce/{shop}"), kind).await, 0, "{shop}: {kind}");
        }
    }
    assert_eq!(world.crm.api_writes_at("woocommerce/demo", "customers").await, 0);
    assert_eq!(world.crm.api_writes_at("woocommerce/autre", "customers").await, 2);
}

#[tokio::test]
async fn an_order_does_not_wait_for_a_customer_who_is_blocked_and_is_tied_once_that_one_is_known() {
    let world = World::quiet(&[]).await;
    let usual = Platform::WooCommerce.connector().descriptor().default_directions();
    let shop = WOOCOMMERCE.connect(&world, Wishes { directions: usual, ..Wishes::default() }).await.id;
    let ann = world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr"})).await;
    let order = json!({"customer_id": ann.parse::<u64>().unwrap()});
    let order = world.crm.add_at("woocommerce/demo/orders", order).await;
    // As where the shop has two customers of one person.
    let (kind, external_ids) = (RecordKind::Contact, [ann.clone()].into());
    let mut tx = world.begin().await;
    links::mark_dirty(&mut tx, &Heard { tenant: world.tenant, integration: shop, kind, external_ids }).await.unwrap();
    tx.commit().await.unwrap();
    world.server.execute("UPDATE record_links SET blocked_at = now() WHERE kind = 'contact'").await;

    world.dispatch();
    tell(&world, shop, "order.created", &order).await;
    world.record_at((shop, RecordKind::Order, &order), |_| true).await;
    world.in_step(shop).await;

    // Of the order nothing more is told.
    let mut tx = world.begin().await;
    let freed = links::replay(&mut tx, (world.tenant, shop), &Selection::default()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(freed.len(), 1);
    world.broker.publish(&freed[0], &Context::new()).await.unwrap();
    let tied = world.record_at((shop, RecordKind::Order, &order), |order| order.fields.contact().is_some()).await;
    let customer = world.record_at((shop, RecordKind::Contact, &ann), |_| true).await;
    assert_eq!(tied.fields.contact(), Some(customer.id));
    world.in_step(shop).await;
}

#[tokio::test]
async fn a_contact_born_in_shopify_reaches_the_crm_with_its_order_tied_and_neither_shop_is_written_to() {
    let world = World::start().await;
    let usual = Platform::Shopify.connector().descriptor().default_directions();
    let usual = || Wishes { directions: usual.clone(), ..Wishes::default() };
    let woo = WOOCOMMERCE.connect(&world, usual()).await.id;
    let shopify = SHOPIFY.connect(&world, usual()).await.id;
    let zoe = world.crm.add_at("shopify/acme/customers", json!({"email": "zoe@exemple.fr", "firstName": "Zoé"})).await;
    let order = json!({"customer": zoe.parse::<u64>().unwrap(), "total": "21.00"});
    let order = world.crm.add_at("shopify/acme/orders", order).await;
    let ann = world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr"})).await;
    // Whose shop it is, a delivery says itself.
    let headers = [("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", "acme.myshopify.com")];
    let body = json!({"id": order.parse::<u64>().unwrap()}).to_string();
    world.tell(Platform::Shopify, None, &headers, body).await;
    tell(&world, woo, "customer.created", &ann).await;

    let tied = world.record_at((shopify, RecordKind::Order, &order), |order| order.fields.contact().is_some()).await;
    let customer = world.record_at((shopify, RecordKind::Contact, &zoe), |_| true).await;
    assert_eq!(tied.fields.contact(), Some(customer.id));
    assert_eq!(tied.fields.value("total").map(FieldValue::to_plain_text).as_deref(), Some("21.0"));
    world.record_at((woo, RecordKind::Contact, &ann), |_| true).await;
    world.settle().await;
    let mut emails: Vec<_> = world.crm.contacts().await.values().map(|contact| contact["email"].clone()).collect();
    emails.sort();
    assert_eq!(emails, ["ann@exemple.fr", "zoe@exemple.fr"]);
    for place in ["woocommerce/demo", "shopify/acme"] {
        for kind in ["orders", "products", "customers"] {
            assert_eq!(world.crm.api_writes_at(place, kind).await, 0, "{place}: {kind}");
        }
    }
}
