//! Deliveries, as a receiver sees them: what they tell, and that their signatures hold.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, rt, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::world::World;

const SECRET: &str = "un-secret";
const PUBLIC: &str = "https://hooks.exemple.fr/webhooks/integrations/hubspot";

/// What arrived, with the signature checked already.
struct Arrival {
    is_signed: bool,
    events: Vec<Value>,
}

struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    status: Arc<AtomicU16>,
    handle: ServerHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Receiver {
    fn start() -> Self {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let (started, outcome) = std::sync::mpsc::channel();
        let status = Arc::new(AtomicU16::new(200));
        let answered = Arc::clone(&status);
        std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(web::Data::new((sender.clone(), Arc::clone(&answered))))
                        .default_service(web::post().to(receive))
                };
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = outcome.recv().unwrap();
        Self { address, arrivals, status, handle }
    }

    async fn next(&mut self) -> Arrival {
        tokio::time::timeout(Duration::from_secs(20), self.arrivals.recv()).await.expect("a delivery").unwrap()
    }

    /// Waits until so many events have come.
    async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let arrival = self.next().await;
            assert!(arrival.is_signed);
            events.extend(arrival.events);
        }
        events
    }
}

type Shared = web::Data<(mpsc::UnboundedSender<Arrival>, Arc<AtomicU16>)>;

async fn receive(request: HttpRequest, body: web::Bytes, shared: Shared) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let source = format!("POST{PUBLIC}{body}{}", header("X-HubSpot-Request-Timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = STANDARD.decode(header("X-HubSpot-Signature-v3")).unwrap();
    let is_signed = hmac::verify(&key, source.as_bytes(), &signature).is_ok();
    // Before the test hears of it, and changes the answer for the next.
    let status = shared.1.load(Ordering::SeqCst);
    shared.0.send(Arrival { is_signed, events: serde_json::from_str(&body).unwrap() }).unwrap();
    HttpResponse::build(status.try_into().unwrap()).finish()
}

async fn point(world: &World, receiver: &Receiver) {
    let target = json!({"target_url": format!("http://{}/crochet", receiver.address), "public_url": PUBLIC, "client_secret": SECRET});
    assert_eq!(world.control(Method::PUT, "/hubspot/4242/webhook", target).await.0, 204);
}

#[tokio::test]
async fn every_change_is_told_with_a_signature_that_holds() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    point(&world, &receiver).await;
    let (_, made) = world.control(Method::POST, "/hubspot/4242/contacts", json!({"email": "a@x.fr"})).await;
    let id: u64 = made["id"].as_str().unwrap().parse().unwrap();
    let told = receiver.events(2).await;
    assert_eq!((&told[0]["subscriptionType"], &told[0]["changeFlag"]), (&json!("contact.creation"), &json!("CREATED")));
    assert_eq!(
        (&told[0]["portalId"], &told[0]["objectId"], &told[0]["changeSource"]),
        (&json!(4242), &json!(id), &json!("CRM_UI"))
    );
    assert_eq!((&told[1]["propertyName"], &told[1]["propertyValue"]), (&json!("email"), &json!("a@x.fr")));
    let change = json!({"properties": {"email": "a@x.fr", "city": "Brest"}});
    world.call(Method::PATCH, &format!("/crm/objects/2026-03/contacts/{id}"), change).await;
    let told = receiver.events(1).await;
    assert_eq!(told.len(), 1, "only what changed is told");
    assert_eq!((&told[0]["propertyName"], &told[0]["changeSource"]), (&json!("city"), &json!("INTEGRATION")));
    world.call(Method::DELETE, &format!("/crm/objects/2026-03/contacts/{id}"), Value::Null).await;
    assert_eq!(receiver.events(1).await[0]["subscriptionType"], "contact.deletion");
}

#[tokio::test]
async fn a_refused_delivery_comes_again_and_says_which_attempt_it_is() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    point(&world, &receiver).await;
    receiver.status.store(503, Ordering::SeqCst);
    world.contact(json!({"email": "a@x.fr"})).await;
    let first = receiver.next().await;
    receiver.status.store(200, Ordering::SeqCst);
    let second = receiver.next().await;
    assert!(second.is_signed);
    assert_eq!((&first.events[0]["attemptNumber"], &second.events[0]["attemptNumber"]), (&json!(0), &json!(1)));
    assert_eq!(first.events[0]["eventId"], second.events[0]["eventId"]);
}
