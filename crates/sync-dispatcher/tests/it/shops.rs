//! Shops beside a CRM: whom they know is carried on, what they sell is followed and never written.

use std::collections::BTreeMap;

use connectors::registry::Platform;
use domain::credentials::Credentials;
use domain::field::FieldValue;
use domain::id::{IntegrationId, RecordId, WebhookLogId};
use domain::integration::{Delivery, Direction, Frequency, Integration};
use domain::kind::RecordKind;
use domain::message::WebhookApply;
use domain::record::Record;
use domain::time::Timestamp;
use messaging::Context;
use persistence::integrations::NewIntegration;
use persistence::records::{links, store};
use persistence::{integrations, mappings};
use serde_json::json;
use testkit::wait;

use crate::world::{DEADLINE, World, event};

const KEY: (&str, &str) =
    ("ck_1111111111111111111111111111111111111111", "cs_1111111111111111111111111111111111111111");

async fn with_shops() -> World {
    World::with(&[("PLATFORMS__WOOCOMMERCE__ALLOW_PRIVATE_ADDRESSES", "true")]).await
}

/// Connects a shop of WooCommerce of that name to the tenant.
async fn connect_shop(world: &World, name: &str, directions: BTreeMap<RecordKind, Direction>) -> IntegrationId {
    let credentials = Credentials::ApiKey { key: KEY.0.to_owned().into(), secret: Some(KEY.1.to_owned().into()) };
    let url = world.crm.platform_url("woocommerce", name);
    connect(world, (Platform::WooCommerce, name), (url.clone(), url, credentials), directions).await
}

/// Connects a shop by its address and account.
async fn connect(
    world: &World,
    (platform, name): (Platform, &str),
    (url, account_id, credentials): (String, String, Credentials),
    directions: BTreeMap<RecordKind, Direction>,
) -> IntegrationId {
    let (id, connector) = (IntegrationId::new(), platform.connector());
    let integration = Integration {
        id,
        tenant_id: world.tenant,
        platform: connector.descriptor().slug.parse().unwrap(),
        name: name.to_owned(),
        enabled: true,
        direction: Direction::Bidirectional,
        kind_directions: directions,
        options: BTreeMap::new(),
        frequency: Frequency::Realtime,
        delivery: Delivery::Direct,
        account_id: Some(account_id),
        url: Some(url),
        workflow_url: None,
        version: 1,
    };
    let mut tx = world.begin().await;
    let sealed = world.accounts().seal(&mut tx, (world.tenant, id), &credentials).await.unwrap();
    integrations::create(&mut tx, &NewIntegration { integration, sealed: Some(sealed.into()) }).await.unwrap();
    for kind in connector.descriptor().kinds {
        mappings::replace(&mut tx, (world.tenant, id), *kind, &connector.default_mapping(*kind).fields).await.unwrap();
    }
    tx.commit().await.unwrap();
    id
}

/// The shop tells us of an object, as the ingest hands it over.
async fn tell(world: &World, shop: IntegrationId, topic: &str, id: &str) {
    let message = WebhookApply {
        delivery: WebhookLogId::new(),
        platform: "woocommerce".parse().unwrap(),
        integration_id: Some(shop),
        received_at: Timestamp::now(),
        headers: vec![("x-wc-webhook-topic".to_owned(), topic.to_owned())],
        body: json!({"id": id.parse::<u64>().unwrap()}).to_string(),
    };
    world.broker.publish(&message, &Context::new()).await.unwrap();
}

/// The record that a shop's object became, once it is in the state that is wanted.
async fn record(
    world: &World,
    (shop, kind, id): (IntegrationId, RecordKind, &str),
    wanted: impl Fn(&Record) -> bool,
) -> Record {
    wait::until("the record of a shop's object", DEADLINE, || async {
        let mut tx = world.begin().await;
        let links = links::by_external_id(&mut tx, shop, kind, &[id.to_owned()].into()).await.unwrap();
        let ids: std::collections::BTreeSet<RecordId> = links.values().filter_map(|link| link.record).collect();
        let found = store::get_many(&mut tx, world.tenant, &ids).await.unwrap().into_iter().next();
        tx.commit().await.unwrap();
        found.filter(|record| wanted(record)).ok_or(format!("{kind} {id} is not so yet"))
    })
    .await
}

