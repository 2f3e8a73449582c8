//! How fast each platform is answered at five hundred deliveries a second. In a build for development, every one must be taken at
//! that pace, and the figures are only printed; as released, they must keep to the limit as well.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;
use persistence::{Database, Scope, tenants};
use ring::hmac;
use secrecy::ExposeSecret;
use tokio::time::{Instant, interval};
use vault::{KeyRing, Vault};

use crate::world::{DEADLINE, PATH, SECRET, World, change, signature, start_with};

const PER_SECOND: u32 = 500;
/// For half a second, or for three as released.
const DELIVERIES: u64 = if cfg!(debug_assertions) { 250 } else { 1_500 };
const LIMIT: Duration = Duration::from_millis(50);

type Headers = Vec<(&'static str, String)>;

/// A platform's delivery of that number, as it signs it: the address, the headers, the body.
type Signed = fn(integration: IntegrationId, secret: &str, number: u64) -> (String, Headers, Vec<u8>);

fn hmac_of(secret: &str, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, &parts.concat()))
}

/// As long as a platform's deliveries usually are.
fn object(number: u64) -> Vec<u8> {
    format!("{{\"id\": {number}, \"meta\": {{\"id\": \"{number}\"}}, \"note\": \"{}\"}}", "é".repeat(450)).into_bytes()
}

fn own(platform: &str, integration: IntegrationId) -> String {
    format!("/webhooks/integrations/{platform}/{integration}")
}

const PLATFORMS: [(&str, Signed); 6] = [
    ("hubspot", |_, _, number| {
        let body = change(number);
        (PATH.to_owned(), signature(PATH, &body, Timestamp::now()).to_vec(), body)
    }),
    ("pipedrive", |integration, secret, number| {
        let both = BASE64_STANDARD.encode(format!("coccinelle:{secret}"));
        (own("pipedrive", integration), vec![("authorization", format!("Basic {both}"))], object(number))
    }),
    ("salesforce", |integration, secret, number| {
        let query = url_encoded(secret);
        let body = format!(
            "<notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>00D000000000001EAA\
             </OrganizationId><Notification><Id>04l{number:012}AAA</Id><sObject xsi:type=\"sf:Contact\"><sf:Id>\
             003000000000031AAA</sf:Id></sObject></Notification></notifications>"
        );
        (format!("{}?token={query}", own("salesforce", integration)), Vec::new(), body.into_bytes())
    }),
    ("shopify", |_, _, number| {
        let body = object(number);
        let headers = vec![
            ("x-shopify-hmac-sha256", hmac_of(SECRET, &[&body])),
            ("x-shopify-topic", "customers/update".to_owned()),
            ("x-shopify-shop-domain", "acme.myshopify.com".to_owned()),
            ("x-shopify-webhook-id", number.to_string()),
        ];
        ("/webhooks/integrations/shopify".to_owned(), headers, body)
    }),
    ("woocommerce", |integration, secret, number| {
        let body = object(number);
        let headers = vec![
            ("x-wc-webhook-signature", hmac_of(secret, &[&body])),
            ("x-wc-webhook-topic", "customer.updated".to_owned()),
            ("x-wc-webhook-delivery-id", number.to_string()),
        ];
        (own("woocommerce", integration), headers, body)
    }),
    ("zendesk", |integration, secret, number| {
        let (body, at) = (object(number), Timestamp::now().to_string());
        let headers = vec![
            ("x-zendesk-webhook-signature", hmac_of(secret, &[at.as_bytes(), &body])),
            ("x-zendesk-webhook-signature-timestamp", at),
        ];
        (own("zendesk", integration), headers, body)
    }),
];

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// An integration with a secret of its own; any will do.
async fn integration(world: &World, key_ring: &std::path::Path) -> (IntegrationId, String) {
    let tenant = TenantId::new();
    let vault = Vault::new(KeyRing::load(key_ring).unwrap());
    let key = vault.new_data_key(tenant).unwrap();
    let database = Database::new(&world.database_url().into(), 1, DEADLINE);
    let mut tx = database.begin(Scope::System).await.unwrap();
    let id = tenants::create(&mut tx, tenant, "A tenant", Some(key.as_str())).await.unwrap();
    tx.commit().await.unwrap();
    let secrets = accounts::WebhookSecrets::new(database.clone(), std::sync::Arc::new(vault));
    let mut tx = database.begin(Scope::Tenant(tenant)).await.unwrap();
    let made = secrets.rotate(&mut tx, (tenant, id), Timestamp::now()).await.unwrap();
    tx.commit().await.unwrap();
    (id, made.secret.expose_secret().to_owned())
}

/// Each from the moment in which it was due, so that one that keeps the next waiting counts for both.
async fn waits(world: &World, of: (IntegrationId, &str), signed: Signed) -> Vec<Duration> {
    let (mut ticks, mut under_way) = (interval(Duration::from_secs(1) / PER_SECOND), Vec::new());
    for number in 0..DELIVERIES {
        let due: Instant = ticks.tick().await;
        let (path, headers, body) = signed(of.0, of.1, number);
        let request =
            headers.into_iter().fold(world.post(&path, body), |request, (name, value)| request.header(name, value));
        under_way.push(tokio::spawn(async move {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
            answer.bytes().await.unwrap();
            due.elapsed()
        }));
    }
    let mut waits = Vec::new();
    for one in under_way {
        waits.push(one.await.unwrap());
    }
    waits.sort_unstable();
    waits
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_is_answered_at_five_hundred_deliveries_a_second() {
    let key_ring = std::env::temp_dir().join(format!("key-ring-{}.json", TenantId::new()));
    KeyRing::create(&key_ring).unwrap();
    let ring = key_ring.display().to_string();
    let settings = [
        ("COCCINELLE__VAULT__KEY_RING_FILE", ring.as_str()),
        ("COCCINELLE__PLATFORMS__SHOPIFY__CLIENT_SECRET", SECRET),
    ];
    let world = start_with(Default::default(), &settings).await;
    let (id, secret) = integration(&world, &key_ring).await;
    let mut slowest = Duration::ZERO;
    for (platform, signed) in PLATFORMS {
        let waits = waits(&world, (id, &secret), signed).await;
        let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
        println!("{platform:<12} p50 {half:>10.1?} p99 {most:>10.1?} of {}", waits.len());
        slowest = slowest.max(most);
    }
    assert!(cfg!(debug_assertions) || slowest < LIMIT, "{slowest:?}");
    world.stop().await;
    std::fs::remove_file(key_ring).unwrap();
}
