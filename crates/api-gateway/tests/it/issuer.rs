//! Tokens of an issuer, whose keys come by JWKS from a server that rotates them, talks nonsense, and goes away.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use domain::id::TenantId;
use domain::time::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use testkit::wait;

use crate::pages::Browser;
use crate::world::{Answer, DEADLINE, Lines, World};

const RSA: &[u8] = include_bytes!("issuer_rsa.pem");

/// A key of the issuer, with its id.
struct Key {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    fn ed25519(id: &'static str) -> Self {
        // PKCS#8 of the first version (RFC 8410, section 7): what stands before the seed is always the same.
        let mut document = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20].to_vec();
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).unwrap();
        document.extend(seed);
        Self { id, algorithm: Algorithm::EdDSA, private: EncodingKey::from_ed_der(&document) }
    }

    fn p256(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self { id, algorithm: Algorithm::ES256, private: EncodingKey::from_ec_der(document.as_ref()) }
    }

    fn rsa(id: &'static str) -> Self {
        Self { id, algorithm: Algorithm::RS256, private: EncodingKey::from_rsa_pem(RSA).unwrap() }
    }

    fn public(&self) -> Value {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        key["kid"] = self.id.into();
        key
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.id, claims)
    }

    fn sign_as(&self, id: &str, claims: &Value) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

/// What the issuer says, and how often it was asked.
#[derive(Default)]
struct Said {
    /// Said once each, before anything else.
    first: VecDeque<String>,
    then: String,
    asked: usize,
}

#[derive(Clone, Default)]
struct Issuer {
    said: Arc<Mutex<Said>>,
}

impl Issuer {
    fn shows(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        self.said.lock().unwrap().then = json!({ "keys": keys }).to_string();
    }

    fn asked(&self) -> usize {
        self.said.lock().unwrap().asked
    }

    /// Listens; until the returned handle is stopped.
    fn start(&self) -> (u16, actix_web::dev::ServerHandle) {
        let said = web::Data::new(self.said.clone());
        let answer = |said: web::Data<Arc<Mutex<Said>>>| async move {
            let mut said = said.lock().unwrap();
            said.asked += 1;
            let body = said.first.pop_front().unwrap_or_else(|| said.then.clone());
            HttpResponse::Ok().body(body)
        };
        let app = move || App::new().app_data(said.clone()).route("/jwks.json", web::get().to(answer));
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        (port, handle)
    }
}

async fn world_of(issuer: &Issuer) -> (World, actix_web::dev::ServerHandle) {
    let (port, handle) = issuer.start();
    let settings = [
        ("AUTH__HS256_SECRET", String::new()),
        ("AUTH__JWKS_URL", format!("http://127.0.0.1:{port}/jwks.json")),
        ("AUTH__ISSUER", "https://login.example".to_owned()),
        ("AUTH__AUDIENCE", "integrations".to_owned()),
    ];
    let world = World::behind(|_, _| async { Lines { settings: settings.to_vec(), ..Lines::default() } }).await;
    (world, handle)
}

fn claims(tenant: TenantId) -> Value {
    let now = Timestamp::now().as_millis() / 1_000;
    json!({ "sub": "user_42", "tenant_id": tenant, "roles": ["admin"], "exp": now + 600,
            "iss": "https://login.example", "aud": "integrations" })
}

fn with(tenant: TenantId, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims(tenant);
    claims[name] = value.into();
    claims
}

async fn show(world: &World, token: &str) -> Answer {
    world.call(Method::GET, "/api/v1/session", Some(token), None).await
}

async fn is_let_in(world: &World, token: &str) {
    let answer = show(world, token).await;
    assert_eq!((answer.status.as_u16(), &answer.body["sub"]), (200, &json!("user_42")), "{answer:?}");
}

