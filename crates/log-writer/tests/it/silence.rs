//! A webhook that somebody set up by hand on the platform and that falls silent: from the polls that show it to the mail that says
//! so, and to the one that says that it is over. What a poll counts as unheard of is the dispatcher's.

use std::collections::BTreeMap;

use domain::id::IntegrationId;
use domain::incident::Trigger;
use domain::integration::{Direction, Status};
use domain::kind::RecordKind;
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::run::{Counts, Mode, Position, State, Step, Trigger as Why};
use domain::time::Timestamp;
use persistence::incidents::{self, Subject};
use persistence::runs::{self, Move, NewRun, Started};
use persistence::{Scope, health};
use testkit::wait;

use crate::alerts::{settings, told, wish};
use crate::mail_server::{Mail, MailServer};
use crate::world::{LIMIT, Running, World};

impl World {
    /// The platform's webhook comes and is in the log, where it was good, or refused.
    async fn is_called(&self, integration: IntegrationId, result: WebhookResult) {
        let integration_id = Some(integration);
        let delivery = WebhookOutcome { integration_id, result, body: None, ..self.webhook() };
        let row = format!("SELECT count(*) FROM integration_webhook_logs WHERE id = '{}'", delivery.id);
        self.publish(&delivery).await;
        wait::until("the delivery's row", LIMIT, || async {
            let rows = self.database.count(&row).await;
            if rows == 1 { Ok(()) } else { Err(rows) }
        })
        .await;
    }

    async fn hears_of(&self, integration: IntegrationId) {
        self.is_called(integration, WebhookResult::Applied { marked: 1 }).await;
    }

    /// A poll, as it ends that found so many changes of which no delivery had told.
    async fn polls(&self, integration: IntegrationId, unheard: u64) {
        let new = NewRun {
            tenant: self.tenant,
            integration,
            trigger: Why::Scheduled,
            direction: Direction::FromPlatform,
            kinds: vec![RecordKind::Contact],
            mode: Mode::SinceLast,
            requested_by: None,
            due_at: Some(Timestamp::now()),
        };
        let mut tx = self.rows.begin(Scope::System).await.unwrap();
        let Started::Queued(run) = runs::start(&mut tx, &new).await.unwrap() else { panic!("the last poll goes on") };
        let page = run.page();
        runs::take_up(&mut tx, &page).await.unwrap().unwrap();
        let position = Position { step: Step::Settle, cursor: None };
        let counts = Counts { read: unheard, changed: unheard, unheard, ..Counts::default() };
        let counts = BTreeMap::from([(RecordKind::Contact, counts)]);
        let moved = Move { position, counts, mark: None, settles: true };
        let last = runs::advance(&mut tx, &page, &moved).await.unwrap().unwrap();
        assert!(runs::end(&mut tx, &last, State::Done, None).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Waits for a look that has seen all that is here by now: it finds somebody else's trouble, which begins only now.
    async fn is_looked_at(&self) {
        let tenant = self.another_tenant(None).await;
        let witness = self.connect(tenant, "Témoin").await;
        let mut tx = self.rows.begin(Scope::System).await.unwrap();
        health::set_status(&mut tx, tenant, witness, Status::ReauthRequired, None).await.unwrap();
        tx.commit().await.unwrap();
        self.finds(&Subject::Integration(witness, tenant), Trigger::ReauthRequired, true).await;
    }

    /// Waits until it is silent, or no longer is.
    async fn finds_silent(&self, integration: IntegrationId, is_silent: bool) {
        self.finds(&Subject::Integration(integration, self.tenant), Trigger::WebhookRemoved, is_silent).await;
    }

    async fn finds(&self, subject: &Subject, trigger: Trigger, goes_on: bool) {
        wait::until("an incident that changes", LIMIT, || async {
            let open = self.incidents().await;
            if open.contains(&(subject.clone(), trigger)) == goes_on { Ok(()) } else { Err(open) }
        })
        .await;
    }

    async fn incidents(&self) -> Vec<(Subject, Trigger)> {
        let mut tx = self.rows.begin(Scope::System).await.unwrap();
        let open = incidents::open(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        open
    }

    async fn is_silent(&self) -> bool {
        self.incidents().await.iter().any(|(_, trigger)| *trigger == Trigger::WebhookRemoved)
    }
}

/// A log writer that looks often, and an integration of a tenant who wants to hear of it.
async fn begun() -> (World, MailServer, Running, IntegrationId) {
    let (world, server) = (World::new().await, MailServer::start().await);
    let integration = world.connect(world.tenant, "HubSpot").await;
    wish(&world, world.tenant, told("astreinte@cabinet.example")).await;
    let running = Running::start(settings(&world, &server));
    (world, server, running, integration)
}

#[tokio::test]
async fn a_webhook_that_falls_silent_is_told_of_once_however_long_and_its_end_with_the_next_delivery() {
    let (world, server, running, integration) = begun().await;
    world.hears_of(integration).await;
    world.polls(integration, 1).await;
    world.polls(integration, 3).await;
    // Nobody changed anything there: that is no silence.
    world.polls(integration, 0).await;
    world.is_looked_at().await;
    assert!(!world.is_silent().await, "two polls may have come first");

    world.polls(integration, 1).await;
    world.finds_silent(integration, true).await;
    let first = server.mails(1).await.remove(0);
    assert_eq!(first.subject(), "HubSpot : le webhook se tait");
    let text = first.part("text/plain");
    assert!(text.contains("n'arrivent plus que par relève régulière") && text.contains("À faire : "), "{text}");

    // A week later nobody looks at those polls any more, and what somebody else signs is no sign of life.
    world.database.execute("UPDATE sync_runs SET created_at = created_at - interval '8 days'").await;
    let refused = WebhookResult::Refused { reason: "wrong_signature".to_owned() };
    world.is_called(integration, refused).await;
    world.is_looked_at().await;
    assert!(world.is_silent().await, "quiet is not mended");

    world.hears_of(integration).await;
    world.finds_silent(integration, false).await;
    let mails = server.mails(2).await;
    running.stop().await;
    let subjects: Vec<_> = mails.iter().map(Mail::subject).collect();
    assert_eq!(subjects, ["HubSpot : le webhook se tait", "Rétabli : HubSpot : le webhook se tait"]);
}

#[tokio::test]
async fn who_never_called_has_not_fallen_silent_and_whose_subscriptions_are_looked_at_is_not_judged_by_it() {
    let (world, server, running, never) = begun().await;
    let looked_at = world.connect(world.tenant, "Lyon").await;
    world.hears_of(looked_at).await;
    let subscribed = format!(
        "INSERT INTO integration_subscriptions (integration_id, tenant_id, checked_at)
         VALUES ('{looked_at}', '{}', now())",
        world.tenant
    );
    world.database.execute(&subscribed).await;
    for _ in 0..4 {
        world.polls(never, 1).await;
        world.polls(looked_at, 1).await;
    }
    world.is_looked_at().await;
    let (is_silent, mails) = (world.is_silent().await, server.mails(0).await);
    running.stop().await;
    assert!(!is_silent);
    assert!(mails.is_empty(), "{mails:?}");
}
