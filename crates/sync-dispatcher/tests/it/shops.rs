//! Shops beside a CRM: whom they know is carried on, what they sell is followed and never written.

use connectors::registry::Platform;
use domain::field::FieldValue;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::outcome::SyncOutcome;
use messaging::Context;
use persistence::records::links::{self, Heard, Selection};
use serde_json::json;
use testkit::wait;

use crate::peers::{Peer, SHOPIFY, WOOCOMMERCE, Wishes};
use crate::world::{DEADLINE, World, event};

/// The shop tells us of an object, as the ingest hands it over.
async fn tell(world: &World, shop: IntegrationId, topic: &str, id: &str) {
    let body = json!({"id": id.parse::<u64>().unwrap()}).to_string();
    world.tell(Platform::WooCommerce, Some(shop), &[("x-wc-webhook-topic", topic)], body).await;
}

#[tokio::test]
async fn rule_11_an_order_is_tied_to_its_customer_who_reaches_the_crm_and_no_shop_is_written_to() {
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
async fn rule_10_an_order_that_is_taken_out_of_the_trash_is_there_again() {
    let world = World::start().await;
    let usual = Platform::WooCommerce.connector().descriptor().default_directions();
    let shop = WOOCOMMERCE.connect(&world, Wishes { directions: usual, ..Wishes::default() }).await.id;
    let order = world.crm.add_at("woocommerce/demo/orders", json!({"status": "processing"})).await;
    let (of, place) = ((shop, RecordKind::Order, order.as_str()), format!("woocommerce/demo/orders/{order}"));
    tell(&world, shop, "order.created", &order).await;
    world.record_at(of, |order| !order.fields.is_deleted()).await;
    world.crm.remove_at(&place).await;
    tell(&world, shop, "order.deleted", &order).await;
    world.record_at(of, |order| order.fields.is_deleted()).await;
    world.crm.edit_at(&place, json!({"status": "completed"})).await;
    tell(&world, shop, "order.restored", &order).await;
    world.record_at(of, |order| !order.fields.is_deleted()).await;
}

/// A shop with an order of a customer who was heard of and not read yet. Nobody is at work.
struct Ordered {
    world: World,
    shop: IntegrationId,
    customer: String,
    order: String,
}

impl Ordered {
    /// The customer's link is as `state` says.
    async fn by_a_customer_who(state: &str) -> Self {
        let world = World::quiet(&[]).await;
        let usual = Platform::WooCommerce.connector().descriptor().default_directions();
        let shop = WOOCOMMERCE.connect(&world, Wishes { directions: usual, ..Wishes::default() }).await.id;
        let customer = world.crm.add_at("woocommerce/demo/customers", json!({"email": "ann@exemple.fr"})).await;
        let order = json!({"customer_id": customer.parse::<u64>().unwrap()});
        let order = world.crm.add_at("woocommerce/demo/orders", order).await;
        let (tenant, kind, external_ids) = (world.tenant, RecordKind::Contact, [customer.clone()].into());
        let mut tx = world.begin().await;
        links::mark_dirty(&mut tx, &Heard { tenant, integration: shop, kind, external_ids }).await.unwrap();
        tx.commit().await.unwrap();
        world.server.execute(&format!("UPDATE record_links SET {state} WHERE kind = 'contact'")).await;
        Self { world, shop, customer, order }
    }

    /// The shop tells us of the order, which is read and waits for nobody.
    async fn is_told_and_done(&self) {
        tell(&self.world, self.shop, "order.created", &self.order).await;
        self.world.record_at((self.shop, RecordKind::Order, &self.order), |_| true).await;
        let of = format!("integration_id = '{}' AND kind = 'order'", self.shop);
        let owed = format!("SELECT count(*) FROM record_links WHERE {of} AND owed");
        wait::until("the order to wait for nobody", DEADLINE, || async {
            (self.world.server.count(&owed).await == 0).then_some(())
        })
        .await;
    }

    /// Somebody has the customer tried again.
    async fn replay(&self) {
        let mut tx = self.world.begin().await;
        let freed = links::replay(&mut tx, (self.world.tenant, self.shop), &Selection::default()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(freed.len(), 1);
        self.world.broker.publish(&freed[0], &Context::new()).await.unwrap();
    }

    /// Waits until the order is its customer's. Of the order nothing more is told.
    async fn is_tied(&self) {
        let of = (self.shop, RecordKind::Order, self.order.as_str());
        let tied = self.world.record_at(of, |order| order.fields.contact().is_some()).await;
        let customer = self.world.record_at((self.shop, RecordKind::Contact, &self.customer), |_| true).await;
        assert_eq!(tied.fields.contact(), Some(customer.id));
        self.world.in_step(self.shop).await;
    }
}

/// As where the shop has two customers of one person.
const IS_BLOCKED: &str = "blocked_at = now()";

#[tokio::test]
async fn an_order_does_not_wait_for_a_customer_who_is_blocked_and_is_tied_once_that_one_is_known() {
    let ordered = Ordered::by_a_customer_who(IS_BLOCKED).await;
    ordered.world.dispatch();
    ordered.is_told_and_done().await;
    ordered.replay().await;
    ordered.is_tied().await;
}

#[tokio::test]
async fn an_order_is_not_read_again_and_again_for_a_customer_whose_next_attempt_is_far_off() {
    let ordered = Ordered::by_a_customer_who("not_before = now() + interval '1 hour'").await;
    ordered.world.dispatch();
    ordered.is_told_and_done().await;
    tell(&ordered.world, ordered.shop, "customer.updated", &ordered.customer).await;
    ordered.is_tied().await;
}

#[tokio::test]
async fn an_order_is_tied_to_a_customer_whose_first_reader_ended_once_the_record_was_made() {
    let ordered = Ordered::by_a_customer_who(IS_BLOCKED).await;
    let given_back = format!(
        "CREATE TRIGGER fail_once BEFORE UPDATE ON record_links FOR EACH ROW
         WHEN (NEW.integration_id = '{}' AND NEW.kind = 'contact'
               AND OLD.lease_token IS NOT NULL AND NEW.lease_token IS NULL)
         EXECUTE FUNCTION fail_once()",
        ordered.shop
    );
    for statement in [
        "CREATE SEQUENCE given_back",
        "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             IF nextval('given_back') = 1 THEN RAISE EXCEPTION 'its first reader ends here'; END IF;
             RETURN NEW; END $$",
        given_back.as_str(),
    ] {
        ordered.world.server.execute(statement).await;
    }
    ordered.world.dispatch();
    ordered.is_told_and_done().await;
    ordered.replay().await;
    ordered.is_tied().await;
    assert!(ordered.world.server.count("SELECT last_value FROM given_back").await > 1, "nobody failed");
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

#[tokio::test]
async fn what_a_create_that_broke_off_had_still_to_write_to_a_shop_is_written() {
    let world = World::start().await;
    let place = SHOPIFY.place();
    let shop = SHOPIFY.connect(&world, Wishes::default()).await.id;
    let calm = json!({"search_lag_ms": 0, "restore_rate": 100_000, "bucket_size": 100_000});
    world.crm.faults_at(&place, calm).await;
    // The address is a call of its own, once it is known who was made.
    world.crm.faults_at(&place, json!({"lost_answer_next": 1})).await;
    let zoe = json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "city": "Brest"});
    world.accept(vec![event("prospect.created", "p1", zoe)]).await;
    let was_lost = |outcome: &SyncOutcome| outcome.integration_id == shop && outcome.error.is_some();
    world.outcome("a create whose answer is lost", was_lost).await;
    world.in_step(shop).await;
    let customers: Vec<_> = world.crm.live_at(&place, "customers").await.into_values().collect();
    let [customer] = customers.as_slice() else { panic!("{customers:?}") };
    assert_eq!((&customer["email"], &customer["address"]["city"]), (&json!("zoe@exemple.fr"), &json!("Brest")));
    assert_eq!(world.value("p1", "city").await, "Brest");
}
