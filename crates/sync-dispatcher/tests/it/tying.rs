//! Appointments and calls, which belong to a contact that has to be there first.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::fault::FaultKind;
use domain::id::{IntegrationId, LeaseToken, RecordId};
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::mapping::FieldMapping;
use domain::outcome::{SyncError, SyncOutcome};
use persistence::records::links::{self, Ending, Leased, Selection, Settlement, Wanted};
use persistence::records::store;
use persistence::{Transaction, mappings};
use serde_json::{Value, json};
use testkit::wait;

use crate::peers::{SALESFORCE, Wishes};
use crate::world::{DEADLINE, World, event};

#[tokio::test]
async fn what_comes_before_its_prospect_waits_and_is_then_tied_once() {
    let world = World::with_calls().await;
    let appointment = json!({"prospect_id": "p1", "title": "Visite", "starts_at": "2026-12-01T09:00:00Z"});
    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "started_at": "2026-11-22T09:00:00Z"});
    world.accept(vec![event("appointment.created", "a1", appointment)]).await;
    world.accept(vec![event("call.completed", "c1", call)]).await;
    world.take_in().await;
    assert!(world.drift().await >= 2);
    assert!(world.crm.live("deals").await.is_empty());

    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    let deals = world.crm.live("deals").await;
    let mut calls = world.crm.live("calls").await;
    // The events that close messages are calls of nobody.
    calls.retain(|_, call| call["hs_call_title"] == "Appel de Zoé");
    assert_eq!((deals.len(), calls.len()), (1, 1), "{deals:?} {calls:?}");
    assert_eq!(deals.values().next().unwrap()["dealname"], "Visite");
    let tied_to = |ids: Vec<&String>| ids.into_iter().map(|id| (id.clone(), contact.clone())).collect::<Vec<_>>();
    assert_eq!(world.crm.ties("deals").await, tied_to(deals.keys().collect()));
    assert_eq!(world.crm.ties("calls").await, tied_to(calls.keys().collect()));

    // Moved, it stays the same deal with the same tie.
    let moved = json!({"prospect_id": "p1", "title": "Visite déplacée"});
    world.accept(vec![event("appointment.updated", "a1", moved)]).await;
    world.settle().await;
    assert_eq!(world.crm.live("deals").await.values().next().unwrap()["dealname"], "Visite déplacée");
    assert_eq!(world.crm.ties("deals").await.len(), 1);
}

fn appointment(happened: &str, prospect: Option<&str>) -> Value {
    let mut data = json!({"title": "Visite"});
    if let Some(prospect) = prospect {
        data["prospect_id"] = prospect.into();
    }
    event(&format!("appointment.{happened}"), "a1", data)
}

impl World {
    /// Prospects `p1`, `p2` … and their contacts.
    async fn prospects(&self, count: usize) -> Vec<String> {
        let subjects: Vec<String> = (1..=count).map(|n| format!("p{n}")).collect();
        let created =
            |subject: &String| event("prospect.created", subject, json!({"email": format!("{subject}@exemple.fr")}));
        self.accept(subjects.iter().map(created).collect()).await;
        self.settle().await;
        let mut contacts = Vec::new();
        for subject in &subjects {
            contacts.push(self.link(subject).await.external_id.unwrap());
        }
        contacts
    }

    /// The only deal and the contacts that it is tied to.
    async fn deal(&self) -> (String, BTreeSet<String>) {
        let (deals, ties) = (self.crm.live("deals").await, self.crm.standing_ties("deals").await);
        assert_eq!(deals.len(), 1, "{deals:?}");
        let deal = deals.into_keys().next().unwrap();
        let contacts = ties.into_iter().filter(|(from, _)| *from == deal).map(|(_, to)| to).collect();
        (deal, contacts)
    }
}

#[tokio::test]
async fn an_appointment_that_gets_its_prospect_later_is_tied_then() {
    let world = World::start().await;
    let contacts = world.prospects(1).await;
    world.accept(vec![appointment("created", None)]).await;
    world.settle().await;
    assert_eq!(world.deal().await.1, BTreeSet::new());

    world.accept(vec![appointment("updated", Some("p1"))]).await;
    world.settle().await;
    assert_eq!(world.deal().await.1, [contacts[0].clone()].into());
}

