//! How soon `webhook-ingest` answers each platform's deliveries at a steady pace, signed as that platform signs them. Its most, beside
//! the limits of the machine, is `measure`'s.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono::Utc;
use reqwest::Method;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::connection::post;
use super::deliveries::Deliveries;
use super::load::{CONNECTIONS, Plan, drive};
use super::measure::address;
use super::parts::{Extent, Figures};
use crate::console::Console;
use crate::session::{Service, Session, Tenant};

/// Deliveries a second: what the goal is said for.
const PACE: u32 = 500;

/// As long as a platform's deliveries usually are.
const NOTE: usize = 900;

/// A platform that delivers.
struct Sender {
    platform: &'static str,
    /// What its first answer to a new delivery is.
    wanted: u16,
    /// The delivery of a number.
    request: Arc<dyn Fn(u64) -> Option<Vec<u8>> + Send + Sync>,
}

pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    let senders = senders(session, &tenant, extent.seconds).await?;
    // What is accepted is not worked off: the door is measured, not what lies behind it.
    session.stack.halt(Service::SyncDispatcher.name()).await;
    session.stack.halt(Service::LogWriter.name()).await;
    let mut figures = Figures::default();
    for sender in senders {
        let step = console.step(format!("{PACE} deliveries of {} a second", sender.platform));
        let time = Duration::from_secs(extent.seconds);
        let address = address(session, Service::WebhookIngest);
        let plan = Plan { address, time, wanted: sender.wanted, pace: Some(PACE), connections: CONNECTIONS };
        let request = sender.request;
        let load = drive(plan, move |number| request(number)).await.context(sender.platform)?;
        ensure!(load.refused == 0, "{} of {}'s deliveries were refused", load.refused, sender.platform);
        let platform = sender.platform;
        let per_second = super::report::float(load.answered) / load.elapsed.as_secs_f64();
        figures.add(format!("{platform}, answered"), per_second, "deliveries/s");
        figures.add(format!("{platform}, p50"), load.waits.millis(50.0), "ms");
        figures.add(format!("{platform}, p99 (goal: under 50)"), load.waits.millis(99.0), "ms");
        step.done();
    }
    Ok(figures)
}

/// All six, each with the secret that it signs by.
async fn senders(session: &Session, tenant: &Tenant, seconds: u64) -> anyhow::Result<Vec<Sender>> {
    let app = session.webhook_secret();
    let hubspot = hubspot(&app, &session.url(Service::WebhookIngest), seconds);
    let mut senders = vec![
        Sender { platform: "hubspot", wanted: 202, request: Arc::new(move |number| hubspot.request(number)) },
        Sender { platform: "shopify", wanted: 202, request: Arc::new(move |number| Some(shopify(&app, number))) },
    ];
    for (platform, wanted, signed) in OWN {
        let (path, secret) = door(session, tenant, platform).await?;
        senders.push(Sender {
            platform,
            wanted,
            request: Arc::new(move |number| Some(signed(&path, &secret, number))),
        });
    }
    Ok(senders)
}

/// A delivery at an integration's own address, by its own secret.
type Signed = fn(path: &str, secret: &SecretString, number: u64) -> Vec<u8>;

/// The platforms that deliver there.
const OWN: [(&str, u16, Signed); 4] = [
    ("pipedrive", 202, pipedrive),
    ("salesforce", 200, salesforce),
    ("woocommerce", 202, woocommerce),
    ("zendesk", 202, zendesk),
];

/// An integration's own address, and a secret of its own.
async fn door(session: &Session, tenant: &Tenant, platform: &str) -> anyhow::Result<(String, SecretString)> {
    let call = async |path: &str, wish: Option<&Value>| {
        let (status, answer) = session.call(Method::POST, path, &tenant.admin_token, wish).await?;
        ensure!(status.is_success(), "POST {path} was answered {status}: {answer}");
        Ok(answer)
    };
    let shop = format!("{}/woocommerce/boutique", session.url(Service::Sandbox));
    let (url, credentials) = match platform {
        "pipedrive" => (None, json!({ "api_key": "pd-900-bench" })),
        "woocommerce" => {
            let key = |kind: &str| format!("{kind}_{}", "1".repeat(40));
            (Some(shop), json!({ "api_key": key("ck"), "api_secret": key("cs") }))
        }
        "zendesk" => (Some("acme".to_owned()), Value::Null),
        _ => (None, Value::Null),
    };
    let wish = json!({
        "name": platform, "platform": platform, "direction": "bidirectional", "url": url, "credentials": credentials,
    });
    let made = call("/api/v1/integrations", Some(&wish)).await?;
    let id = made.get("id").and_then(Value::as_str).context("an integration has no id")?;
    let rotated = call(&format!("/api/v1/integrations/{id}/webhook/rotate"), None).await?;
    let secret = rotated.get("secret").and_then(Value::as_str).context("there is no secret")?;
    Ok((format!("/webhooks/integrations/{platform}/{id}"), secret.to_owned().into()))
}

fn hubspot(secret: &SecretString, origin: &str, seconds: u64) -> Deliveries {
    let count = seconds.saturating_mul(PACE.into()).saturating_add(PACE.into());
    Deliveries::sign(secret.expose_secret(), origin, "/webhooks/integrations/hubspot", count, Utc::now())
}

fn object(number: u64) -> Vec<u8> {
    json!({ "id": number, "meta": { "id": number.to_string() }, "note": "e".repeat(NOTE) }).to_string().into_bytes()
}

fn tag(secret: &SecretString, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, &parts.concat()))
}

fn shopify(secret: &SecretString, number: u64) -> Vec<u8> {
    let (body, id) = (object(number), number.to_string());
    let headers = [
        ("x-shopify-hmac-sha256", &*tag(secret, &[&body])),
        ("x-shopify-topic", "customers/update"),
        ("x-shopify-shop-domain", "acme.myshopify.com"),
        ("x-shopify-webhook-id", &id),
    ];
    post("/webhooks/integrations/shopify", &headers, &body)
}

fn pipedrive(path: &str, secret: &SecretString, number: u64) -> Vec<u8> {
    let both = BASE64_STANDARD.encode(format!("coccinelle:{}", secret.expose_secret()));
    post(path, &[("authorization", &format!("Basic {both}"))], &object(number))
}

fn salesforce(path: &str, secret: &SecretString, number: u64) -> Vec<u8> {
    let body = format!(
        "<notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>00D000000000001EAA\
         </OrganizationId><Notification><Id>04l{number:012}AAA</Id><sObject xsi:type=\"sf:Contact\"><sf:Id>\
         003000000000031AAA</sf:Id></sObject></Notification></notifications>"
    );
    let token = secret.expose_secret().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    post(&format!("{path}?token={token}"), &[], body.as_bytes())
}

fn woocommerce(path: &str, secret: &SecretString, number: u64) -> Vec<u8> {
    let (body, id) = (object(number), number.to_string());
    let headers = [
        ("x-wc-webhook-signature", &*tag(secret, &[&body])),
        ("x-wc-webhook-topic", "customer.updated"),
        ("x-wc-webhook-delivery-id", &id),
    ];
    post(path, &headers, &body)
}

fn zendesk(path: &str, secret: &SecretString, number: u64) -> Vec<u8> {
    let (body, at) = (object(number), Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let signature = tag(secret, &[at.as_bytes(), &body]);
    let headers = [("x-zendesk-webhook-signature", &*signature), ("x-zendesk-webhook-signature-timestamp", &*at)];
    post(path, &headers, &body)
}
