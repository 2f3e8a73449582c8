//! A shop of the stand-in, spoken to as a real WooCommerce was: each answer here was seen from that one.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode, header::HeaderMap};
use ring::hmac;
use serde_json::{Value, json};

use crate::receiver::{Arrival, Receiver};
use crate::world::World;

const WRITER: (&str, &str) =
    ("ck_1111111111111111111111111111111111111111", "cs_1111111111111111111111111111111111111111");
const READER: (&str, &str) =
    ("ck_2222222222222222222222222222222222222222", "cs_2222222222222222222222222222222222222222");

struct Shop {
    world: World,
}

impl Shop {
    fn new() -> Self {
        Self { world: World::new() }
    }

    async fn call_as(
        &self,
        key: (&str, &str),
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, HeaderMap, Value) {
        let url = format!("{}/demo/wp-json/wc/v3{path}", self.world.running.platform_url("woocommerce"));
        let mut request = self.world.client.request(method, url).basic_auth(key.0, Some(key.1));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let (status, _, body) = self.call_as(WRITER, method, path, body).await;
        (status, body)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.call(Method::POST, path, body).await;
        assert_eq!(status, 201, "{body}");
        body
    }

    async fn journal(&self) -> Vec<Value> {
        let (_, body) =
            self.world.control(Method::GET, "/journal?platform=woocommerce&account=demo", Value::Null).await;
        body.as_array().unwrap().clone()
    }
}

fn refused(status: u16, code: &str) -> (StatusCode, String) {
    (StatusCode::from_u16(status).unwrap(), code.to_owned())
}

fn seen((status, body): (StatusCode, Value)) -> (StatusCode, String) {
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn keys_are_told_apart_as_the_platform_does() {
    let shop = Shop::new();
    let with = async |key: (&str, &str), method: Method, body: Value| {
        let (status, _, body) = shop.call_as(key, method, "/customers", body).await;
        seen((status, body))
    };
    assert_eq!(
        with((WRITER.0, "cs_x"), Method::GET, Value::Null).await,
        refused(401, "woocommerce_rest_authentication_error")
    );
    assert_eq!(with(("ck_x", WRITER.1), Method::GET, Value::Null).await, refused(401, "woocommerce_rest_cannot_view"));
    assert_eq!(with(READER, Method::GET, Value::Null).await, refused(200, ""));
    let write = with(READER, Method::POST, json!({"email": "x@exemple.fr"})).await;
    assert_eq!(write, refused(401, "woocommerce_rest_authentication_error"));
    shop.world.control(Method::PUT, "/woocommerce/demo/faults", json!({"in_french": true})).await;
    let french = shop.call_as(READER, Method::POST, "/orders/batch", json!({})).await.2;
    assert_eq!(french["code"], "woocommerce_rest_authentication_error", "only the words differ");
    assert!(!french["message"].as_str().unwrap().contains("permission"), "{french}");
    shop.world.control(Method::PUT, "/woocommerce/demo/faults", json!({"plain_http": true})).await;
    assert_eq!(with(WRITER, Method::GET, Value::Null).await, refused(401, "woocommerce_rest_cannot_view"));
    let index = format!("{}/demo/wp-json/", shop.world.running.platform_url("woocommerce"));
    let index: Value = shop.world.client.get(index).send().await.unwrap().json().await.unwrap();
    assert!(index["namespaces"].as_array().unwrap().contains(&json!("wc/v3")), "the index needs no key");
}

#[tokio::test]
async fn a_customer_is_made_once_changed_in_part_and_deleted_by_force_only() {
    let shop = Shop::new();
    let new = json!({"email": "ann@exemple.fr", "first_name": "Ann", "billing": {"phone": "0612345678"},
                     "meta_data": [{"key": "tier", "value": "gold"}]});
    let ann = shop.made("/customers", new.clone()).await;
    assert_eq!((&ann["username"], &ann["billing"]["city"]), (&json!("ann"), &json!("")));
    assert_eq!(seen(shop.call(Method::POST, "/customers", new).await), refused(400, "registration-error-email-exists"));
    let bad = shop.call(Method::POST, "/customers", json!({"email": "ann"})).await;
    assert_eq!(seen(bad), refused(400, "customer_invalid_email"));
    let bad = shop.call(Method::POST, "/customers", json!({"first_name": "x"})).await;
    assert_eq!(seen(bad), refused(400, "rest_missing_callback_param"));
    let path = format!("/customers/{}", ann["id"]);
    let change = json!({"billing": {"city": "Brest"}, "meta_data": [{"key": "tier", "value": "silver"}]});
    let (_, changed) = shop.call(Method::PUT, &path, change).await;
    assert_eq!(changed["billing"]["phone"], "0612345678");
    assert_eq!(
        (&changed["billing"]["city"], &changed["meta_data"]),
        (&json!("Brest"), &json!([{"id": 1, "key": "tier", "value": "silver"}]))
    );
    assert_eq!(
        seen(shop.call(Method::DELETE, &path, Value::Null).await),
        refused(501, "woocommerce_rest_trash_not_supported")
    );
    assert_eq!(shop.call(Method::DELETE, &format!("{path}?force=true"), Value::Null).await.0, 200);
    assert_eq!(seen(shop.get(&path).await), refused(404, "wc_user_invalid_id"));
    let actions: Vec<Value> = shop.journal().await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["created", "updated", "archived"]);
}

