//! The tokens of a write that a workflow is handed: they do their work, and stand nowhere afterwards.

use reqwest::Method;
use reqwest::header::IF_MATCH;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use xtask::session::Service;

use crate::canaries::{Seen, hear, listen, look_everywhere, to_gateway};
use crate::stand_in::StandIn;
use crate::world::{DEADLINE, PATIENT, World, prospect};

pub(crate) const CONTACTS: &str = "crm/objects/2026-03/contacts";

/// What a workflow is given with a write.
pub(crate) struct Passes {
    event: String,
    pub(crate) callback: String,
    pub(crate) proxy: String,
}

impl Passes {
    fn of(write: &Value) -> Self {
        let text = |name: &str| write[name].as_str().unwrap().to_owned();
        let callback = text("callback_url").split_once("?token=").unwrap().1.to_owned();
        Self { event: text("event_id"), callback, proxy: text("proxy_token") }
    }

    /// Those of the next write that n8n is handed; that it is there is asked in between.
    pub(crate) async fn handed(n8n: &mut StandIn) -> Self {
        loop {
            let asked = n8n.hears().await;
            if asked.body["test"] != true {
                return Self::of(&asked.body);
            }
        }
    }
}

#[tokio::test]
async fn the_tokens_of_a_write_stand_in_no_log_row_figure_message_or_news() {
    // Takes writes like a workflow, and does nothing with them.
    let mut n8n = StandIn::start(|_| (202, "", r#"{"accepted": true}"#)).await;
    let url = n8n.url.clone();
    let n8n_is = [("N8N__BASE_URL", url.as_str()), ("N8N__SIGNING_SECRET", "a signing secret of thirty-two bytes")];
    let world = World::on_own_servers("e2e-passes", 29_500, &[n8n_is, PATIENT].concat()).await;
    let (id, seen) = (world.tenant.integration.clone(), Seen::default());
    give_to_n8n(&world, &id).await;
    let news = listen(&world).await;
    let person = |email: &str| json!({"email": email, "first_name": "Zoé"});
    let send = async |subject: &str, email: &str| {
        let sent = world.post_event(&prospect(subject, "prospect.created", person(email))).await;
        assert_eq!(sent.status(), 202);
    };
    send("p1", "zoe@exemple.fr").await;
    let done = Passes::handed(&mut n8n).await;
    let made = call(&world, &seen, &id, &done).await;
    report(&world, &seen, (&id, &done.callback), &json!({"success": true, "hubspot_id": made})).await;
    send("p2", "paul@exemple.fr").await;
    let failed = Passes::handed(&mut n8n).await;
    let quoted = format!("POST …/sync-callback?token={} with Bearer {} failed", failed.callback, failed.proxy);
    report(&world, &seen, (&id, &failed.callback), &json!({"success": false, "error": quoted})).await;
    world.wait_for_record("zoe@exemple.fr", "the id", |record| record.to_string().contains(&made)).await;
    hear(&seen, news, &id).await;
    testkit::wait::until("the failure", DEADLINE, || async {
        let failures = world.ask(&format!("/api/v1/integrations/{id}/failures")).await;
        if failures.to_string().contains("•••") { Ok(()) } else { Err(failures) }
    })
    .await;
    look_everywhere(&world, &seen, &id).await;

    let places = seen.places_of(&done.event);
    for place in ["answers", "database", "log of api-gateway"] {
        assert!(places.contains(&place.to_owned()), "whoever does not find {place} does not look well: {places:?}");
    }
    for token in [&done.callback, &done.proxy, &failed.callback, &failed.proxy] {
        assert_eq!(seen.places_of(token), Vec::<String>::new());
        // The signature alone would do as well.
        assert_eq!(seen.places_of(token.rsplit('.').next().unwrap()), Vec::<String>::new());
    }
    world.end().await;
}

pub(crate) async fn give_to_n8n(world: &World, id: &str) {
    let token = world.tenant.admin_token.expose_secret();
    let path = format!("/api/v1/integrations/{id}");
    let shown = to_gateway(world, Method::GET, &path, token).send().await.unwrap();
    let version = shown.headers()["etag"].clone();
    let put = to_gateway(world, Method::PUT, &path, token).header(IF_MATCH, version);
    assert_eq!(put.json(&json!({"delivery": "n8n"})).send().await.unwrap().status(), 200);
}

/// Makes the contact through the proxy, after calls that are refused; its id there.
async fn call(world: &World, seen: &Seen, id: &str, passes: &Passes) -> String {
    let proxy = |path: &str, token: &str| to_gateway(world, Method::POST, &format!("/api/v1/proxy/{id}/{path}"), token);
    let body = json!({"properties": {"email": "zoe@exemple.fr", "firstname": "Zoé"}});
    let quoting = format!("{CONTACTS}?token={}", passes.proxy);
    for (path, token, status) in [
        ("elsewhere", &passes.proxy, 403),
        (quoting.as_str(), &passes.proxy, 403),
        (CONTACTS, &passes.callback, 401),
        (CONTACTS, &format!("{}x", passes.proxy), 401),
    ] {
        assert_eq!(seen.answer(proxy(path, token).json(&body)).await.0, status, "{path}");
    }
    let (status, made) = seen.answer(proxy(CONTACTS, &passes.proxy).json(&body)).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// Reports this twice, after what is no report, and before another report.
async fn report(world: &World, seen: &Seen, (id, token): (&str, &str), said: &Value) {
    let base = world.session.url(Service::ApiGateway);
    let post = |token: &str, body: String| {
        let url = format!("{base}/api/v1/integrations/{id}/sync-callback?token={token}");
        world.session.client().post(url).header("content-type", "application/json").body(body)
    };
    assert_eq!(seen.answer(post(token, "no JSON".to_owned())).await.0, 400);
    assert_eq!(seen.answer(post(&format!("{token}x"), said.to_string())).await.0, 401);
    for _ in 0..2 {
        let (status, taken) = seen.answer(post(token, said.to_string())).await;
        assert_eq!((status, &taken["received"]), (200, &json!(true)), "{taken}");
    }
    let (status, _) = seen.answer(post(token, json!({"success": true, "hubspot_id": "999"}).to_string())).await;
    assert_eq!(status, 409);
}
