//! Each platform's deliveries, signed as that platform signs: a burst of them is taken, whoever sends it. How fast, benchmarks say.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine};
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;
use persistence::{Database, Scope, tenants};
use ring::hmac;
use secrecy::ExposeSecret;
use serde_json::Value;
use vault::{KeyRing, Vault};

use crate::world::{DEADLINE, PATH, SECRET, World, change, signature, start, start_with};

const DELIVERIES: u64 = 250;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_every_platform_is_taken() {
    let key_ring = std::env::temp_dir().join(format!("key-ring-{}.json", TenantId::new()));
    KeyRing::create(&key_ring).unwrap();
    let ring = key_ring.display().to_string();
    let settings = [
        ("COCCINELLE__VAULT__KEY_RING_FILE", ring.as_str()),
        ("COCCINELLE__PLATFORMS__SHOPIFY__CLIENT_SECRET", SECRET),
    ];
    let world = start_with(Default::default(), &settings).await;
    let (id, secret) = integration(&world, &key_ring).await;
    for (platform, signed) in PLATFORMS {
        let burst = (0..DELIVERIES).map(|number| {
            let (path, headers, body) = signed(id, &secret, number);
            let request = world.post(&path, body);
            let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
            tokio::spawn(request.send())
        });
        for answer in burst.collect::<Vec<_>>() {
            let status = answer.await.unwrap().unwrap().status();
            assert!(status.is_success(), "{platform}: {status}");
        }
    }
    world.stop().await;
    std::fs::remove_file(key_ring).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_others_are_confirmed_goes_out_with_the_next_and_each_once() {
    let world = start().await;
    let burst = (0..DELIVERIES).map(|number| {
        let body = change(number);
        let headers = signature(PATH, &body, Timestamp::now());
        let request = headers.into_iter().fold(world.post(PATH, body), |it, (name, value)| it.header(name, value));
        tokio::spawn(request.send())
    });
    let mut answered = BTreeSet::new();
    for answer in burst.collect::<Vec<_>>() {
        let told: Value = answer.await.unwrap().unwrap().error_for_status().unwrap().json().await.unwrap();
        answered.insert(told["delivery"].as_str().unwrap().to_owned());
    }
    let (alone, shared) = (world.published().await, world.shared().await);
    assert!(shared.iter().all(|together| (2..=100).contains(&together.len())), "{shared:?}");
    let alone =
        alone.iter().map(|message| serde_json::from_str::<Value>(&message.payload).unwrap()["delivery"].clone());
    let of_shared = shared.iter().flatten().map(|it| it["delivery"]["delivery"].clone());
    let published: Vec<String> = alone.chain(of_shared).map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(published.len(), answered.len(), "one lies there twice, or not at all");
    assert_eq!(published.into_iter().collect::<BTreeSet<_>>(), answered);
    assert!(!shared.is_empty(), "nothing was shared");
    let traces: BTreeSet<String> = shared.iter().flatten().map(|it| it["trace"].to_string()).collect();
    assert_eq!(traces.len(), shared.iter().map(Vec::len).sum::<usize>());
    world.stop().await;
}
