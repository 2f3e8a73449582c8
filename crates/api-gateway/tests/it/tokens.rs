//! Tokens that admins make for programs: shown once, listed, used, revoked here and elsewhere, and never another tenant's.

use domain::access::Role;
use domain::id::{TenantId, TokenId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::wait;

use crate::people::ids;
use crate::sessions::Browser;
use crate::world::{Answer, DEADLINE, World, token};

const PATH: &str = "/api/v1/tokens";

/// A token that is good.
pub(crate) fn wish() -> Value {
    json!({ "name": "CRM export", "role": "viewer", "days": 30 })
}

/// A token that was just made, and its id; the gateway knows already which tokens are revoked.
pub(crate) async fn made(world: &World, role: &str) -> (String, String) {
    let made = world.post(PATH, json!({ "name": "CRM export", "role": role, "days": 30 })).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let token = made.body["token"].as_str().unwrap().to_owned();
    wait::until("the gateway to have read what is revoked", DEADLINE, || async {
        let answer = who(world, &token).await;
        if answer.status.as_u16() == 503 { Err(answer) } else { Ok(()) }
    })
    .await;
    (token, made.body["id"].as_str().unwrap().to_owned())
}

async fn who(world: &World, token: &str) -> Answer {
    world.call(Method::GET, "/api/v1/session", Some(token), None).await
}

async fn listed(world: &World) -> Answer {
    world.call(Method::GET, PATH, Some(&world.token(Role::Admin)), None).await
}

/// Somebody revokes it at another replica, of which this one knows nothing.
async fn revoke_elsewhere(world: &World, id: &str) {
    world.database.execute(&format!("UPDATE api_tokens SET revoked_at = now() WHERE id = '{id}'")).await;
}

async fn is_refused_soon(world: &World, token: &str) {
    wait::until("the token to be refused here as well", DEADLINE, || async {
        let answer = who(world, token).await;
        if answer.status.as_u16() == 401 { Ok(answer) } else { Err(answer) }
    })
    .await
    .is_problem(401, "token_invalid");
}

#[tokio::test]
async fn a_token_is_shown_once_lets_its_role_in_and_is_listed_without_it() {
    let world = World::start().await;
    let (token, id) = made(&world, "viewer").await;
    let said = who(&world, &token).await;
    assert_eq!((&said.body["sub"], &said.body["roles"]), (&json!(format!("CRM export ({id})")), &json!(["viewer"])));
    assert_eq!(said.body["tenant_id"], world.tenant.to_string());
    world.call(Method::POST, PATH, Some(&token), Some(wish())).await.is_problem(403, "role_missing");

    let list = listed(&world).await;
    let row = &list.body["data"][0];
    assert_eq!((&row["id"], &row["name"], &row["role"]), (&json!(id), &json!("CRM export"), &json!("viewer")));
    assert_eq!((&row["created_by"], &row["revoked_at"]), (&json!("a test"), &Value::Null));
    let hint = row["hint"].as_str().unwrap().strip_prefix("••••").unwrap();
    assert!(hint.len() == 4 && token.ends_with(hint), "{hint}");
    assert_eq!(list.body["next_cursor"], Value::Null);
    let lifetime = "SELECT count(*) FROM api_tokens WHERE expires_at - created_at = interval '30 days'";
    assert_eq!(world.database.count(lifetime).await, 1);
    assert!(!list.body.to_string().contains(&token), "{list:?}");
    assert!(!testkit::dump(&world.database.url()).await.contains(&token), "the token lies in the database");
    wait::until("its use to be noted", DEADLINE, || async {
        let row = listed(&world).await.body["data"][0].clone();
        if row["last_used_at"].is_string() { Ok(()) } else { Err(row) }
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_a_token_is_told_place_by_place() {
    let world = World::start().await;
    for (name, value, path) in [
        ("name", json!(""), "name"),
        ("name", json!(" \u{a0}"), "name"),
        ("name", json!("a\nb"), "name"),
        ("name", json!("x".repeat(51)), "name"),
        ("days", json!(0), "days"),
        ("days", json!(366), "days"),
        ("days", json!(70_000), "days"),
        ("role", json!("owner"), "role"),
        ("roles", json!(["admin"]), "roles"),
    ] {
        let mut wish = wish();
        wish[name] = value;
        let refused = world.post(PATH, wish).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [path], "{refused:?}");
    }
    let longest = json!({ "name": "\u{1f41e}".repeat(50), "role": "service", "days": 365 });
    let made = world.post(PATH, longest).await;
    let said = who(&world, made.body["token"].as_str().unwrap()).await;
    assert!(matches!(said.status.as_u16(), 200 | 503), "its subject is not too long: {said:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_where_it_was_revoked_and_soon_everywhere() {
    let world = World::start().await;
    let ((here, id), (there, other)) = (made(&world, "viewer").await, made(&world, "admin").await);
    let revoked = world.delete(&format!("{PATH}/{id}")).await;
    assert_eq!(revoked.status.as_u16(), 204, "{revoked:?}");
    who(&world, &here).await.is_problem(401, "token_invalid");
    world.delete(&format!("{PATH}/{id}")).await.is_problem(409, "token_over");
    assert_eq!(who(&world, &there).await.status.as_u16(), 200);
    revoke_elsewhere(&world, &other).await;
    is_refused_soon(&world, &there).await;
    who(&world, &here).await.is_problem(401, "token_invalid");
    let list = listed(&world).await;
    let of = |id: &str| list.body["data"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    assert_eq!(of(&id)["revoked_by"], "a test");
    assert!(of(&id)["revoked_at"].is_string() && of(&other)["revoked_at"].is_string(), "{list:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_session_and_a_stream_end_with_the_token_that_began_them() {
    let world = World::start().await;
    let (token, id) = made(&world, "viewer").await;
    let browser = Browser::of(&world, &token).await;
    let mut streams = [world.stream(&token, None).await, browser.stream(&world).await];
    assert_eq!(browser.write(&world, Method::GET, "/api/v1/session", None).await.status.as_u16(), 200);
    assert_eq!(world.delete(&format!("{PATH}/{id}")).await.status.as_u16(), 204);
    browser.write(&world, Method::GET, "/api/v1/session", None).await.is_problem(401, "session_ended");
    for stream in &mut streams {
        assert_eq!(stream.status().as_u16(), 200);
        let end = async { while stream.chunk().await.unwrap().is_some() {} };
        tokio::time::timeout(DEADLINE, end).await.expect("the stream ends");
    }
    world.stop().await;
}

#[tokio::test]
async fn making_and_revoking_is_told_with_who_and_what() {
    let world = World::start().await;
    let (token, id) = made(&world, "admin").await;
    // What a token does, it does under its own name.
    let second = world.call(Method::POST, PATH, Some(&token), Some(wish())).await;
    assert_eq!(second.body["created_by"], format!("CRM export ({id})"), "{second:?}");
    world.delete(&format!("{PATH}/{id}")).await;
    let path = format!("/api/v1/audit?target={id}");
    let told = world.call(Method::GET, &path, Some(&world.token(Role::Admin)), None).await;
    let rows = told.body["data"].as_array().unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row["action"].as_str().unwrap(), row["sub"].as_str().unwrap())).collect();
    assert_eq!(rows, [("token.revoked", "a test"), ("token.created", "a test")]);
    let created = told.body["data"][1]["changes"].to_string();
    assert!(created.contains("CRM export") && created.contains("admin") && !created.contains(&token), "{created}");
    world.stop().await;
}

#[tokio::test]
async fn a_repetition_is_told_the_same_token_and_makes_no_other() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token(Role::Admin));
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
    let answers = join_all((0..5).map(|_| world.ask(Method::POST, PATH, &headers, Some(wish())))).await;
    let again = world.ask(Method::POST, PATH, &headers, Some(wish())).await;
    assert_eq!((again.status.as_u16(), &again.headers["idempotent-replayed"]), (201, &"true".parse().unwrap()));
    for answer in &answers {
        assert_eq!(answer.body, again.body);
    }
    assert_eq!(world.database.count("SELECT count(*) FROM api_tokens").await, 1);
    let token = again.body["token"].as_str().unwrap();
    assert!(!testkit::dump(&world.database.url()).await.contains(token), "the token lies in the database");
    world.stop().await;
}

#[tokio::test]
async fn tokens_of_one_tenant_are_neither_seen_nor_revoked_by_another() {
    let world = World::start().await;
    let (token, id) = made(&world, "viewer").await;
    let stranger = crate::world::token(world.other_tenant().await, Role::Admin, 600);
    let theirs = world.call(Method::GET, PATH, Some(&stranger), None).await;
    assert_eq!(theirs.body["data"], json!([]));
    let path = format!("{PATH}/{id}");
    world.call(Method::DELETE, &path, Some(&stranger), None).await.is_problem(404, "not_found");
    world.delete(&format!("{PATH}/{}", TokenId::new())).await.is_problem(404, "not_found");
    assert_eq!(who(&world, &token).await.status.as_u16(), 200);
    world.stop().await;
}

#[tokio::test]
async fn tokens_are_listed_by_page_and_only_so_many_may_be_remembered() {
    let world = World::start().await;
    let fill = format!(
        "INSERT INTO api_tokens (id, tenant_id, name, role, hint, created_by, created_at, expires_at, revoked_at)
         SELECT 'tok_' || lpad(n::text, 26, '0'), '{}', 'Old', 'viewer', '••••', 'a test', now() - n * interval '1 s',
                now() + interval '1 day', CASE WHEN n % 2 = 0 THEN now() END
         FROM generate_series(1, 199) AS n",
        world.tenant
    );
    world.database.execute(&fill).await;
    assert_eq!(world.post(PATH, wish()).await.status.as_u16(), 201);
    world.post(PATH, wish()).await.is_problem(409, "too_many_tokens");
    let admin = world.token(Role::Admin);
    let first = world.call(Method::GET, &format!("{PATH}?limit=150"), Some(&admin), None).await;
    let path = format!("{PATH}?limit=150&cursor={}", first.body["next_cursor"].as_str().unwrap());
    let rest = world.call(Method::GET, &path, Some(&admin), None).await;
    assert_eq!((ids(&first).len(), ids(&rest).len(), &rest.body["next_cursor"]), (150, 50, &Value::Null));
    world.database.execute("UPDATE api_tokens SET expires_at = now() WHERE name = 'Old'").await;
    assert_eq!(world.post(PATH, wish()).await.status.as_u16(), 201);
    world.stop().await;
}

#[tokio::test]
async fn a_token_of_a_tenant_that_is_not_here_makes_none() {
    let world = World::start().await;
    let nobody = token(TenantId::new(), Role::Admin, 600);
    world.call(Method::POST, PATH, Some(&nobody), Some(wish())).await.is_problem(403, "tenant_unknown");
    world.stop().await;
}
