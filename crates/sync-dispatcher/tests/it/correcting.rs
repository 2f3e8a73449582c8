//! Values that somebody gave records that had failed: the records hold them, and are tried again with them.

use domain::field::{FieldName, FieldValue};
use domain::id::LinkId;
use domain::kind::RecordKind;
use domain::mapping::FieldMapping;
use domain::message::{Amended, RecordAmend};
use domain::outcome::SyncOutcome;
use messaging::Context;
use persistence::records::edits::{self, Wish};
use persistence::records::links::Selection;
use serde_json::json;
use testkit::wait;

use crate::world::{DEADLINE, HASTE, World, event};

const REFUSED: &str = "zoe@-exemple.fr";

impl World {
    /// A contact that the CRM refused, since our website goes into its address, which it checks more strictly than we do.
    async fn with_a_refused_contact(settings: &[(&str, &str)]) -> Self {
        let world = Self::with(settings).await;
        world.refuse_a_contact().await;
        world
    }

    pub(crate) async fn refuse_a_contact(&self) {
        self.map(FieldMapping::to_platform("website", "email")).await;
        self.accept(vec![event("prospect.created", "p1", json!({"last_name": "Martin", "website": REFUSED}))]).await;
        self.settle().await;
        assert!(self.link("p1").await.is_blocked);
    }

    /// Notes what the failed contacts are to have as their website, as the gateway does.
    pub(crate) async fn correct(&self, website: &str) -> Vec<LinkId> {
        let values = [(FieldName::new("website"), FieldValue::text(website))].into();
        let selection = Selection::default();
        let wish = Wish { selection: &selection, kind: RecordKind::Contact, values: &values, asked_by: "a test" };
        let mut tx = self.begin().await;
        let links = edits::ask(&mut tx, (self.tenant, self.integration), wish).await.unwrap();
        tx.commit().await.unwrap();
        links
    }

    pub(crate) async fn name_edit(&self, link: LinkId) {
        let message = RecordAmend { tenant_id: self.tenant, subject: Amended::Edit(link) };
        self.broker.publish(&message, &Context::new()).await.unwrap();
    }

    /// Waits until the only failure is delivered.
    pub(crate) async fn delivers(&self) {
        wait::until("the record to be tried again", DEADLINE, || async {
            if self.link("p1").await.is_blocked { Err(self.failures().await) } else { Ok(()) }
        })
        .await;
        self.settle().await;
        assert_eq!(self.crm.only_contact().await.1["email"], "zoe@exemple.fr");
    }
}

#[tokio::test]
async fn a_value_that_a_failed_record_is_given_is_held_and_delivered_once() {
    let world = World::with_a_refused_contact(&[]).await;
    let before = world.record("p1").await;
    let links = world.correct("zoe@exemple.fr").await;
    assert_eq!(links, [world.link("p1").await.id]);
    // Told twice, it is done once.
    for _ in 0..2 {
        world.name_edit(links[0]).await;
    }
    world.delivers().await;
    let record = world.record("p1").await;
    assert_eq!((world.value("p1", "website").await.as_str(), record.version), ("zoe@exemple.fr", before.version + 1));
    let (stamp, past) = (record.fields.get("website").unwrap().stamp, before.fields.get("website").unwrap().stamp);
    assert!(stamp.at > past.at, "it stands against what was there: {stamp:?}");
    let lost = world.lost(record.id).await;
    assert_eq!((lost.len(), lost[0].field.as_str(), &lost[0].lost["v"]), (1, "website", &json!(REFUSED)), "{lost:?}");
    let mut tx = world.begin().await;
    assert_eq!(edits::take(&mut tx, world.tenant, links[0]).await.unwrap(), None);
}

#[tokio::test]
async fn promise_1_a_value_that_a_failed_record_is_given_outlives_the_message_that_names_it() {
    let world = World::with_a_refused_contact(&HASTE).await;
    // Nobody is told: the queue was emptied.
    assert_eq!(world.correct("zoe@exemple.fr").await.len(), 1);
    world.delivers().await;
    assert_eq!(world.value("p1", "website").await, "zoe@exemple.fr");
}

#[tokio::test]
async fn a_value_that_is_there_already_only_tries_the_record_again() {
    let world = World::with_a_refused_contact(&[]).await;
    let (version, is_refused) = (world.record("p1").await.version, |outcome: &SyncOutcome| outcome.error.is_some());
    let links = world.correct(REFUSED).await;
    world.name_edit(links[0]).await;
    wait::until("another attempt", DEADLINE, || async {
        let tried = world.outcomes().into_iter().filter(is_refused).count();
        if tried >= 2 { Ok(()) } else { Err(tried) }
    })
    .await;
    world.settle().await;
    assert_eq!((world.record("p1").await.version, world.link("p1").await.is_blocked), (version, true));
}