#[tokio::test]
async fn an_order_is_tied_to_its_customer_who_reaches_the_crm_and_no_shop_is_written_to() {
    let world = with_shops().await;
    let usual = Platform::WooCommerce.connector().descriptor().default_directions();
    let shop = connect_shop(&world, "demo", usual).await;
    // The other one takes every prospect as a customer.
    let other = connect_shop(&world, "autre", BTreeMap::new()).await;
    let ann =
        world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr", "first_name": "Ann"})).await;
    let mug = world.crm.add_at("woocommerce/demo/products", json!({"name": "Tasse", "regular_price": "10.50"})).await;
    let line = json!([{"product_id": mug.parse::<u64>().unwrap(), "quantity": 2}]);
    let order = json!({"customer_id": ann.parse::<u64>().unwrap(), "line_items": line});
    let order = world.crm.add_at("woocommerce/demo/orders", order).await;
    // Of the order alone we are told: its customer is not known here yet.
    tell(&world, shop, "order.created", &order).await;
    tell(&world, shop, "product.created", &mug).await;

    let tied = record(&world, (shop, RecordKind::Order, &order), |order| order.fields.contact().is_some()).await;
    let customer = record(&world, (shop, RecordKind::Contact, &ann), |_| true).await;
    assert_eq!(tied.fields.contact(), Some(customer.id));
    assert_eq!(tied.fields.value("number"), Some(&FieldValue::text(order.as_str())));
    assert_eq!(tied.fields.value("total").map(FieldValue::to_plain_text).as_deref(), Some("21.0"));
    let product = record(&world, (shop, RecordKind::Product, &mug), |_| true).await;
    assert_eq!(product.fields.value("name"), Some(&FieldValue::text("Tasse")));

    // What Coccinelle knows, and what one shop knows, reaches the CRM, and the shop that asked for it.
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    wait::until("the other shop to be in step", DEADLINE, || async {
        let owed = world.drift_of(other).await;
        if owed == 0 { Ok(()) } else { Err(format!("{owed} links are owed")) }
    })
    .await;
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
async fn a_contact_born_in_shopify_reaches_the_crm_with_its_order_tied_and_neither_shop_is_written_to() {
    let world = with_shops().await;
    let usual = Platform::Shopify.connector().descriptor().default_directions();
    let woo = connect_shop(&world, "demo", usual.clone()).await;
    let token = Credentials::Bearer { access_token: "shpat_acme_secret".to_owned().into() };
    let acme = ("acme".to_owned(), "acme.myshopify.com".to_owned(), token);
    let shopify = connect(&world, (Platform::Shopify, "acme"), acme, usual).await;
    let zoe = world.crm.add_at("shopify/acme/customers", json!({"email": "zoe@exemple.fr", "firstName": "Zoé"})).await;
    let order = json!({"customer": zoe.parse::<u64>().unwrap(), "total": "21.00"});
    let order = world.crm.add_at("shopify/acme/orders", order).await;
    let ann = world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr"})).await;
    // Whose shop it is, a delivery says itself.
    let message = WebhookApply {
        delivery: WebhookLogId::new(),
        platform: "shopify".parse().unwrap(),
        integration_id: None,
        received_at: Timestamp::now(),
        headers: [("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", "acme.myshopify.com")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: json!({"id": order.parse::<u64>().unwrap()}).to_string(),
    };
    world.broker.publish(&message, &Context::new()).await.unwrap();
    tell(&world, woo, "customer.created", &ann).await;

    let tied = record(&world, (shopify, RecordKind::Order, &order), |order| order.fields.contact().is_some()).await;
    let customer = record(&world, (shopify, RecordKind::Contact, &zoe), |_| true).await;
    assert_eq!(tied.fields.contact(), Some(customer.id));
    assert_eq!(tied.fields.value("total").map(FieldValue::to_plain_text).as_deref(), Some("21.0"));
    record(&world, (woo, RecordKind::Contact, &ann), |_| true).await;
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
