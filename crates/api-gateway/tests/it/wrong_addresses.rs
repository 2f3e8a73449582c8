//! The address that a tenant types where it leads nowhere, or where it must not: told at its field whatever the platform, with
//! nothing saved, no secret repeated, and nobody called who is inside.

use connectors::registry::{self, Platform};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{Answer, Lines, World};

const SECRET: &str = "cs_1111111111111111111111111111111111111111";

/// Each of these is wrong at every platform: at most because it is not the platform's, and at one where the tenant's own host is
/// called because of where it leads.
const WRONG: [(&str, &str); 10] = [
    ("no address", "pas une adresse"),
    ("no web address", "ftp://boutique.example"),
    ("a typo", "https://boutique.invalid"),
    ("by http", "http://boutique.example"),
    ("by http, at the platform's", "http://acme.myshopify.com"),
    ("only like the platform's", "https://acme.myshopify.com.boutique.invalid"),
    ("a user's name before it", "https://acme.myshopify.com@boutique.invalid"),
    ("inside", "https://10.0.0.8"),
    ("inside, by IPv6", "https://[::1]"),
    ("a cloud's metadata", "https://169.254.169.254/latest/meta-data"),
];

/// A port at which nobody may knock.
struct Trap(std::net::TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.0.local_addr().unwrap())
    }

    #[track_caller]
    fn is_untouched(&self) {
        assert!(self.0.accept().is_err(), "somebody inside was called");
    }
}

/// Somebody who sends everybody on to that place.
async fn leading_to(place: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = stream.read(&mut [0; 1024]).await.unwrap();
            assert!(head > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

/// Somebody connects that platform at that address.
async fn connect(world: &World, platform: Platform, url: &str) -> Answer {
    let descriptor = platform.connector().descriptor();
    let mut wish = json!({"name": descriptor.name, "platform": descriptor.slug, "url": url});
    if let Some(fields) = descriptor.key_fields() {
        let keys: Map<String, Value> = fields.iter().map(|field| (field.name.to_owned(), json!(SECRET))).collect();
        wish["credentials"] = keys.into();
    }
    world.post("/api/v1/integrations", wish).await
}

/// It is refused at its field, and no secret is repeated.
#[track_caller]
fn is_told(refused: &Answer, what: &str) {
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["url"], "{what}: {refused:?}");
    assert!(!format!("{refused:?}").contains(SECRET), "{what}: {refused:?}");
}

#[tokio::test]
async fn a_wrong_address_is_told_at_its_field_for_each_platform_and_nobody_inside_is_called() {
    let (world, inside) = (World::start().await, Trap::set());
    let local = inside.address("https");
    for platform in registry::all() {
        for (what, url) in WRONG.into_iter().chain([("inside, at a port", local.as_str())]) {
            let refused = connect(&world, *platform, url).await;
            is_told(&refused, &format!("{platform:?}, {what}"));
        }
    }
    inside.is_untouched();
    assert_eq!(world.get("/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}

/// Here a shop of one's own may be anywhere, so that what answers at an address can be looked at.
#[tokio::test]
async fn what_answers_at_an_address_and_is_no_shop_is_told_for_each_platform_and_where_it_leads_on_is_not_followed() {
    let settings = vec![("PLATFORMS__WOOCOMMERCE__ALLOW_PRIVATE_ADDRESSES", "true".to_owned())];
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    let elsewhere = Trap::set();
    let on = elsewhere.address("http");
    let (shopless, leading) = (world.sandbox.hubspot_url(), leading_to(format!("{on}/wp-json/")).await);
    for platform in registry::all() {
        let is_looked_at = platform.connector().descriptor().needs_url;
        for (url, why) in [
            (shopless.as_str(), "no WooCommerce"),
            (leading.as_str(), on.as_str()),
            ("http://127.0.0.1:9/boutique", "nothing answers"),
        ] {
            let refused = connect(&world, *platform, url).await;
            is_told(&refused, &format!("{platform:?}, {url}"));
            let told = refused.body["errors"][0]["message"].as_str().unwrap();
            assert!(!is_looked_at || told.contains(why), "{platform:?}, {url}: {told}");
        }
    }
    elsewhere.is_untouched();
    assert_eq!(world.get("/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}
