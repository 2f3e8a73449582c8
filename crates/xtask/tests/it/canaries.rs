//! Secrets that cannot be mistaken go through the whole system, and are looked for wherever something is shown or kept.

use std::cell::RefCell;
use std::collections::BTreeSet;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::Service;

use crate::world::{DEADLINE, World, prospect};

/// The platform takes it.
const GOOD_KEY: &str = "pat-eu1-4343-canary-good-key-5e1f";
const WRONG_KEY: &str = "canary-wrong-key-77ab";
const MISPLACED_KEY: &str = "canary-misplaced-key-c0de";
const WRONG_TOKEN: &str = "canary-wrong-token-1234";
/// The app's secret at the platform, by which its deliveries are signed.
const WEBHOOK_SECRET: &str = "sandbox-secret";
/// What the stand-in's grants for the account begin with to which a person consents: access tokens and refresh tokens.
const GRANTED: [&str; 2] = ["CSbx-4344.", "eu1-4344."];
const SHOP_KEY: &str = "ck_1111111111111111111111111111111111111111";
const SHOP_SECRET: &str = "cs_1111111111111111111111111111111111111111";
const ALERT_ADDRESS: &str = "canary-alert-address-41c2";
const ALERT_SECRET: &str = "canary-alert-secret-d00f";

/// No secrets: kept in clear, so whoever does not find them does not look well.
const CONTROL_NAME: &str = "control-name-in-clear";
const CONTROL_SUBJECT: &str = "control-subject-in-clear";

/// Everything that was seen of the system, by place.
#[derive(Default)]
pub(crate) struct Seen(RefCell<Vec<(String, String)>>);

impl Seen {
    fn add(&self, place: &str, text: String) {
        self.0.borrow_mut().push((place.to_owned(), text));
    }

    /// Sends it, and keeps the whole answer.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        let (status, _, body) = self.whole_answer(request).await;
        (status, body)
    }

    async fn whole_answer(&self, request: RequestBuilder) -> (u16, HeaderMap, Value) {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        self.add("answers", format!("{status} {headers:?} {text}"));
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The places where this stands.
    pub(crate) fn places_of(&self, needle: &str) -> Vec<String> {
        let seen = self.0.borrow();
        let mut places: Vec<_> =
            seen.iter().filter(|(_, text)| text.contains(needle)).map(|(place, _)| place.clone()).collect();
        places.dedup();
        places
    }
}

#[tokio::test]
async fn no_secret_is_shown_logged_counted_queued_or_kept_in_clear() {
    let mut world = World::on_own_servers("e2e-canaries", 29_000, &[]).await;
    let seen = Seen::default();
    let id = connect(&world, &seen).await;
    let news = listen(&world).await;
    let browser = Browser::begin(&world).await;
    let code = consent(&world, &seen).await;
    connect_shop(&world, &seen).await;
    name_alert_webhook(&world, &seen).await;
    let token = make_token(&world, &seen).await;
    misplace(&world, &seen).await;
    fail_at_the_platform(&world, &seen, &id).await;
    deliver(&world, &seen).await;
    leave_messages(&mut world, &seen).await;
    look_everywhere(&world, &seen, &id).await;
    hear(&seen, news, &id).await;
    browser.look_at_every_page(&world, &seen, &id).await;

    assert_eq!(seen.places_of(CONTROL_NAME), ["answers", "database", "pages"]);
    assert_eq!(seen.places_of(&browser.csrf_token), ["pages"], "it goes back with forms, and is nowhere else");
    assert_eq!(seen.places_of(&browser.secret), Vec::<String>::new(), "the secret of a browser's session");
    let places = seen.places_of(CONTROL_SUBJECT);
    assert!(places.len() == 1 && places[0].starts_with("queue dispatcher.event.merge"), "{places:?}");
    assert!(seen.places_of(&id).contains(&"log of api-gateway".to_owned()), "the logs hold what they should");
    for (name, secret) in secrets(&world)
        .into_iter()
        .chain([("a consent's code".to_owned(), code), ("a program's token".to_owned(), token)])
    {
        assert_eq!(seen.places_of(&secret), Vec::<String>::new(), "{name}");
    }
    world.end().await;
}

