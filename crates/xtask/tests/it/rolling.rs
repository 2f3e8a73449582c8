//! Every replica behind the edge replaced under load, one after the other: nothing is refused, lost, or done twice.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Client, RequestBuilder, StatusCode};
use ring::hmac;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use tokio::task::JoinHandle;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use xtask::session::{PORTAL, Service};
use xtask::stack::Program;

use crate::edge::{caddy, caddyfile, keeps_in};
use crate::world::{DEADLINE, World, prospect};

const NAME: &str = "e2e-rolling";
const BASE_PORT: u16 = 22_500;

/// Beside the ports of the system itself.
const EDGE: u16 = BASE_PORT + 50;
const SECOND: [(Service, u16); 2] = [(Service::ApiGateway, BASE_PORT + 51), (Service::WebhookIngest, BASE_PORT + 52)];

/// Longer than the edge takes to ask whether a replica is ready.
const DRAIN: &str = "6s";

/// Of the events, and of the deliveries.
const PACE: Duration = Duration::from_millis(40);

const WEBHOOKS: &str = "/webhooks/integrations/hubspot";

/// Who calls, as a load balancer says of whom both the edge and the services take that word.
const CALLER: &str = "203.0.113.7";
const BALANCER: &str = "127.0.0.1";

/// What was sent of one sort: how often, what was answered otherwise than it should be, and the ids that were answered.
#[derive(Default)]
struct Sent {
    count: u64,
    failures: Vec<String>,
    ids: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_is_replaced_under_load_without_a_refused_lost_or_doubled_request() {
    let Some(caddy) = caddy(NAME).await else { return };
    let settings = [("HTTP__DRAIN", DRAIN), ("HTTP__TRUSTED_PROXIES", BALANCER)];
    let mut world = World::on_shared_servers(NAME, BASE_PORT, &settings).await;
    for (service, port) in SECOND {
        world.session.start_another(service, port).unwrap();
        ready(&world, port).await;
    }
    start_edge(&mut world, caddy).await;
    let contact = first_contact(&world).await;
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = world.session.client().get(edge(path)).send().await.unwrap();
        // Without a body: the gateway's own 404 is a problem document.
        assert_eq!((answer.status(), answer.text().await.unwrap()), (StatusCode::NOT_FOUND, String::new()), "{path}");
    }
    a_caller_keeps_their_address(&world).await;

    let over = CancellationToken::new();
    let events = send_events(&world, &over);
    let deliveries = send_deliveries(&world, &over, &contact);
    for (service, port) in SECOND {
        replace(&mut world, service, None).await;
        replace(&mut world, service, Some(port)).await;
    }
    over.cancel();
    let (events, deliveries) = (events.await.unwrap(), deliveries.await.unwrap());
    assert_eq!(events.failures, Vec::<String>::new(), "of {} events", events.count);
    assert_eq!(deliveries.failures, Vec::<String>::new(), "of {} deliveries", deliveries.count);
    let count = world.settle(1 + events.count).await;
    assert!(count.is_exact(), "{count:?}");
    each_is_logged_once(&world, &deliveries.ids).await;
    world.end().await;
}

/// The edge of `deploy/`, told of both replicas of each service.
async fn start_edge(world: &mut World, caddy: PathBuf) {
    let folder = world.session.home().path("edge");
    std::fs::create_dir_all(&folder).unwrap();
    // Its own administration would listen on a port that other tests' edges have.
    let text = format!("{{\n\tadmin off\n}}\n{}", std::fs::read_to_string(caddyfile()).unwrap());
    let file = folder.join("Caddyfile");
    std::fs::write(&file, text).unwrap();
    let both = |place: usize| {
        let (service, second) = SECOND[place];
        format!("127.0.0.1:{} 127.0.0.1:{second}", service.port(world.session.ports()))
    };
    let environment = [
        ("EDGE_SITE", format!(":{EDGE}")),
        ("EDGE_FINDS", "by-address".to_owned()),
        ("EDGE_TRUSTS", BALANCER.to_owned()),
        ("GATEWAY_ADDRESSES", both(0)),
        ("INGEST_ADDRESSES", both(1)),
    ];
    let arguments = ["run", "--config", file.to_str().unwrap(), "--adapter", "caddyfile"].map(Into::into).to_vec();
    let environment = environment.into_iter().chain(keeps_in(&folder));
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).collect();
    world.session.stack.start(Program { name: "edge".to_owned(), executable: caddy, arguments, environment }).unwrap();
}