#[tokio::test]
async fn a_token_of_each_algorithm_says_who_asks() {
    let (issuer, keys) = (Issuer::default(), [Key::ed25519("e"), Key::p256("p"), Key::rsa("r")]);
    issuer.shows(&keys.each_ref());
    let (world, _server) = world_of(&issuer).await;
    for key in &keys {
        is_let_in(&world, &key.sign(&claims(world.tenant))).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_token_that_its_key_did_not_sign_or_that_was_made_for_others_opens_nothing() {
    let (issuer, keys) = (Issuer::default(), [Key::ed25519("e"), Key::p256("p"), Key::rsa("r")]);
    issuer.shows(&keys.each_ref());
    let (world, _server) = world_of(&issuer).await;
    let (tenant, good) = (world.tenant, claims(world.tenant));
    let [ed, ec, rsa] = &keys;
    is_let_in(&world, &ed.sign(&good)).await;
    let asked = issuer.asked();
    let now = Timestamp::now().as_millis() / 1_000;
    let mut forged = vec![
        ("another key of that id", Key::ed25519("e").sign(&good)),
        ("a key of another family", ec.sign_as("e", &good)),
        ("made for others", ed.sign(&with(tenant, "aud", "billing"))),
        ("made by others", ed.sign(&with(tenant, "iss", "https://evil.example"))),
        ("expired", ed.sign(&with(tenant, "exp", now - 120))),
        ("not valid yet", ed.sign(&with(tenant, "nbf", now + 120))),
    ];
    // The public key is public: as the secret of HS256, it would let everybody in.
    let public = rsa.public();
    for secret in [public["n"].as_str().unwrap(), &public.to_string()] {
        let header = Header { kid: Some("r".to_owned()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        forged.push(("signed by the public key", token));
    }
    // {"alg":"none","kid":"e"}
    let said = ed.sign(&good).split('.').nth(1).unwrap().to_owned();
    forged.push(("not signed", format!("eyJhbGciOiJub25lIiwia2lkIjoiZSJ9.{said}.")));
    for (what, token) in forged {
        let answer = show(&world, &token).await;
        assert_eq!(answer.status.as_u16(), 401, "{what}: {answer:?}");
        answer.is_problem(401, "token_invalid");
    }
    assert_eq!(issuer.asked(), asked, "no newer keys could have made any of these good");
    world.stop().await;
}

#[tokio::test]
async fn a_new_key_is_taken_at_once_and_strangers_cannot_make_us_ask_again_and_again() {
    let (issuer, old, new) = (Issuer::default(), Key::ed25519("old"), Key::ed25519("new"));
    issuer.shows(&[&old]);
    let (world, _server) = world_of(&issuer).await;
    wait::until("the first keys", DEADLINE, || async {
        if issuer.asked() == 1 { Ok(()) } else { Err(issuer.asked()) }
    })
    .await;
    issuer.shows(&[&old, &new]);
    is_let_in(&world, &new.sign(&claims(world.tenant))).await;
    assert_eq!(issuer.asked(), 2);
    let stranger = Key::ed25519("stranger");
    for attempt in 0..20 {
        let token = stranger.sign_as(&format!("key-{attempt}"), &claims(world.tenant));
        show(&world, &token).await.is_problem(401, "token_invalid");
    }
    assert_eq!(issuer.asked(), 2);
    is_let_in(&world, &old.sign(&claims(world.tenant))).await;
    world.stop().await;
}

#[tokio::test]
async fn keys_stay_good_while_the_issuer_is_away() {
    let (issuer, key) = (Issuer::default(), Key::ed25519("e"));
    issuer.shows(&[&key]);
    let (world, server) = world_of(&issuer).await;
    is_let_in(&world, &key.sign(&claims(world.tenant))).await;
    server.stop(false).await;
    let unknown = Key::ed25519("new").sign(&claims(world.tenant));
    show(&world, &unknown).await.is_problem(401, "token_invalid");
    is_let_in(&world, &key.sign(&claims(world.tenant))).await;
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_let_in_before_the_issuer_has_shown_a_key_and_nonsense_is_none() {
    let (issuer, key) = (Issuer::default(), Key::ed25519("e"));
    issuer.said.lock().unwrap().then = "<html>".to_owned();
    let (world, _server) = world_of(&issuer).await;
    let token = key.sign(&claims(world.tenant));
    let refused = show(&world, &token).await;
    refused.is_problem(503, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    let endless = format!("{{\"keys\":[{},{}", key.public(), " ".repeat(300 * 1024));
    issuer.said.lock().unwrap().first.push_back(endless + "]}");
    issuer.shows(&[&key]);
    // It asks again after ever longer pauses.
    wait::until("the issuer's keys", Duration::from_secs(90), || async {
        let answer = show(&world, &token).await;
        if answer.status.as_u16() == 200 { Ok(()) } else { Err(answer) }
    })
    .await;
    assert!(issuer.said.lock().unwrap().first.is_empty());
    // Nonsense does not replace what is known.
    issuer.said.lock().unwrap().then = json!({ "keys": [] }).to_string();
    show(&world, &Key::ed25519("new").sign(&claims(world.tenant))).await.is_problem(401, "token_invalid");
    is_let_in(&world, &token).await;
    world.stop().await;
}

#[tokio::test]
async fn an_issuers_tokens_are_called_as_it_likes_and_none_are_made_here() {
    let (issuer, key) = (Issuer::default(), Key::ed25519("a"));
    issuer.shows(&[&key]);
    let (world, handle) = world_of(&issuer).await;
    for name in [json!("4f1c"), json!(7), Value::Null] {
        is_let_in(&world, &key.sign(&with(world.tenant, "jti", name))).await;
    }
    let token = key.sign(&claims(world.tenant));
    let refused = world.call(Method::POST, "/api/v1/tokens", Some(&token), Some(crate::tokens::wish())).await;
    refused.is_problem(409, "tokens_issued_elsewhere");
    let listed = world.call(Method::GET, "/api/v1/tokens", Some(&token), None).await;
    assert_eq!((listed.status.as_u16(), &listed.body["data"]), (200, &json!([])), "{listed:?}");
    let mut browser = Browser::new(&world);
    assert_eq!(browser.send("/dashboard/login", &[("token", &token)]).await.status, 303);
    let page = browser.get("/dashboard/settings").await;
    page.says("Ici, les jetons sont émis par le service d'identité de Coccinelle.");
    assert!(!page.html.contains("/settings/tokens"), "nothing is asked that would be refused: {page:?}");
    world.stop().await;
    handle.stop(true).await;
}