/// What must not be found anywhere.
fn secrets(world: &World) -> Vec<(String, String)> {
    let planted = [GOOD_KEY, WRONG_KEY, MISPLACED_KEY, WRONG_TOKEN, WEBHOOK_SECRET, SHOP_KEY, SHOP_SECRET];
    let planted = planted.into_iter().chain(GRANTED).chain([ALERT_ADDRESS, ALERT_SECRET]);
    let mut all: Vec<_> = planted.map(|secret| (secret.to_owned(), secret.to_owned())).collect();
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(world.session.home().path(name)).unwrap()).unwrap()
    };
    let ours = read("secrets.json");
    let keys = read("key-ring.json")["keys"].clone();
    for (name, value) in ours.as_object().unwrap().iter().chain(keys.as_object().unwrap()) {
        let value = value.as_str().unwrap();
        assert!(value.len() >= 32, "{name}");
        all.push((name.clone(), value.trim_end_matches('=').to_owned()));
    }
    for token in [&world.tenant.admin_token, &world.tenant.service_token] {
        all.push(("a token".to_owned(), token.expose_secret().to_owned()));
    }
    all
}

pub(crate) fn to_gateway(world: &World, method: Method, path: &str, token: &str) -> RequestBuilder {
    let url = format!("{}{path}", world.session.url(Service::ApiGateway));
    world.session.client().request(method, url).bearer_auth(token)
}

fn wish(key: &str) -> Value {
    json!({ "name": CONTROL_NAME, "platform": "hubspot", "credentials": { "api_key": key } })
}