/// One person goes the whole way by the edge; whom the CRM then has, the deliveries speak of.
async fn first_contact(world: &World) -> String {
    let (event, token) = (person(0), world.tenant.service_token.expose_secret());
    wait::until("an edge that passes on", DEADLINE, || async {
        let sent = world.session.client().post(edge("/api/v1/events")).bearer_auth(token).json(&event).send().await;
        match sent {
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
    assert!(world.settle(1).await.is_exact());
    let entries = world.journal(0).await;
    let made = entries.iter().find(|entry| entry["object_type"] == "contacts" && entry["action"] == "created");
    made.unwrap()["id"].as_str().unwrap().to_owned()
}

/// What comes by the balancer and the edge is in the audit log with the address that the balancer wrote down.
async fn a_caller_keeps_their_address(world: &World) {
    let wish = json!({ "name": NAME, "role": "viewer", "days": 1 });
    let request = world.session.client().post(edge("/api/v1/tokens")).header("x-forwarded-for", CALLER).json(&wish);
    let made = request.bearer_auth(world.tenant.admin_token.expose_secret()).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let changes = world.ask("/api/v1/audit?action=token.created").await;
    assert_eq!(changes["data"][0]["address"], CALLER);
}

fn edge(path: &str) -> String {
    format!("http://127.0.0.1:{EDGE}{path}")
}

fn person(number: u64) -> Value {
    let data = json!({ "email": format!("rolling-{number}@exemple.fr"), "first_name": format!("Zoé {number}") });
    prospect(&format!("rolling-{number}"), "prospect.created", data)
}

/// Stops a replica as an orchestrator does, and starts it anew; the second one where a port is given.
async fn replace(world: &mut World, service: Service, second: Option<u16>) {
    let name = if second.is_some() { format!("{}-2", service.name()) } else { service.name().to_owned() };
    let status = world.session.stack.halt(&name).await;
    assert!(status.is_some_and(|status| status.success()), "{name}: {status:?}");
    match second {
        None => world.session.start(service).unwrap(),
        Some(port) => world.session.start_another(service, port).unwrap(),
    }
    let port = second.unwrap_or_else(|| service.port(world.session.ports()));
    ready(world, port).await;
    taken_up(world, port).await;
}

/// The edge has seen that a replica is ready: it asks each every second, and only then may another one go.
async fn taken_up(world: &World, port: u16) {
    let address = format!("127.0.0.1:{port}");
    wait::until("an edge that sends to the replica", DEADLINE, || async {
        let said = world.session.stack.tail("edge", 100);
        let mut checks = said.lines().rev().filter(|line| line.contains("health_checker") && line.contains(&address));
        let last = checks.next().unwrap_or_default();
        if last.contains("host is up") { Ok(()) } else { Err(last.to_owned()) }
    })
    .await;
}

async fn ready(world: &World, port: u16) {
    let url = format!("http://127.0.0.1:{port}/readyz");
    wait::until("a replica that is ready", DEADLINE, || async {
        match world.session.client().get(&url).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
}

/// Sends requests at the pace, each once and the next without waiting for it, until it is over.
fn send(
    over: &CancellationToken,
    request: impl Fn(u64) -> RequestBuilder + Send + 'static,
    id_of: fn(&Value) -> Option<&str>,
) -> JoinHandle<Sent> {
    let over = over.clone();
    tokio::spawn(async move {
        let (mut ticks, mut under_way, mut number) = (interval(PACE), Vec::new(), 0);
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            number += 1;
            under_way.push(tokio::spawn(answer(request(number))));
        }
        let mut sent = Sent { count: number, ..Sent::default() };
        for answered in under_way {
            match answered.await.unwrap() {
                Ok(said) => sent.ids.extend(id_of(&said).map(str::to_owned)),
                Err(failure) => sent.failures.push(failure),
            }
        }
        sent
    })
}

/// The body of a 202; anything else is a failure.
async fn answer(request: RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| format!("{error:?}"))?;
    if status != StatusCode::ACCEPTED {
        return Err(format!("{status} {body}"));
    }
    serde_json::from_str(&body).map_err(|error| error.to_string())
}

fn send_events(world: &World, over: &CancellationToken) -> JoinHandle<Sent> {
    let (client, token) = (world.session.client().clone(), world.tenant.service_token.expose_secret().to_owned());
    let request = move |number: u64| client.post(edge("/api/v1/events")).bearer_auth(&token).json(&person(number));
    send(over, request, |_| None)
}

/// Each says that this contact changed, and is signed for the address that HubSpot knows.
fn send_deliveries(world: &World, over: &CancellationToken, contact: &str) -> JoinHandle<Sent> {
    let client: Client = world.session.client().clone();
    let secret = world.session.webhook_secret();
    let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()));
    let known = format!("{}{WEBHOOKS}", world.session.url(Service::WebhookIngest));
    let (contact, portal): (u64, u64) = (contact.parse().unwrap(), PORTAL.parse().unwrap());
    let request = move |number: u64| {
        let millis = chrono::Utc::now().timestamp_millis();
        let body = json!([{
            "eventId": number, "subscriptionId": 3, "portalId": portal, "appId": 11, "occurredAt": millis,
            "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": contact,
            "propertyName": "city", "propertyValue": "?", "changeSource": "CRM_UI",
        }])
        .to_string();
        let signed = hmac::sign(&key, format!("POST{known}{body}{millis}").as_bytes());
        let request = client.post(edge(WEBHOOKS)).header("content-type", "application/json");
        let request = request.header("x-hubspot-request-timestamp", millis.to_string());
        request.header("x-hubspot-signature-v3", BASE64_STANDARD.encode(signed)).body(body)
    };
    send(over, request, |said| said["delivery"].as_str())
}

/// Every delivery that was answered has its row, and none has two.
async fn each_is_logged_once(world: &World, ids: &[String]) {
    let (database, _) = world.shared.as_ref().unwrap();
    let listed = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let wanted = i64::try_from(ids.len()).unwrap();
    assert!(wanted > 0, "nothing was delivered");
    let rows = format!("SELECT count(*) FROM integration_webhook_logs WHERE id IN ({listed})");
    wait::until("a row for every delivery", DEADLINE, || async {
        let logged = database.count(&rows).await;
        if logged >= wanted { Ok(()) } else { Err(logged) }
    })
    .await;
    assert_eq!(database.count(&rows).await, wanted, "a delivery was logged twice");
}
