//! A platform that does not answer is left alone: by one integration, or by everybody. What is owed there waits, and flows by
//! itself afterwards.

use std::time::{Duration, Instant};

use domain::id::{IntegrationId, TenantId};
use domain::integration::Status;
use domain::message::EventMerge;
use domain::run::State;
use domain::time::Timestamp;
use messaging::Context;
use persistence::breakers::{self, OpenAt};
use persistence::records::links;
use persistence::runs::NewRun;
use persistence::{Database, Scope, health, integrations};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::{Crm, told};
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, NO_BREAKERS, Shape, World, event};

const OTHER_PORTAL: u64 = 5151;

/// Calls that hang for longer than a test waits, and nothing that ends them sooner.
const HANGING: [(&str, &str); 2] = [("DISPATCHER__PLATFORM_TIMEOUT", "60s"), NO_BREAKERS];

/// Looks that a test can sit out, and more attempts than any breaker needs to open.
const IMPATIENT: [(&str, &str); 4] = [
    HASTE[0],
    HASTE[1],
    ("DISPATCHER__BREAKER_PAUSE", "300ms"),
    ("BROKER__RETRY_SCHEDULE", "100ms,101ms,102ms,103ms,104ms,105ms,106ms,107ms,108ms,109ms,110ms,111ms"),
];

/// Another tenant's account on the same platform.
struct Other {
    crm: Crm,
    tenant: TenantId,
    integration: IntegrationId,
}

impl Other {
    async fn connected_to(world: &World) -> Self {
        Self::at(world, OTHER_PORTAL).await
    }

    async fn at(world: &World, portal: u64) -> Self {
        let (tenant, integration) = (TenantId::new(), undisturbed());
        world.connect((tenant, integration), portal, Shape::default()).await;
        Self { crm: world.crm.another(portal), tenant, integration }
    }

    /// The same, at an account that hangs from now on.
    async fn hanging_at(world: &World, portal: u64) -> Self {
        let other = Self::at(world, portal).await;
        other.crm.faults(json!({"hang": true})).await;
        other
    }

    /// Hands over one person, merged for sure once its link is owed or its contact there.
    async fn accept(&self, world: &World, n: u32) {
        let events = vec![domain::event::parse(&person(n), "").unwrap()];
        let message = EventMerge { tenant_id: self.tenant, accepted_at: Timestamp::now(), events };
        world.broker.publish(&message, &Context::new()).await.unwrap();
    }

    async fn is_owed(&self, world: &World, count: i64) {
        wait::until("what another tenant is owed", DEADLINE, || async {
            let owed = links::drift(&mut world.begin().await, self.tenant, self.integration).await.unwrap();
            if owed == count { Ok(()) } else { Err(owed) }
        })
        .await;
    }

    async fn has_contacts(&self, count: usize) {
        wait::until("the other tenant's contacts", DEADLINE, || async {
            let contacts = self.crm.contacts().await.len();
            if contacts == count { Ok(()) } else { Err(contacts) }
        })
        .await;
    }
}

fn person(n: u32) -> Value {
    event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))
}

impl World {
    async fn status_of(&self, tenant: TenantId, integration: IntegrationId) -> Status {
        health::get(&mut self.begin().await, tenant, integration).await.unwrap().unwrap().status
    }

    async fn open_breakers(&self) -> Vec<OpenAt> {
        breakers::open(&mut self.begin().await).await.unwrap()
    }