#[tokio::test]
async fn an_appointment_that_moves_to_another_prospect_is_tied_to_that_one_and_keeps_what_people_tied() {
    let world = World::start().await;
    let contacts = world.prospects(3).await;
    world.accept(vec![appointment("created", Some("p1"))]).await;
    world.settle().await;
    let (deal, tied) = world.deal().await;
    assert_eq!(tied, [contacts[0].clone()].into());
    world.crm.tie_deal(&deal, &contacts[2]).await;

    world.accept(vec![appointment("updated", Some("p2"))]).await;
    world.settle().await;
    assert_eq!(world.deal().await, (deal.clone(), [contacts[1].clone(), contacts[2].clone()].into()));

    // And back; then nothing is left to do.
    world.accept(vec![appointment("updated", Some("p1"))]).await;
    world.settle().await;
    assert_eq!(world.deal().await, (deal, [contacts[0].clone(), contacts[2].clone()].into()));
    let writes = world.crm.journal().await.len();
    world.accept(vec![appointment("updated", Some("p1"))]).await;
    world.settle().await;
    assert_eq!(world.crm.journal().await.len(), writes);
}

#[tokio::test]
async fn a_tie_whose_answer_was_lost_is_taken_away_when_the_appointment_moves_on() {
    // Time for the appointment to move on before the lost write is tried again.
    let world = World::with(&[("BROKER__RETRY_SCHEDULE", "1m")]).await;
    let contacts = world.prospects(3).await;
    world.accept(vec![appointment("created", Some("p1"))]).await;
    world.settle().await;

    world.crm.faults(json!({"lost_answer_next": 1})).await;
    world.accept(vec![appointment("updated", Some("p2"))]).await;
    world.outcome("the lost answer", |outcome| outcome.error.is_some()).await;
    assert_eq!(world.deal().await.1, [contacts[0].clone(), contacts[1].clone()].into());

    world.accept(vec![appointment("updated", Some("p3"))]).await;
    world.settle().await;
    assert_eq!(world.deal().await.1, [contacts[2].clone()].into());
}

