//! A stand-in for Coccinelle's backend: checks the signature, keeps what it is told, and may say again all that it hears.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::integration::Status;
use domain::time::Timestamp;
use persistence::health;
use ring::hmac;
use serde_json::{Value, json};
use testkit::wait;
use tokio::sync::mpsc;

use crate::world::{DEADLINE, World};

/// The secret in use, and the one that is about to take its place.
pub(crate) const SECRETS: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3,whsec_c2V2ZW4gYW5kIHR3ZW50eSBieXRlcyBtb3Jl";
const KEY: &[u8] = b"0123456789abcdef01234567";

/// A webhook that came in.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) body: Value,
}

impl Heard {
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }
}

pub(crate) struct Backend {
    port: u16,
    inner: Arc<Inner>,
    /// The events that it would emit by what it was told.
    pub(crate) emitted: tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>,
}

struct Inner {
    heard: Mutex<Vec<Heard>>,
    refused: Mutex<Vec<Heard>>,
    answers: Mutex<VecDeque<(u16, Option<u64>)>>,
    emits: mpsc::UnboundedSender<Value>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        runtime::crypto::install();
        let (emits, emitted) = mpsc::unbounded_channel();
        let inner =
            Arc::new(Inner { heard: Mutex::default(), refused: Mutex::default(), answers: Mutex::default(), emits });
        let data = web::Data::from(Arc::clone(&inner));
        let app = move || App::new().app_data(data.clone()).route("/hooks", web::post().to(hear));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { port, inner, emitted: tokio::sync::Mutex::new(emitted) }
    }

    /// The settings by which it is told.
    pub(crate) fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("BACKEND__URL", format!("http://127.0.0.1:{}/hooks", self.port)),
            ("BACKEND__SECRETS", SECRETS.to_owned()),
            ("BACKEND__PAUSE", "200ms".to_owned()),
        ]
    }

    /// A world whose dispatcher tells this backend of records; how the integration is, it knows.
    pub(crate) async fn world(&self) -> World {
        self.world_with(&[]).await
    }

    /// The same, by more settings.
    pub(crate) async fn world_with(&self, settings: &[(&str, &str)]) -> World {
        let world = self.quiet_world(settings).await;
        let mut tx = world.begin().await;
        health::note_told(&mut tx, world.integration, Status::Active).await.unwrap();
        tx.commit().await.unwrap();
        world.dispatch();
        world
    }

    /// A world without a dispatcher, by settings that lead here.
    pub(crate) async fn quiet_world(&self, settings: &[(&str, &str)]) -> World {
        let ours = self.settings();
        let ours: Vec<_> = ours.iter().map(|(key, value)| (*key, value.as_str())).collect();
        World::quiet(&[&ours, settings].concat()).await
    }

    /// The next webhooks are answered so, with this `Retry-After`; those behind them are taken.
    pub(crate) fn answers(&self, answers: &[(u16, Option<u64>)]) {
        self.inner.answers.lock().unwrap().extend(answers);
    }

    /// What it took of a type.
    pub(crate) fn heard(&self, notice_type: &str) -> Vec<Heard> {
        let heard = self.inner.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.body["type"] == notice_type).cloned().collect()
    }

    /// What it did not take.
    pub(crate) fn refused(&self) -> Vec<Heard> {
        self.inner.refused.lock().unwrap().clone()
    }

    /// Waits for a webhook of a type that satisfies `wanted`.
    pub(crate) async fn hears(&self, notice_type: &str, wanted: impl Fn(&Value) -> bool) -> Heard {
        wait::until(&format!("the backend to hear of {notice_type}"), DEADLINE, || async {
            let heard = self.heard(notice_type);
            heard.iter().find(|heard| wanted(heard.data())).cloned().ok_or(heard)
        })
        .await
    }

    /// The event that it emits by the next `record.changed` about one of its subjects.
    pub(crate) async fn emits(&self) -> Option<Value> {
        self.emitted.lock().await.try_recv().ok()
    }
}

async fn hear(request: HttpRequest, body: web::Bytes, backend: web::Data<Inner>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let sent = timestamp.parse::<i64>().unwrap_or_default();
    let is_fresh = (Timestamp::now().as_millis() / 1_000 - sent).abs() < 300;
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &body].concat();
    let is_ours = header("webhook-signature").split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
        STANDARD.decode(one).is_ok_and(|signature| hmac::verify(&key, &signed, &signature).is_ok())
    });
    if !is_fresh || !is_ours {
        return HttpResponse::Unauthorized().finish();
    }
    let heard = Heard { id: id.to_owned(), body: serde_json::from_slice(&body).unwrap() };
    if let Some((status, retry_after)) = backend.answers.lock().unwrap().pop_front() {
        backend.refused.lock().unwrap().push(heard);
        let mut answer = HttpResponse::build(status.try_into().unwrap());
        if let Some(seconds) = retry_after {
            answer.insert_header(("Retry-After", seconds.to_string()));
        }
        return answer.finish();
    }
    if let Some(event) = echo(&heard.body) {
        backend.emits.send(event).ok();
    }
    backend.heard.lock().unwrap().push(heard);
    HttpResponse::NoContent().finish()
}

/// The whole object again, as a backend emits it that says everything it hears.
fn echo(notice: &Value) -> Option<Value> {
    let data = (notice["type"] == "record.changed").then_some(&notice["data"])?;
    let subject = data["subject_ids"][0].as_str()?;
    Some(crate::world::event("prospect.updated", subject, json!(data["fields"])))
}