    async fn opened(&self, integrations: i64, whole: bool) {
        wait::until("the breakers", DEADLINE, || async {
            let open = self.open_breakers().await;
            let is_so = |at: &OpenAt| at.integrations >= integrations && at.whole == whole;
            if open.iter().any(is_so) { Ok(()) } else { Err(open) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_platform_that_answers_nobody_is_left_alone_by_everybody_until_it_is_back() {
    let world = World::quiet(&IMPATIENT).await;
    let other = Other::connected_to(&world).await;
    world.dispatch();
    world.dispatch();
    for crm in [&world.crm, &other.crm] {
        crm.faults(json!({"fail_all_status": 503})).await;
    }
    for n in 0..6 {
        world.accept(vec![person(n)]).await;
        other.accept(&world, n).await;
    }
    world.opened(1, true).await;
    for (tenant, integration) in [(world.tenant, world.integration), (other.tenant, other.integration)] {
        assert_eq!(world.status_of(tenant, integration).await, Status::PlatformDown);
    }

    // What comes now is owed, and nobody tries it.
    world.accept((100..110).map(person).collect()).await;
    world.take_in().await;
    let run = world.ask_for(&world.full_run()).await;
    wait::until("several looks that find it away", DEADLINE, || async {
        // One of the two is asked at a time, whichever.
        let looks = world.crm.probes().await + other.crm.probes().await;
        if looks >= 3 { Ok(()) } else { Err(looks) }
    })
    .await;
    assert_eq!(world.link("p105").await.error_message, None);
    assert_eq!((world.failures().await.len(), world.crm.contacts().await.len()), (0, 0));

    for crm in [&world.crm, &other.crm] {
        crm.faults(json!({"fail_all_status": null, "search_lag_ms": 0})).await;
    }
    world.settle().await;
    world.run_in(run.id, State::Done).await;
    other.has_contacts(6).await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (16, 0));
    assert_eq!((other.crm.duplicates().await, world.failures().await.len()), (0, 0));
    wait::until("both to be well", DEADLINE, || async {
        let ours = world.status().await;
        let theirs = world.status_of(other.tenant, other.integration).await;
        let open = world.open_breakers().await;
        if (ours, theirs, open.len()) == (Status::Active, Status::Active, 0) {
            Ok(())
        } else {
            Err((ours, theirs, open))
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_not_answered_is_left_alone_and_keeps_nobody_else_waiting() {
    let world = World::quiet(&IMPATIENT).await;
    let other = Other::connected_to(&world).await;
    world.dispatch();
    world.crm.faults(json!({"fail_all_status": 503})).await;
    for n in 0..6 {
        world.accept(vec![person(n)]).await;
        other.accept(&world, n).await;
    }
    world.opened(1, false).await;
    other.accept(&world, 6).await;
    other.has_contacts(7).await;
    assert_ne!(world.status().await, Status::PlatformDown);
    assert_eq!(world.status_of(other.tenant, other.integration).await, Status::Active);
    assert_eq!(world.failures().await.len(), 0);

    world.crm.faults(json!({"fail_all_status": null})).await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (6, 0));
    assert_eq!(world.open_breakers().await, []);
}

#[tokio::test]
async fn of_all_replicas_one_looks_and_a_late_answer_of_anybody_keeps_the_platform_open_to_all() {
    let world = World::quiet(&[]).await;
    let other = Other::connected_to(&world).await;
    let mut tx = world.begin().await;
    let ours = integrations::get(&mut tx, world.tenant, world.integration).await.unwrap().unwrap();
    let theirs = integrations::get(&mut tx, other.tenant, other.integration).await.unwrap().unwrap();
    let pause = Duration::ZERO;
    let terms = breakers::Terms { failures: 2, pause, outage: Some("La plateforme ne répond pas") };
    let (nothing, own) = (breakers::Opened::default(), breakers::Opened { integration: true, platform: false });
    assert_eq!(breakers::note_failure(&mut tx, &ours, terms).await.unwrap(), nothing);
    assert_eq!(breakers::standing(&mut tx, &ours).await.unwrap(), breakers::Standing::Failing);
    assert_eq!(breakers::note_failure(&mut tx, &ours, terms).await.unwrap(), own);
    assert_eq!(breakers::standing(&mut tx, &theirs).await.unwrap(), breakers::Standing::Closed);
    tx.commit().await.unwrap();

    // Somebody is answered: the failure of another tenant after it is its own.
    let mut tx = world.begin().await;
    breakers::note_answer(&mut tx, &theirs).await.unwrap();
    breakers::note_failure(&mut tx, &theirs, terms).await.unwrap();
    assert_eq!(breakers::note_failure(&mut tx, &theirs, terms).await.unwrap(), own);
    tx.commit().await.unwrap();

    // Both fail since, and nobody was answered.
    let mut tx = world.begin().await;
    breakers::note_answer(&mut tx, &ours).await.unwrap();
    breakers::note_answer(&mut tx, &theirs).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    breakers::note_failure(&mut tx, &ours, terms).await.unwrap();
    breakers::note_failure(&mut tx, &ours, terms).await.unwrap();
    breakers::note_failure(&mut tx, &theirs, terms).await.unwrap();
    let whole = breakers::Opened { integration: true, platform: true };
    assert_eq!(breakers::note_failure(&mut tx, &theirs, terms).await.unwrap(), whole);
    tx.commit().await.unwrap();

    // One of two replicas is told to look, at the platform and not at each account.
    let (mut one, mut two) = (world.begin().await, world.begin().await);
    let hour = Duration::from_hours(1);
    assert_eq!(breakers::take_due(&mut one, hour, 10).await.unwrap().len(), 1);
    assert_eq!(breakers::take_due(&mut two, hour, 10).await.unwrap(), []);
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    let mut tx = world.begin().await;
    assert!(breakers::note_answer(&mut tx, &ours).await.unwrap().platform.is_some());
    assert_eq!(breakers::open(&mut tx).await.unwrap(), []);
}

#[tokio::test]
async fn two_accounts_that_hang_and_are_owed_much_keep_no_third_waiting() {
    let held = [("DISPATCHER__PUSH_PREFETCH", "80"), ("DISPATCHER__LANE_BATCH", "10")];
    let world = World::quiet(&[HANGING.as_slice(), held.as_slice()].concat()).await;
    let hanging = [Other::hanging_at(&world, OTHER_PORTAL).await, Other::hanging_at(&world, OTHER_PORTAL + 1).await];
    world.dispatch();
    for n in 0..100 {
        for other in &hanging {
            other.accept(&world, n).await;
        }
    }
    for other in &hanging {
        other.is_owed(&world, 100).await;
    }
    world.accept(vec![person(1)]).await;
    world.settle().await;
    assert_eq!(world.crm.contacts().await.len(), 1);
}

impl World {
    /// Waits until so many calls have been made that are not answered, and until every transaction of a worker that was open
    /// then is over.
    async fn calls_with_nothing_open(&self, calls: usize) {
        wait::until("calls that hang", DEADLINE, || async {
            let asked = self.crm.requests("").await;
            if asked >= calls { Ok(()) } else { Err(asked) }
        })
        .await;
        let now = self.server.texts("SELECT clock_timestamp()").await.remove(0);
        wait::until("the transactions of before to be over", DEADLINE, || async {
            let open = self.open_since_before(&now).await;
            if open == 0 { Ok(()) } else { Err(open) }
        })
        .await;
    }

    /// How many transactions have been open since before this time; the test has none.
    async fn open_since_before(&self, time: &str) -> i64 {
        let open = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start <";
        self.server.count(&format!("{open} '{time}'::timestamptz")).await
    }
}

/// Of a write, a read and a page of a run, none is answered while the test waits.
#[tokio::test]
async fn rule_07_no_transaction_is_open_while_a_platform_is_called() {
    let world = World::with(&HANGING).await;
    world.accept(vec![person(1)]).await;
    world.settle().await;
    let theirs = world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;
    let before = world.crm.requests("").await;
    world.crm.faults(json!({"hang": true})).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.calls_with_nothing_open(before + 1).await;
    world.deliver(&[told("creation", &theirs)]).await;
    world.calls_with_nothing_open(before + 2).await;
    world.ask_for(&world.full_run()).await;
    world.calls_with_nothing_open(before + 3).await;

    // One that is open would have been seen.
    let worker = Database::new(&world.server.worker_url().into(), 1, DEADLINE);
    let held = worker.begin(Scope::System).await.unwrap();
    let now = world.server.texts("SELECT clock_timestamp()").await.remove(0);
    assert!(world.open_since_before(&now).await >= 1);
    drop(held);
}

#[tokio::test]
async fn runs_of_four_accounts_that_hang_keep_no_other_run_waiting() {
    let world = World::quiet(&HANGING).await;
    world.dispatch();
    for portal in OTHER_PORTAL..OTHER_PORTAL + 4 {
        let other = Other::hanging_at(&world, portal).await;
        let run = NewRun { tenant: other.tenant, integration: other.integration, ..world.full_run() };
        let before = other.crm.requests("").await;
        world.ask_for(&run).await;
        wait::until("a page that hangs", DEADLINE, || async {
            let asked = other.crm.requests("").await;
            if asked > before { Ok(()) } else { Err(asked) }
        })
        .await;
    }
    world.run_fully().await;
}

/// By the retries as they are shipped, of which one would be waited for for longer than a minute.
#[tokio::test]
async fn revoked_credentials_park_their_integration_within_a_minute_and_nobody_elses() {
    let world = World::quiet(&[("BROKER__RETRY_SCHEDULE", "5s,30s,2min,10min,1h,6h")]).await;
    let other = Other::connected_to(&world).await;
    world.dispatch();
    world.accept(vec![person(1)]).await;
    world.settle().await;
    world.crm.faults(json!({"token_revoked": true})).await;
    let (revoked, asked) = (Instant::now(), world.crm.requests("").await);
    world.accept(vec![person(2)]).await;
    other.accept(&world, 2).await;
    wait::until("the integration to be parked", DEADLINE, || async {
        let status = world.status().await;
        if status == Status::ReauthRequired { Ok(()) } else { Err(status) }
    })
    .await;
    assert!(revoked.elapsed() < Duration::from_secs(60), "{:?}", revoked.elapsed());
    other.has_contacts(1).await;
    assert_eq!(world.status_of(other.tenant, other.integration).await, Status::Active);
    assert_eq!((world.drift().await, world.failures().await.len()), (1, 0), "what is owed stays owed");
    let refused = world.crm.requests("").await - asked;
    assert!((1..=2).contains(&refused), "it was refused {refused} times");
}

/// As many as pages are done at once, each of which was not answered the last time.
#[tokio::test]
async fn runs_of_accounts_that_were_not_answered_the_last_time_leave_places_to_the_others() {
    let world = World::quiet(&HANGING).await;
    world.dispatch();
    for portal in OTHER_PORTAL..OTHER_PORTAL + 8 {
        let other = Other::hanging_at(&world, portal).await;
        let mut tx = world.begin().await;
        let integration = integrations::get(&mut tx, other.tenant, other.integration).await.unwrap().unwrap();
        let terms = breakers::Terms { failures: 100, pause: Duration::ZERO, outage: None };
        breakers::note_failure(&mut tx, &integration, terms).await.unwrap();
        tx.commit().await.unwrap();
        world.ask_for(&NewRun { tenant: other.tenant, integration: other.integration, ..world.full_run() }).await;
    }
    world.run_fully().await;
}