/// An account is connected with a good key, after the platform has refused a wrong one.
async fn connect(world: &World, seen: &Seen) -> String {
    let token = world.tenant.admin_token.expose_secret();
    let post = |path: &str| to_gateway(world, Method::POST, path, token);
    let (status, _) = seen.answer(post("/api/v1/integrations").json(&wish(WRONG_KEY))).await;
    assert_eq!(status, 422);
    let (status, made) = seen.answer(post("/api/v1/integrations").json(&wish(GOOD_KEY))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    for step in ["enable", "test"] {
        assert_eq!(seen.answer(post(&format!("/api/v1/integrations/{id}/{step}"))).await.0, 200);
    }
    assert_eq!(seen.answer(post("/api/v1/integrations").json(&wish(GOOD_KEY))).await.0, 409);
    for path in [format!("/api/v1/integrations/{id}"), "/api/v1/integrations/configured".to_owned()] {
        assert_eq!(seen.answer(to_gateway(world, Method::GET, &path, token)).await.0, 200);
    }
    id
}

/// A person consents on the platform's page, and a token is used that was granted then. Returns the code that was exchanged.
async fn consent(world: &World, seen: &Seen) -> String {
    let token = world.tenant.admin_token.expose_secret();
    let post = |path: &str| to_gateway(world, Method::POST, path, token);
    let (status, made) =
        seen.answer(post("/api/v1/integrations").json(&json!({ "name": "Consented", "platform": "hubspot" }))).await;
    assert_eq!(status, 201, "{made}");
    let here = format!("/api/v1/integrations/{}", made["id"].as_str().unwrap());
    let (status, headers, begun) = seen.whole_answer(post(&format!("{here}/oauth/start")).json(&json!({}))).await;
    assert_eq!(status, 200, "{begun}");
    let page: Url = begun["authorize_url"].as_str().unwrap().parse().unwrap();
    let asked = page.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    let form = asked.chain([("account", "4344"), ("decision", "grant")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let browser = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let decided = format!("{}/hubspot/oauth/authorize", world.session.url(Service::Sandbox));
    let answer = browser.post(decided).form(&form.collect::<Vec<_>>()).send().await.unwrap();
    let back: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let cookie = headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
    assert_eq!(seen.answer(browser.get(back).header(COOKIE, cookie)).await.0, 303);
    let (_, tried) = seen.answer(post(&format!("{here}/test"))).await;
    assert_eq!((&tried["ok"], &tried["account"]["id"]), (&json!(true), &json!("4344")), "{tried}");
    code
}

/// A shop has a key and a secret.
async fn connect_shop(world: &World, seen: &Seen) {
    let token = world.tenant.admin_token.expose_secret();
    let wish = json!({
        "name": "Boutique", "platform": "woocommerce",
        "url": format!("{}/woocommerce/boutique", world.session.url(Service::Sandbox)),
        "credentials": { "api_key": SHOP_KEY, "api_secret": SHOP_SECRET },
    });
    let (status, made) = seen.answer(to_gateway(world, Method::POST, "/api/v1/integrations", token).json(&wish)).await;
    assert_eq!(status, 201, "{made}");
}

/// The address of a tenant's own webhook is a secret, and so is what signs it.
async fn name_alert_webhook(world: &World, seen: &Seen) {
    let token = world.tenant.admin_token.expose_secret();
    let url = format!("https://alerts.example.fr/{ALERT_ADDRESS}");
    let wish = json!({
        "language": "fr", "time_zone": "Europe/Paris", "region": "FR", "alert_emails": [],
        "alert_webhooks": [{ "name": "Ours", "form": "signed", "url": url, "secret": ALERT_SECRET }],
        "retention_days": 30, "redaction": {}, "conflict_policy": {},
    });
    let put = to_gateway(world, Method::PUT, "/api/v1/settings", token).header("if-match", "\"0\"").json(&wish);
    let (status, set) = seen.answer(put).await;
    assert_eq!((status, &set["alert_webhooks"][0]["host"]), (200, &json!("alerts.example.fr")), "{set}");
}

/// An admin makes a token for a program, which uses it until it is revoked. The answer that shows it is kept nowhere.
async fn make_token(world: &World, seen: &Seen) -> String {
    let admin = world.tenant.admin_token.expose_secret();
    let path = "/api/v1/tokens";
    let wish = json!({ "name": "Export", "role": "viewer", "days": 30 });
    let made = to_gateway(world, Method::POST, path, admin).json(&wish).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let (token, id) = (made["token"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap());
    let used = || seen.answer(to_gateway(world, Method::GET, "/api/v1/session", &token));
    assert_eq!(used().await.0, 200);
    assert_eq!(seen.answer(to_gateway(world, Method::DELETE, &format!("{path}/{id}"), admin)).await.0, 204);
    assert_eq!(used().await.0, 401);
    assert_eq!(seen.answer(to_gateway(world, Method::GET, path, admin)).await.0, 200);
    token
}

/// Secrets where none belongs: in other fields, in what is no JSON, in a query, in a header.
async fn misplace(world: &World, seen: &Seen) {
    let token = world.tenant.admin_token.expose_secret();
    let bodies = [
        json!({ "name": "x", "platform": "hubspot", "credentials": MISPLACED_KEY }).to_string(),
        json!({ "name": "x", "platform": MISPLACED_KEY, "credentials": { "api_key": MISPLACED_KEY } }).to_string(),
        json!({ "name": "x", "platform": "hubspot", "direction": MISPLACED_KEY, "credentials": { "api_key": "k" } })
            .to_string(),
        format!(r#"{{"name": "x", "credentials": {{"api_key": "{MISPLACED_KEY}"#),
    ];
    for body in bodies {
        let request = to_gateway(world, Method::POST, "/api/v1/integrations", token).body(body);
        let (status, _) = seen.answer(request.header("content-type", "application/json")).await;
        assert!((400..500).contains(&status), "{status}");
    }
    let event =
        json!({ "event_id": MISPLACED_KEY, "type": MISPLACED_KEY, "occurred_at": MISPLACED_KEY, "subject_id": 1 });
    assert_eq!(seen.answer(to_gateway(world, Method::POST, "/api/v1/events", token).json(&event)).await.0, 422);
    let path = format!("/api/v1/records?api_key={MISPLACED_KEY}&cursor={MISPLACED_KEY}");
    assert!((400..500).contains(&seen.answer(to_gateway(world, Method::GET, &path, token)).await.0));
    assert_eq!(seen.answer(to_gateway(world, Method::GET, "/api/v1/records", WRONG_TOKEN)).await.0, 401);
}

/// The platform refuses, breaks and heals, while there is something to write.
async fn fail_at_the_platform(world: &World, seen: &Seen, id: &str) {
    let token = world.tenant.admin_token.expose_secret();
    for (status, class) in [(500, "unavailable"), (401, "unauthorized")] {
        let switches = json!({ "fail_all_status": status });
        world.sandbox(Method::PUT, "/hubspot/4343/faults", Some(switches)).await;
        let data = json!({ "email": format!("zoe{status}@exemple.fr") });
        let event = prospect(&format!("p{status}"), "prospect.created", data);
        let sent = to_gateway(world, Method::POST, "/api/v1/events", world.tenant.service_token.expose_secret());
        assert_eq!(seen.answer(sent.json(&event)).await.0, 202);
        let logs = format!("/api/v1/integrations/{id}/logs?status=failed");
        wait::until(&format!("a failure that is {class} in the log"), DEADLINE, || async {
            let (_, page) = seen.answer(to_gateway(world, Method::GET, &logs, token)).await;
            if page["data"].to_string().contains(class) { Ok(()) } else { Err(page) }
        })
        .await;
        let path = format!("/api/v1/integrations/{id}/test");
        let (_, tried) = seen.answer(to_gateway(world, Method::POST, &path, token)).await;
        assert_eq!(tried["ok"], false, "{tried}");
    }
    world.sandbox(Method::PUT, "/hubspot/4343/faults", Some(json!({ "fail_all_status": null }))).await;
}

/// Deliveries that are signed with the secret, that are not, and that are no deliveries.
async fn deliver(world: &World, seen: &Seen) {
    let contact = world.contact_by_hand(json!({ "email": "main@exemple.fr" })).await;
    for (secret, status) in [(WEBHOOK_SECRET, 202), ("another secret", 401)] {
        let answer = world.deliver_change(&contact, secret).await;
        assert_eq!(answer.status(), status);
        seen.add("answers", format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap()));
    }
    let url = format!("{}/webhooks/integrations/hubspot", world.session.url(Service::WebhookIngest));
    let junk = world.session.client().post(url).header("x-hubspot-signature-v3", WEBHOOK_SECRET);
    assert_eq!(seen.answer(junk.body(WEBHOOK_SECRET)).await.0, 401);
}

/// With nobody there to take them, messages stay where they can be looked at.
async fn leave_messages(world: &mut World, seen: &Seen) {
    look_at_metrics(world, seen, Service::SyncDispatcher).await;
    world.session.stack.halt(Service::SyncDispatcher.name()).await;
    let event = prospect(CONTROL_SUBJECT, "prospect.created", json!({ "email": "file@exemple.fr" }));
    assert_eq!(world.post_event(&event).await.status(), 202);
    let contact = "1";
    assert_eq!(world.deliver_change(contact, WEBHOOK_SECRET).await.status(), 202);
}

/// A stream of news, which is read in the end.
pub(crate) async fn listen(world: &World) -> Response {
    let url = format!("{}/api/v1/stream", world.session.url(Service::ApiGateway));
    let client = Client::builder().no_proxy().build().unwrap();
    let stream = client.get(url).bearer_auth(world.tenant.admin_token.expose_secret()).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    stream
}

/// Everything that was told until something was said of the integration.
pub(crate) async fn hear(seen: &Seen, mut news: Response, id: &str) {
    let mut heard = String::new();
    while !heard.contains(id) {
        let next = tokio::time::timeout(DEADLINE, news.chunk()).await;
        let chunk = next.unwrap_or_else(|_| panic!("nothing was told of {id}: {heard}")).unwrap();
        heard.push_str(&String::from_utf8_lossy(&chunk.expect("the stream goes on")));
    }
    seen.add("news", heard);
}

/// A browser's session, whose answer is kept nowhere.
struct Browser {
    client: Client,
    cookie: String,
    secret: String,
    csrf_token: String,
}

impl Browser {
    async fn begin(world: &World) -> Self {
        let token = world.tenant.admin_token.expose_secret();
        let begun = to_gateway(world, Method::POST, "/api/v1/session", token).send().await.unwrap();
        assert_eq!(begun.status(), 201);
        let cookie = begun.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let secret = cookie.rsplit(['.', '=']).next().unwrap().to_owned();
        assert!(secret.len() >= 32, "{cookie}");
        let said: Value = begun.json().await.unwrap();
        let csrf_token = said["csrf_token"].as_str().unwrap().to_owned();
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { client, cookie, secret, csrf_token }
    }

    /// From the first page on, every one to which a page leads.
    async fn look_at_every_page(&self, world: &World, seen: &Seen, id: &str) {
        let base = world.session.url(Service::ApiGateway);
        let mut known = BTreeSet::from(["/dashboard/integrations".to_owned()]);
        let mut ahead: Vec<String> = known.iter().cloned().collect();
        while let Some(path) = ahead.pop() {
            let page = self.client.get(format!("{base}{path}")).header(COOKIE, &self.cookie).send().await.unwrap();
            assert!(page.status().as_u16() < 500, "{path}: {}", page.status());
            let html = page.text().await.unwrap();
            for link in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let link = link.replace("&#38;", "&");
                if link.starts_with("/dashboard") && !link.contains('#') && known.insert(link.clone()) {
                    ahead.push(link);
                }
            }
            seen.add("pages", html);
        }
        for tab in ["data", "fields", "failures", "logs", "settings", "webhooks"] {
            let path = format!("/dashboard/integrations/{id}/{tab}");
            assert!(known.iter().any(|page| page.starts_with(&path)), "{path} is not among {known:?}");
        }
    }
}

pub(crate) async fn look_everywhere(world: &World, seen: &Seen, id: &str) {
    let services = world.session.services.as_ref().unwrap();
    let broker = services.rabbitmq.management_url().unwrap().clone();
    look_into_queues(world, seen, broker).await;
    let database = services.postgres.database("coccinelle").await.unwrap();
    seen.add("database", testkit::dump(database.as_str()).await);
    assert!(seen.places_of(id).contains(&"database".to_owned()));
    for service in Service::ALL.into_iter().filter(|service| *service != Service::Sandbox) {
        if service != Service::SyncDispatcher {
            look_at_metrics(world, seen, service).await;
        }
        let log = world.session.home().path(&format!("logs/{}.log", service.name()));
        seen.add(&format!("log of {}", service.name()), std::fs::read_to_string(log).unwrap());
    }
}

async fn look_at_metrics(world: &World, seen: &Seen, service: Service) {
    let url = format!("{}/metrics", world.session.url(service));
    let text = world.session.client().get(url).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("# TYPE"), "{text}");
    // A label that named one of these would grow with each of them.
    let is_named =
        |line: &&str| ["ten", "int", "rec", "lnk", "run"].iter().any(|noun| line.contains(&format!("\"{noun}_0")));
    assert_eq!(text.lines().find(is_named), None, "{}", service.name());
    seen.add(&format!("metrics of {}", service.name()), text);
}

/// All messages of all queues, dead letters and those that wait included; they stay.
async fn look_into_queues(world: &World, seen: &Seen, management: Url) {
    let client = world.session.client();
    let queues = management.join("api/queues/%2F").unwrap();
    let queues: Value = client.get(queues).send().await.unwrap().json().await.unwrap();
    let names: Vec<_> = queues.as_array().unwrap().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("dead.")), "{names:?}");
    for name in names {
        let url = management.join(&format!("api/queues/%2F/{name}/get")).unwrap();
        let how = json!({ "count": 10_000, "ackmode": "ack_requeue_true", "encoding": "auto" });
        let messages = client.post(url).json(&how).send().await.unwrap().error_for_status().unwrap();
        seen.add(&format!("queue {name}"), messages.text().await.unwrap());
    }
}