#[tokio::test]
async fn listings_are_paged_by_number_and_times_are_strict_and_ignored_for_customers() {
    let shop = Shop::new();
    for n in 0..5 {
        shop.made("/orders", json!({"billing": {"email": format!("c{n}@exemple.fr")}})).await;
        shop.made("/customers", json!({"email": format!("c{n}@exemple.fr")})).await;
    }
    let path = "/orders?per_page=2&page=2&orderby=modified&order=asc&_fields=id,date_modified_gmt";
    let (_, headers, page) = shop.call_as(WRITER, Method::GET, path, Value::Null).await;
    assert_eq!(
        (page.as_array().unwrap().len(), &headers["x-wp-total"], &headers["x-wp-totalpages"]),
        (2, &"5".parse().unwrap(), &"3".parse().unwrap())
    );
    let link = headers["link"].to_str().unwrap();
    assert!(link.contains("rel=\"prev\"") && link.contains("rel=\"next\"") && link.contains("page=3"));
    let at = page[1]["date_modified_gmt"].as_str().unwrap();
    let after = |time: &str, query: &str| format!("/orders?modified_after={time}&dates_are_gmt=true&{query}");
    let (_, later) = shop.get(&after(at, "include=")).await;
    let same = |order: &Value| order["date_modified_gmt"].as_str().unwrap() <= at;
    assert!(!later.as_array().unwrap().iter().any(same), "strictly after");
    assert_eq!(shop.get(&after("2099-01-01T00:00:00", "")).await.1, json!([]));
    assert_eq!(shop.get("/customers?modified_after=2099-01-01T00:00:00").await.1.as_array().unwrap().len(), 5);
    assert_eq!(seen(shop.get("/orders?modified_after=hier").await), refused(400, "rest_invalid_param"));
    assert_eq!(seen(shop.get("/customers?per_page=101").await), refused(400, "rest_invalid_param"));
    assert_eq!(shop.get("/customers?email=C3%40exemple.fr&role=all").await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_costs_what_its_products_do_and_goes_by_the_trash() {
    let shop = Shop::new();
    let mug = shop.made("/products", json!({"name": "Tasse", "sku": "T-1", "regular_price": "10.50"})).await;
    assert_eq!(mug["price"], "10.50");
    let (status, clash) = shop.call(Method::POST, "/products", json!({"name": "Bol", "sku": "T-1"})).await;
    assert_eq!(
        (status.as_u16(), &clash["code"], &clash["data"]["resource_id"]),
        (400, &json!("product_invalid_sku"), &mug["id"])
    );
    let lines = json!([{"product_id": mug["id"], "quantity": 2}, {"product_id": 999_999, "quantity": 1}]);
    let order = shop.made("/orders", json!({"line_items": lines, "set_paid": true})).await;
    assert_eq!((&order["total"], &order["number"]), (&json!("21.00"), &json!(order["id"].to_string())));
    let bad = shop.call(Method::POST, "/orders", json!({"status": "perdue"})).await;
    assert_eq!(seen(bad), refused(400, "rest_invalid_param"));
    let path = format!("/orders/{}", order["id"]);
    assert_eq!(shop.call(Method::DELETE, &path, Value::Null).await.0, 200);
    assert_eq!(shop.get(&path).await.1["status"], "trash");
    assert_eq!(shop.get("/orders").await.1, json!([]));
    assert_eq!(shop.call(Method::DELETE, &format!("{path}?force=true"), Value::Null).await.0, 200);
    assert_eq!(seen(shop.get(&path).await), refused(404, "woocommerce_rest_shop_order_invalid_id"));
}

#[tokio::test]
async fn a_batch_answers_item_by_item_and_takes_a_hundred() {
    let shop = Shop::new();
    shop.made("/products", json!({"sku": "A"})).await;
    let batch = json!({"create": [{"sku": "B"}, {"sku": "A"}], "update": [{"id": 99_999, "name": "x"}]});
    let (status, body) = shop.call(Method::POST, "/products/batch", batch).await;
    assert_eq!((status.as_u16(), &body["create"][0]["sku"]), (200, &json!("B")));
    assert_eq!(
        (&body["create"][1]["id"], &body["create"][1]["error"]["code"]),
        (&json!(0), &json!("product_invalid_sku"))
    );
    assert_eq!(
        (&body["update"][0]["id"], &body["update"][0]["error"]["data"]["status"]),
        (&json!(99_999), &json!(400))
    );
    let many: Vec<Value> = (0..101).map(|n| json!({"name": n.to_string()})).collect();
    let refusal = shop.call(Method::POST, "/products/batch", json!({"create": many})).await;
    assert_eq!(seen(refusal), refused(413, "woocommerce_rest_request_entity_too_large"));
    assert_eq!(seen(shop.get("/tickets").await), refused(404, "rest_no_route"));
}

fn is_signed(arrival: &Arrival, secret: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = STANDARD.decode(arrival.header("x-wc-webhook-signature").unwrap()).unwrap();
    hmac::verify(&key, arrival.body.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn a_new_webhook_is_pinged_and_then_told_what_happens() {
    let (shop, mut receiver) = (Shop::new(), Receiver::start());
    let url = receiver.url("/crochet");
    let hook = |topic: &str| json!({"topic": topic, "delivery_url": url, "secret": "a&amp;b"});
    let made = shop.made("/webhooks", hook("customer.created")).await;
    assert!(made.get("secret").is_none(), "{made}");
    let ping = receiver.next().await;
    assert_eq!(ping.body, format!("webhook_id={}", made["id"]));
    assert!(ping.header("x-wc-webhook-signature").is_none());
    let ann = shop.made("/customers", json!({"email": "ann@exemple.fr"})).await;
    let told = receiver.next().await;
    assert!(is_signed(&told, "a&b"), "the secret is entity-decoded");
    assert_eq!(serde_json::from_str::<Value>(&told.body).unwrap()["id"], ann["id"]);
    assert_eq!(told.header("x-wc-webhook-topic"), Some("customer.created"));
    for bad in ["customer.restored", "order.nope", "ordre"] {
        let refusal = shop.call(Method::POST, "/webhooks", hook(bad)).await;
        assert_eq!(seen(refusal), refused(400, "woocommerce_rest_shop_webhook_invalid_topic"), "{bad}");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_seven_times_in_a_row_is_switched_off_and_nothing_is_told_twice() {
    let (shop, mut receiver) = (Shop::new(), Receiver::start());
    let hook = json!({"topic": "product.created", "delivery_url": receiver.url("/crochet"), "secret": "s"});
    let path = format!("/webhooks/{}", shop.made("/webhooks", hook).await["id"]);
    receiver.next().await;
    receiver.answer(503);
    for n in 0..7 {
        shop.made("/products", json!({"name": n.to_string()})).await;
        let told: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
        assert_eq!(told["name"], n.to_string(), "each is told once, in order");
        let failures = "/woocommerce/demo/deliveries";
        crate::receiver::until(async || {
            let (_, log) = shop.world.control(Method::GET, failures, Value::Null).await;
            log.as_array().unwrap().len() == n + 2
        })
        .await;
    }
    crate::receiver::until(async || shop.get(&path).await.1["status"] == "disabled").await;
    receiver.answer(200);
    assert_eq!(shop.call(Method::PUT, &path, json!({"status": "active"})).await.1["status"], "active");
}