#[tokio::test]
async fn a_call_of_a_prospect_of_whom_there_is_nothing_to_write_does_not_wait_and_is_tied_once_there_is() {
    let world = World::with_calls().await;
    let call = json!({"prospect_id": "p1", "title": "Appel de Zoé", "started_at": "2026-11-22T09:00:00Z"});
    world.accept(vec![event("prospect.created", "p1", json!({})), event("call.completed", "c1", call)]).await;
    world.settle().await;
    let mut calls = world.crm.live("calls").await;
    calls.retain(|_, call| call["hs_call_title"] == "Appel de Zoé");
    assert_eq!((calls.len(), world.crm.contacts().await.len()), (1, 0), "{calls:?}");
    assert_eq!(world.crm.ties("calls").await, []);

    world.accept(vec![event("prospect.updated", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    assert_eq!(world.crm.ties("calls").await, [(calls.into_keys().next().unwrap(), contact)]);
}

#[tokio::test]
async fn an_appointment_of_a_prospect_that_is_refused_does_not_wait_and_is_tied_once_that_is_accepted() {
    let world = World::start().await;
    // A website goes into the address field, which the platform checks more strictly than we check a website.
    world.map(FieldMapping::to_platform("website", "email")).await;
    let refused = json!({"last_name": "Martin", "website": "zoe@-exemple.fr"});
    world.accept(vec![event("prospect.created", "p1", refused), appointment("created", Some("p1"))]).await;
    world.settle().await;
    assert!(world.link("p1").await.is_blocked);
    assert_eq!(world.deal().await.1, BTreeSet::new());

    world.accept(vec![event("prospect.updated", "p1", json!({"website": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    assert_eq!(world.deal().await.1, [contact].into());
}

/// A prospect and an appointment of theirs: the link of one of them a worker of the test's own holds, the other nobody has taken yet.
struct Meeting {
    world: World,
    wanted: Wanted,
    held: (Leased, LeaseToken),
}

impl Meeting {
    /// The prospect's link, or the appointment's, is held.
    async fn holding(kind: RecordKind) -> Self {
        let world = World::quiet(&[]).await;
        world.switch(false).await;
        let prospect = event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}));
        world.accept(vec![prospect, appointment("created", Some("p1"))]).await;
        wait::until("the events to be merged", DEADLINE, || async {
            world.dispatch_once().await;
            world.is_taken_in().await
        })
        .await;
        world.switch(true).await;
        let record = world.records_of(kind).await.remove(0);
        let mut tx = world.begin().await;
        let mapping = mappings::get(&mut tx, world.tenant, world.integration, kind).await.unwrap().unwrap().version;
        let (integration, version) = (world.integration, record.version);
        let wanted = Wanted { integration, record: record.id, kind, version, mapping };
        links::raise(&mut tx, world.tenant, &[wanted]).await.unwrap();
        let held = take(&world, &mut tx, record.id).await;
        tx.commit().await.unwrap();
        Self { world, wanted, held }
    }

    /// Gives the link back, with the object that it stands for where there is one.
    async fn give(&self, tx: &mut Transaction, held: &(Leased, LeaseToken), object: Option<&str>) {
        let error = SyncError { class: FaultKind::Invalid, code: "refused".to_owned(), message: "no".to_owned() };
        let ending = if object.is_some() { Ending::InStep } else { Ending::Blocked { error } };
        self.end(tx, held, (ending, object)).await;
    }

    async fn end(
        &self,
        tx: &mut Transaction,
        (leased, token): &(Leased, LeaseToken),
        (ending, object): (Ending, Option<&str>),
    ) {
        let settlement = Settlement {
            link: leased.push.link_id,
            record: leased.record,
            state: Cow::Owned(LinkState { external_id: object.map(str::to_owned), ..leased.state.clone() }),
            gone: false,
            synced_version: if object.is_some() { self.wanted.version } else { leased.synced_version },
            tried_version: self.wanted.version,
            synced_mapping: if object.is_some() { self.wanted.mapping } else { leased.synced_mapping },
            tried_mapping: self.wanted.mapping,
            heard_seq: leased.remote_seq,
            read_seq: leased.remote_seq,
            attempts: 0,
            intent_is_open: false,
            errand: None,
            hinted_id: None,
            ending,
            outcomes: Cow::default(),
        };
        assert_eq!(links::settle(tx, *token, &[settlement]).await.unwrap().len(), 1);
    }

    /// Begins to settle the prospect's link as a dispatcher does, and lets another come to settle the appointment's meanwhile.
    async fn begin(&self) -> Transaction {
        let mut tx = self.world.begin().await;
        store::lock(&mut tx, self.world.tenant, &[self.wanted.record].into()).await.unwrap();
        self.world.dispatch();
        self.world.record_is_waited_for().await;
        tx
    }
}

async fn take(world: &World, tx: &mut Transaction, record: RecordId) -> (Leased, LeaseToken) {
    let found = links::by_record(tx, world.integration, &[record].into()).await.unwrap();
    let (link, token) = (found[&record].push.link_id, LeaseToken::new());
    let leased = links::lease(tx, (world.tenant, world.integration), &[link], token, DEADLINE * 2).await.unwrap();
    (leased.into_iter().next().unwrap(), token)
}

#[tokio::test]
async fn what_begins_to_wait_while_its_contact_is_being_settled_does_not_wait_in_vain() {
    let meeting = Meeting::holding(RecordKind::Contact).await;
    let (world, integration) = (&meeting.world, meeting.world.integration);
    let contact = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    let mut tx = meeting.begin().await;
    meeting.give(&mut tx, &meeting.held, Some(&contact)).await;
    let freed = links::owed_dependents(&mut tx, integration, &[meeting.wanted.record].into()).await.unwrap();
    assert!(freed.is_empty(), "the appointment waits already: {freed:?}");
    tx.commit().await.unwrap();
    world.settle().await;
    assert_eq!(world.deal().await.1, [contact].into());
}

#[tokio::test]
async fn what_goes_without_its_contact_while_that_is_being_settled_is_tied_to_it_all_the_same() {
    let meeting = Meeting::holding(RecordKind::Contact).await;
    let (world, integration, record) = (&meeting.world, meeting.world.integration, meeting.wanted.record);
    let contact = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    let mut tx = world.begin().await;
    meeting.give(&mut tx, &meeting.held, None).await;
    tx.commit().await.unwrap();

    let mut tx = meeting.begin().await;
    links::replay(&mut tx, (world.tenant, integration), &Selection::default()).await.unwrap();
    let held = take(world, &mut tx, record).await;
    meeting.give(&mut tx, &held, Some(&contact)).await;
    let marked = links::mark_dependents_dirty(&mut tx, integration, &[record].into()).await.unwrap();
    assert!(marked.is_empty(), "the appointment is noted already: {marked:?}");
    tx.commit().await.unwrap();
    world.settle().await;
    assert_eq!(world.deal().await.1, [contact].into());
}

#[tokio::test]
async fn what_began_to_wait_for_its_contact_while_that_was_made_is_let_go_by_whoever_made_it() {
    let meeting = Meeting::holding(RecordKind::Deal).await;
    let world = &meeting.world;
    let creates = world.put_off_creates().await;
    world.dispatch();
    let mut tx = world.hold_while_made(creates, world.record("p1").await.id).await;
    meeting.end(&mut tx, &meeting.held, (Ending::WaitsForContact, None)).await;
    world.record_is_waited_for().await;
    tx.commit().await.unwrap();
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    assert_eq!(world.deal().await.1, [contact].into());
}

/// An organisation of Salesforce's with a prospect in it. There, the contacts of an opportunity are rows of their own.
async fn with_salesforce() -> (World, IntegrationId) {
    let world = World::start().await;
    // The events that close messages are calls.
    let directions = [(RecordKind::Activity, Direction::FromPlatform)].into();
    let peer = SALESFORCE.connect(&world, Wishes { directions, ..Wishes::default() }).await.id;
    let prospect = json!({"email": "zoe@exemple.fr", "last_name": "Petit"});
    world.accept(vec![event("prospect.created", "p1", prospect)]).await;
    world.in_step(peer).await;
    (world, peer)
}

impl World {
    /// Waits until something that was tried with an opportunity has failed, and all of them are in step; how many there are, and
    /// how many contacts of theirs.
    async fn fails_and_recovers(&self, peer: IntegrationId) -> (usize, usize) {
        let has_failed = |outcome: &SyncOutcome| {
            (outcome.integration_id, outcome.kind) == (peer, RecordKind::Deal) && outcome.error.is_some()
        };
        self.outcome("an attempt that fails", has_failed).await;
        self.in_step(peer).await;
        let place = SALESFORCE.place();
        let deals = self.crm.live_at(&place, "Opportunity").await.len();
        (deals, self.crm.live_at(&place, "OpportunityContactRole").await.len())
    }
}

#[tokio::test]
async fn an_opportunity_whose_create_broke_off_before_it_was_tied_is_tied_by_the_next_attempt() {
    let (world, peer) = with_salesforce().await;
    world.crm.faults_at(&SALESFORCE.place(), json!({"lost_answer_next": 1})).await;
    world.accept(vec![appointment("created", Some("p1"))]).await;
    assert_eq!(world.fails_and_recovers(peer).await, (1, 1));
}

#[tokio::test]
async fn an_opportunity_that_was_made_and_whose_tie_was_refused_is_not_in_step_until_it_is_tied() {
    let (world, peer) = with_salesforce().await;
    let place = SALESFORCE.place();
    // Time to have the calls refused that follow the create.
    world.crm.faults_at(&place, json!({"latency_ms": 3_000})).await;
    world.accept(vec![appointment("created", Some("p1"))]).await;
    wait::until("an opportunity", DEADLINE, || async {
        (!world.crm.live_at(&place, "Opportunity").await.is_empty()).then_some(())
    })
    .await;
    let refusing = json!({"latency_ms": 0, "fail_next": {"count": 2, "status": 503}});
    world.crm.faults_at(&place, refusing).await;
    assert_eq!(world.fails_and_recovers(peer).await, (1, 1));
}
