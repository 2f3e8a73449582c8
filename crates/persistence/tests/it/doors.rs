//! What the gateway keeps of its callers: sessions, tokens of programs, and requests that may come twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::access::Role;
use domain::id::TokenId;
use domain::time::Timestamp;
use persistence::idempotency::{self, Reply, Request, Standing};
use persistence::sessions::{self, Session};
use persistence::tokens::{self, ApiToken};
use persistence::{Database, Scope};

use crate::world::{Customer, World};

const LEASE: Duration = Duration::from_secs(600);

fn request(body: &str, claim: &str) -> Request {
    Request {
        key_hash: "key".to_owned(),
        operation: "POST /x".to_owned(),
        request_hash: body.to_owned(),
        claim: claim.to_owned(),
    }
}

fn reply(body: &str) -> Reply {
    let headers = BTreeMap::from([("location".to_owned(), "/y".to_owned())]);
    Reply { status: 201, headers, body: body.as_bytes().to_vec() }
}

async fn claim(
    database: &Database,
    customer: Customer,
    request: &Request,
    lease: Duration,
    life: Duration,
) -> Standing {
    let mut tx = database.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let standing = idempotency::claim(&mut tx, customer.tenant, request, (lease, life)).await.unwrap();
    tx.commit().await.unwrap();
    standing
}

async fn answer(database: &Database, customer: Customer, request: &Request, reply: &Reply) {
    let mut tx = database.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    idempotency::answer(&mut tx, customer.tenant, request, reply).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_request_is_claimed_once_answered_once_and_its_key_is_no_other_requests() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let (first, again, other) = (request("a", "1"), request("a", "2"), request("b", "3"));
    let ask = |request| claim(&world.gateway, customer, request, LEASE, LEASE);
    assert_eq!(ask(&first).await, Standing::Claimed);
    assert_eq!(ask(&again).await, Standing::UnderWay);
    assert_eq!(ask(&other).await, Standing::Reused);
    answer(&world.gateway, customer, &first, &reply("one")).await;
    assert_eq!(ask(&again).await, Standing::Answered(reply("one")));
    let neighbour = world.customer("1002").await;
    assert_eq!(claim(&world.gateway, neighbour, &first, LEASE, LEASE).await, Standing::Claimed);
}

#[tokio::test]
async fn a_claim_that_ran_out_is_taken_over_and_who_lost_it_answers_no_more() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let (dead, next) = (request("a", "1"), request("a", "2"));
    assert_eq!(claim(&world.gateway, customer, &dead, Duration::ZERO, LEASE).await, Standing::Claimed);
    assert_eq!(claim(&world.gateway, customer, &next, LEASE, LEASE).await, Standing::Claimed);
    answer(&world.gateway, customer, &dead, &reply("from the dead")).await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    idempotency::release(&mut tx, customer.tenant, &dead).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&world.gateway, customer, &dead, LEASE, LEASE).await, Standing::UnderWay);
    answer(&world.gateway, customer, &next, &reply("one")).await;
    assert_eq!(claim(&world.gateway, customer, &dead, LEASE, LEASE).await, Standing::Answered(reply("one")));
}

#[tokio::test]
async fn a_key_that_was_released_or_is_old_is_new_again_and_the_old_ones_are_swept() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let (one, other) = (request("a", "1"), request("b", "2"));
    claim(&world.gateway, customer, &one, LEASE, LEASE).await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    idempotency::release(&mut tx, customer.tenant, &one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&world.gateway, customer, &other, LEASE, Duration::ZERO).await, Standing::Claimed);
    answer(&world.gateway, customer, &other, &reply("old")).await;
    assert_eq!(claim(&world.gateway, customer, &one, LEASE, Duration::ZERO).await, Standing::Claimed);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(idempotency::sweep(&mut tx).await.unwrap(), 1);
    assert_eq!(idempotency::sweep(&mut tx).await.unwrap(), 0);
}

