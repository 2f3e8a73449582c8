//! A stand-in for n8n and its HubSpot workflows, ours and a tenant's own: checks the signature, writes to the CRM, reports. It
//! misbehaves as it is told.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connectors::workflow::own_secret;
use domain::message::CallbackApply;
use domain::time::Timestamp;
use domain::workflow::{Pass, Report};
use messaging::{Broker, Context};
use reqwest::Method;
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::{PORTAL, token};
use crate::world::{DEADLINE, World};

const SECRET: &str = "a signing secret of thirty-two bytes";

/// Where a tenant's own workflow is.
const OWN: &str = "/webhook/mon-hubspot";

/// What the workflow does with what it takes.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// What it should.
    Works,
    /// Writes, and never reports.
    Silent,
    /// Neither writes nor reports.
    Idle,
    /// Reports this, and writes nothing.
    Reports(Report),
    /// Takes nothing, and answers this status.
    Refuses(u16),
}

pub(crate) struct N8n {
    port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    script: Mutex<Script>,
    taken: Mutex<Vec<Value>>,
    refused: Mutex<u32>,
    looks: Mutex<u32>,
    world: OnceLock<(String, Broker)>,
    client: reqwest::Client,
}

impl N8n {
    pub(crate) fn start(script: Script) -> Self {
        runtime::crypto::install();
        let inner = Arc::new(Inner {
            script: Mutex::new(script),
            taken: Mutex::default(),
            refused: Mutex::default(),
            looks: Mutex::default(),
            world: OnceLock::new(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        });
        let data = web::Data::from(Arc::clone(&inner));
        let app = move || {
            App::new()
                .app_data(data.clone())
                .route("/webhook/coccinelle/hubspot", web::post().to(take_write))
                .route(OWN, web::post().to(take_write))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { port, inner }
    }

    /// A world whose integration is delivered by this n8n.
    pub(crate) async fn world(&self, settings: &[(&str, &str)]) -> World {
        let url = format!("http://127.0.0.1:{}", self.port);
        let ours = [
            ("N8N__BASE_URL", url.as_str()),
            ("N8N__SIGNING_SECRET", SECRET),
            ("N8N__ERRAND_LIFE", "300ms"),
            ("N8N__PAUSE", "200ms"),
            ("DISPATCHER__PLATFORM_TIMEOUT", "2s"),
        ];
        let world = World::with(&[&ours, settings].concat()).await;
        assert!(self.inner.world.set((world.crm.url(), world.broker.clone())).is_ok());
        world
    }

    /// The address of a tenant's own workflow in it.
    pub(crate) fn own(&self) -> String {
        format!("http://127.0.0.1:{}{OWN}", self.port)
    }

    /// From now on it does something else.
    pub(crate) fn now(&self, script: Script) {
        *self.inner.script.lock().unwrap() = script;
    }

    /// The bodies of the writes that it took, in order.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.inner.taken.lock().unwrap().clone()
    }

    /// How often it took nothing.
    pub(crate) fn refused(&self) -> u32 {
        *self.inner.refused.lock().unwrap()
    }

    /// Waits until it was asked so often whether it is there.
    pub(crate) async fn is_looked_at(&self, times: u32) {
        wait::until("a look at n8n", DEADLINE, || async {
            let looks = *self.inner.looks.lock().unwrap();
            if looks >= times { Ok(()) } else { Err(looks) }
        })
        .await;
    }

    /// Waits until it took so many writes.
    pub(crate) async fn took(&self, count: usize) -> Vec<Value> {
        wait::until("n8n to take a write", DEADLINE, || async {
            let taken = self.taken();
            if taken.len() >= count { Ok(taken) } else { Err(taken.len()) }
        })
        .await
    }

    /// Reports on a write.
    pub(crate) async fn report(&self, write: &Value, report: Report) {
        self.inner.report(write, report).await;
    }
}

async fn take_write(request: HttpRequest, body: web::Bytes, n8n: web::Data<Inner>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (Some(timestamp), Some(signature)) = (header("x-coccinelle-timestamp"), header("x-coccinelle-signature"))
    else {
        return HttpResponse::Unauthorized().finish();
    };
    let signed = [timestamp.as_bytes(), b".", &body].concat();
    let mut write: Value = serde_json::from_slice(&body).unwrap();
    write["taken_at"] = json!(request.path());
    let secret = if request.path() == OWN {
        let id = write["integration_id"].as_str().unwrap().parse().unwrap();
        own_secret(&SECRET.into(), id).expose_secret().to_owned()
    } else {
        SECRET.to_owned()
    };
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &signed);
    let expected: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let age = Timestamp::now().as_millis() / 1_000 - timestamp.parse::<i64>().unwrap();
    if signature != format!("sha256={expected}") || !(-300..=300).contains(&age) {
        return HttpResponse::Unauthorized().finish();
    }
    if write["test"] == true {
        *n8n.looks.lock().unwrap() += 1;
        return HttpResponse::Ok().json(json!({"ok": true}));
    }
    let script = n8n.script.lock().unwrap().clone();
    if let Script::Refuses(status) = script {
        *n8n.refused.lock().unwrap() += 1;
        return HttpResponse::build(status.try_into().unwrap()).finish();
    }
    n8n.taken.lock().unwrap().push(write.clone());
    actix_web::rt::spawn(async move { n8n.run(&script, &write).await });
    HttpResponse::Accepted().json(json!({"accepted": true}))
}

impl Inner {
    async fn run(&self, script: &Script, write: &Value) {
        match script {
            Script::Works => {
                let report = self.write(write).await;
                self.report(write, report).await;
            }
            Script::Silent => drop(self.write(write).await),
            Script::Reports(report) => self.report(write, report.clone()).await,
            Script::Idle | Script::Refuses(_) => {}
        }
    }

    /// Does what is asked, without our key: the least that a workflow of a tenant's own may do.
    async fn write(&self, write: &Value) -> Report {
        let (crm, _) = self.world.get().unwrap();
        let objects = format!("{crm}/crm/objects/2026-03/contacts");
        let own = format!("{objects}/{}", write["external_id"].as_str().unwrap_or_default());
        let (method, url) = match write["action"].as_str().unwrap() {
            "create_contact" => (Method::POST, objects),
            "update_contact" => (Method::PATCH, own),
            "delete_contact" => (Method::DELETE, own),
            other => panic!("{other} is not done here"),
        };
        let request = self.client.request(method, url).bearer_auth(token(PORTAL)).timeout(Duration::from_secs(5));
        let answer = request.json(&json!({"properties": write["remote"]})).send().await.unwrap();
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        assert!(status.is_success(), "{status} {body}");
        done(body["id"].as_str())
    }

    /// Reports as the gateway passes it on.
    async fn report(&self, write: &Value, report: Report) {
        let (_, broker) = self.world.get().unwrap();
        let token = write["callback_url"].as_str().unwrap().split("?token=").nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
        let pass: Pass = serde_json::from_slice(&claims[32..]).unwrap();
        let message = CallbackApply {
            tenant_id: pass.tenant_id,
            integration_id: pass.integration_id,
            link_id: pass.link_id,
            event_id: pass.event_id,
            received_at: Timestamp::now(),
            report,
        };
        broker.publish(&message, &Context::new()).await.unwrap();
    }
}

pub(crate) fn done(external_id: Option<&str>) -> Report {
    Report { success: true, external_id: external_id.map(str::to_owned), error: None, retryable: false }
}

pub(crate) fn failed(error: &str, retryable: bool) -> Report {
    Report { success: false, external_id: None, error: Some(error.to_owned()), retryable }
}
