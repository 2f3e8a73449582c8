//! Browsers that are let in by a cookie: from the token to the end, and everything that another site might try.

use domain::access::Role;
use domain::time::Timestamp;
use persistence::{Scope, sessions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::wish;
use crate::world::{Answer, World, token};

const PATH: &str = "/api/v1/session";

/// A browser that holds a session.
pub(crate) struct Browser {
    cookie: String,
    csrf_token: String,
}

impl Browser {
    pub(crate) async fn of(world: &World, token: &str) -> Self {
        let answer = world.call(Method::POST, PATH, Some(token), None).await;
        assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
        let set = answer.headers["set-cookie"].to_str().unwrap();
        for attribute in ["__Host-coccinelle_session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/;", "Expires="] {
            assert!(set.contains(attribute), "{attribute} of {set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        Self { cookie, csrf_token: answer.body["csrf_token"].as_str().unwrap().to_owned() }
    }

    fn secret(&self) -> &str {
        self.cookie.rsplit_once('.').unwrap().1
    }

    async fn get(&self, world: &World, path: &str) -> Answer {
        world.ask(Method::GET, path, &[("cookie", &self.cookie)], None).await
    }

    /// A stream of news.
    pub(crate) async fn stream(&self, world: &World) -> reqwest::Response {
        let request =
            reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}/api/v1/stream", world.url()));
        request.header("cookie", &self.cookie).send().await.unwrap()
    }

    /// As our own page does it.
    pub(crate) async fn write(&self, world: &World, method: Method, path: &str, body: Option<Value>) -> Answer {
        let headers =
            [("cookie", self.cookie.as_str()), ("x-csrf-token", &self.csrf_token), ("sec-fetch-site", "same-origin")];
        world.ask(method, path, &headers, body).await
    }
}

#[tokio::test]
async fn a_token_begins_a_session_that_looks_and_changes_until_it_is_ended() {
    let world = World::start().await;
    let browser = Browser::of(&world, &world.token(Role::Admin)).await;
    let shown = browser.get(&world, PATH).await;
    assert_eq!(shown.body["csrf_token"], browser.csrf_token, "{shown:?}");
    assert_eq!((&shown.body["sub"], &shown.body["roles"]), (&json!("a test"), &json!(["admin"])));
    assert_eq!(shown.body["tenant_id"], world.tenant.to_string());
    let connected = browser.write(&world, Method::POST, "/api/v1/integrations", Some(wish("pat-eu1-4242-demo"))).await;
    assert_eq!(connected.status.as_u16(), 201, "{connected:?}");
    let listed = browser.get(&world, "/api/v1/integrations/configured").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);

    let ended = browser.write(&world, Method::DELETE, PATH, None).await;
    assert_eq!(ended.status.as_u16(), 204, "{ended:?}");
    let forgotten = ended.headers["set-cookie"].to_str().unwrap();
    assert!(forgotten.starts_with("__Host-coccinelle_session=;") && forgotten.contains("1970"), "{forgotten}");
    browser.get(&world, PATH).await.is_problem(401, "session_ended");
    world.stop().await;
}

#[tokio::test]
async fn a_session_may_what_its_token_might_and_cannot_prolong_itself() {
    let world = World::start().await;
    let browser = Browser::of(&world, &world.token(Role::Viewer)).await;
    let refused = browser.write(&world, Method::POST, "/api/v1/integrations", Some(wish("pat-eu1-4242-demo"))).await;
    refused.is_problem(403, "role_missing");
    browser.write(&world, Method::POST, PATH, None).await.is_problem(401, "token_missing");
    // The next one of the same browser ends the one before.
    let headers =
        [("cookie", browser.cookie.as_str()), ("authorization", &format!("Bearer {}", world.token(Role::Viewer)))];
    let next = world.ask(Method::POST, PATH, &headers, None).await;
    assert_eq!(next.status.as_u16(), 201, "{next:?}");
    browser.get(&world, PATH).await.is_problem(401, "session_ended");
    world.stop().await;
}

#[tokio::test]
async fn another_site_changes_nothing_and_neither_does_who_lacks_the_sessions_token() {
    let world = World::start().await;
    let browser = Browser::of(&world, &world.token(Role::Admin)).await;
    let other = Browser::of(&world, &world.token(Role::Admin)).await;
    let cookie = ("cookie", browser.cookie.as_str());
    let token = ("x-csrf-token", browser.csrf_token.as_str());
    for headers in [
        vec![cookie],
        vec![cookie, token],
        vec![cookie, ("sec-fetch-site", "same-origin")],
        vec![cookie, token, ("sec-fetch-site", "cross-site")],
        vec![cookie, token, ("origin", "https://evil.example")],
        vec![cookie, ("x-csrf-token", &other.csrf_token), ("sec-fetch-site", "same-origin")],
    ] {
        let answer = world.ask(Method::POST, "/api/v1/integrations", &headers, Some(wish("pat-eu1-4242-demo"))).await;
        assert_eq!(answer.status.as_u16(), 403, "{headers:?}: {answer:?}");
        answer.is_problem(403, "csrf_refused");
    }
    assert_eq!(browser.get(&world, "/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn a_session_lives_no_longer_than_its_token_nor_than_eight_hours() {
    let world = World::start().await;
    for (lifetime, limit) in [(600, 600), (30 * 86_400, 8 * 3_600)] {
        let begun = Timestamp::now();
        let token = token(world.tenant, Role::Viewer, lifetime);
        let answer = world.call(Method::POST, PATH, Some(&token), None).await;
        let ends = Timestamp::parse(answer.body["expires_at"].as_str().unwrap()).unwrap();
        let lasts = begun.until(ends).as_secs();
        assert!((limit - 60..=limit + 60).contains(&lasts), "{lasts} for a token of {lifetime}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_cookie_that_is_another_tenants_or_made_up_or_over_opens_nothing() {
    let world = World::start().await;
    let browser = Browser::of(&world, &world.token(Role::Admin)).await;
    let stranger = world.other_tenant().await;
    let name = browser.cookie.split_once('=').unwrap().0;
    let (tenant, secret) = (world.tenant, browser.secret());
    let over = vault::fingerprint("session", &["x".repeat(43).as_bytes()]);
    let old = sessions::Session {
        sub: "someone".to_owned(),
        roles: vec![Role::Admin],
        expires_at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        token: None,
    };
    let mut tx = world.owner().begin(Scope::System).await.unwrap();
    sessions::begin(&mut tx, tenant, &over, &old).await.unwrap();
    tx.commit().await.unwrap();
    for value in [
        format!("{stranger}.{secret}"),
        format!("{tenant}.{}", "x".repeat(43)),
        format!("{tenant}.{}", "y".repeat(43)),
        format!("{tenant}.{secret}x"),
        format!("{tenant}."),
        format!("x.{secret}"),
        secret.to_owned(),
        String::new(),
    ] {
        let answer = world.ask(Method::GET, PATH, &[("cookie", &format!("{name}={value}"))], None).await;
        assert_eq!(answer.status.as_u16(), 401, "{value}: {answer:?}");
        answer.is_problem(401, "session_ended");
    }
    // What the database holds lets nobody in.
    let kept = format!("SELECT count(*) FROM sessions WHERE sessions::text LIKE '%{secret}%'");
    assert_eq!(world.database.count(&kept).await, 0);
    assert_eq!(world.database.count("SELECT count(*) FROM sessions").await, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_person_keeps_a_bounded_number_of_sessions() {
    let world = World::start().await;
    let first = Browser::of(&world, &world.token(Role::Viewer)).await;
    for _ in 0..sessions::LIMIT {
        Browser::of(&world, &world.token(Role::Viewer)).await;
    }
    first.get(&world, PATH).await.is_problem(401, "session_ended");
    let kept = world.database.count("SELECT count(*) FROM sessions").await;
    assert_eq!(usize::try_from(kept).unwrap(), usize::try_from(sessions::LIMIT).unwrap());
    world.stop().await;
}

#[tokio::test]
async fn a_good_token_of_a_tenant_that_is_not_here_begins_nothing() {
    let world = World::start().await;
    let nowhere = token(domain::id::TenantId::new(), Role::Admin, 600);
    world.call(Method::POST, PATH, Some(&nowhere), None).await.is_problem(403, "tenant_unknown");
    world.stop().await;
}