#[tokio::test]
async fn sessions_that_have_ended_let_nobody_in_and_are_swept() {
    let world = World::new().await;
    let customer = world.customer("1001").await;
    let now = Timestamp::now();
    let session = |expires_at| Session {
        sub: "someone".to_owned(),
        roles: vec![Role::Viewer, Role::Admin],
        expires_at,
        token: None,
    };
    let (good, over) = (session(now.plus(LEASE)), session(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()));
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    for (hash, session) in [("good", &good), ("over", &over), ("ended", &good)] {
        sessions::begin(&mut tx, customer.tenant, hash, session).await.unwrap();
    }
    sessions::end(&mut tx, customer.tenant, "ended").await.unwrap();
    assert_eq!(sessions::find(&mut tx, customer.tenant, "good").await.unwrap(), Some(good));
    for hash in ["over", "ended", "unknown"] {
        assert_eq!(sessions::find(&mut tx, customer.tenant, hash).await.unwrap(), None, "{hash}");
    }
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(sessions::sweep(&mut tx).await.unwrap(), 1);
}

fn token(now: Timestamp, expires_at: Timestamp) -> ApiToken {
    ApiToken {
        id: TokenId::new(),
        name: "CRM".to_owned(),
        role: Role::Service,
        hint: "••••x7Qa".to_owned(),
        created_by: "someone".to_owned(),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_by: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn the_gateway_revokes_its_own_tenants_tokens_and_knows_of_all_which_are_revoked() {
    let world = World::new().await;
    let (mine, theirs) = (world.customer("1001").await.tenant, world.customer("1002").await.tenant);
    let now = Timestamp::now();
    let (one, other) = (token(now, now.plus(LEASE)), token(now, now.plus(LEASE)));
    for (tenant, token) in [(mine, &one), (theirs, &other)] {
        let mut tx = world.gateway.begin(Scope::Tenant(tenant)).await.unwrap();
        assert!(tokens::create(&mut tx, tenant, token).await.unwrap());
        tx.commit().await.unwrap();
    }
    let mut tx = world.gateway.begin(Scope::Tenant(mine)).await.unwrap();
    assert_eq!(tokens::made_at(&mut tx, mine, now).await.unwrap(), Some(one.clone()));
    assert_eq!(tokens::get(&mut tx, mine, other.id).await.unwrap(), None);
    assert!(!tokens::revoke(&mut tx, mine, other.id, "someone").await.unwrap());
    assert!(tokens::revoke(&mut tx, mine, one.id, "someone").await.unwrap());
    assert!(!tokens::revoke(&mut tx, mine, one.id, "another").await.unwrap());
    let session = Session { sub: "s".into(), roles: Vec::new(), expires_at: one.expires_at, token: Some(one.id) };
    sessions::begin(&mut tx, mine, "hash", &session).await.unwrap();
    assert_eq!(sessions::find(&mut tx, mine, "hash").await.unwrap(), None, "its token is revoked");
    tx.commit().await.unwrap();
    let mut tx = world.gateway.begin(Scope::System).await.unwrap();
    assert_eq!(tokens::revoked(&mut tx).await.unwrap(), [(one.id, one.expires_at)]);
    tokens::note_used(&mut tx, &BTreeSet::from([other.id])).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.gateway.begin(Scope::Tenant(theirs)).await.unwrap();
    assert!(tokens::get(&mut tx, theirs, other.id).await.unwrap().unwrap().last_used_at.is_some());
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(tokens::revoked(&mut tx).await.is_err(), "that is the gateway's");
}

#[tokio::test]
async fn tokens_that_ended_long_ago_are_swept_and_those_that_just_did_are_listed_further() {
    let world = World::new().await;
    let tenant = world.customer("1001").await.tenant;
    let now = Timestamp::now();
    let long_ago = now.minus(Duration::from_hours(24 * 91));
    let mut tx = world.gateway.begin(Scope::Tenant(tenant)).await.unwrap();
    for token in [token(long_ago, long_ago), token(now, now.minus(LEASE))] {
        assert!(tokens::create(&mut tx, tenant, &token).await.unwrap());
    }
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(tokens::sweep(&mut tx).await.unwrap(), 1);
    assert_eq!(tokens::sweep(&mut tx).await.unwrap(), 0);
}
