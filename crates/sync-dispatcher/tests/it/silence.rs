//! A webhook that stops coming while changes go on: noticed by the polls that find them, and over with the next delivery.

use std::time::Duration;

use domain::incident::{Signs, Trigger};
use domain::run::Mode;
use domain::time::Timestamp;
use persistence::incidents::{self, Windows};
use persistence::webhook_logs;
use serde_json::json;

use crate::crm::told;
use crate::scheduling::due;
use crate::world::{Shape, World, event};

const HOUR: Duration = Duration::from_secs(3_600);
const WINDOWS: Windows = Windows { recent: HOUR, drift: HOUR };

impl World {
    /// A realtime integration whose contact is in step, and whose webhook must tell of a change at once.
    async fn with_a_contact() -> (Self, String) {
        let world = Self::shaped(&[("DISPATCHER__WEBHOOK_GRACE", "0s")], Shape::default()).await;
        world.crm.faults(crate::running::prompt()).await;
        world.dispatch();
        world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
        world.settle().await;
        world.run_fully().await;
        let (id, _) = world.crm.only_contact().await;
        (world, id)
    }

    /// The platform tells of a change, and the log is written.
    async fn hears_of(&self, id: &str) {
        let before = self.deliveries().len();
        self.deliver(&[told("propertyChange", id)]).await;
        self.settle().await;
        let mut tx = self.begin().await;
        webhook_logs::insert_batch(&mut tx, &self.deliveries()[before..]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The poll that comes due so many hours from now.
    async fn poll(&self, hours: u32) {
        let poll = due(&self.database, Timestamp::now().plus(hours * HOUR)).await.remove(0);
        assert_eq!(poll.mode, Mode::SinceLast);
        self.done(&poll).await;
    }

    async fn signs(&self) -> Signs {
        let mut tx = self.begin().await;
        let all = incidents::look(&mut tx, WINDOWS).await.unwrap();
        all.into_iter().find(|signs| signs.integration_id == self.integration).unwrap()
    }
}

#[tokio::test]
async fn a_webhook_that_falls_silent_is_noticed_by_polls_and_heard_again_with_the_next_delivery() {
    let (world, id) = World::with_a_contact().await;
    world.hears_of(&id).await;
    for (hour, city) in [(1, "Nantes"), (2, "Lyon"), (3, "Brest")] {
        world.crm.edit_contact(&id, json!({"city": city})).await;
        world.poll(hour).await;
        assert_eq!(world.value("p1", "city").await, city);
        assert_eq!(world.signs().await.silent_polls, i64::from(hour));
    }
    let subject = incidents::Subject::Integration(world.integration, world.tenant);
    let mut tx = world.begin().await;
    let detail = json!({ "cause": domain::incident::SILENT });
    assert!(incidents::begin(&mut tx, &subject, Trigger::WebhookRemoved, detail).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!world.signs().await.is_heard_again);

    world.hears_of(&id).await;
    let signs = world.signs().await;
    assert_eq!((signs.silent_polls, signs.is_heard_again), (0, true));
}

#[tokio::test]
async fn whose_subscriptions_cannot_be_seen_to_may_fall_silent_and_whose_are_in_order_may_not() {
    let (world, id) = World::with_a_contact().await;
    world.hears_of(&id).await;
    world.crm.edit_contact(&id, json!({"city": "Nantes"})).await;
    world.poll(1).await;
    let (tenant, integration) = (world.tenant, world.integration);
    let looked_at = format!(
        "INSERT INTO integration_subscriptions (integration_id, tenant_id, checked_at)
         VALUES ('{integration}', '{tenant}', now())"
    );
    world.server.execute(&looked_at).await;
    assert_eq!(world.signs().await.silent_polls, 0);
    world.server.execute("UPDATE integration_subscriptions SET problem = 'no right'").await;
    assert_eq!(world.signs().await.silent_polls, 1);
}

#[tokio::test]
async fn who_never_called_has_not_fallen_silent() {
    let (world, id) = World::with_a_contact().await;
    world.crm.edit_contact(&id, json!({"city": "Nantes"})).await;
    world.poll(1).await;
    assert_eq!(world.signs().await.silent_polls, 0);
}

#[tokio::test]
async fn our_own_writes_and_what_was_told_of_are_no_silence() {
    let (world, id) = World::with_a_contact().await;
    world.hears_of(&id).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.settle().await;
    world.poll(1).await;
    world.crm.edit_contact(&id, json!({"city": "Nantes"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    world.poll(2).await;
    assert_eq!(world.signs().await.silent_polls, 0);
}
