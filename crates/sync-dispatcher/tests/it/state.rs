//! What a test looks at in the database, through the functions that the product has for it.

use std::collections::BTreeSet;

use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::id::{IntegrationId, RecordId, SyncLogId, TenantId};
use domain::identity::Identity;
use domain::integration::Status;
use domain::kind::RecordKind;
use domain::record::Record;
use domain::redaction::Redaction;
use persistence::log_page::LogPage;
use persistence::records::conflicts::{self, Filter, Kept, Sort};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::links::{self, FailureGroup, LinkView};
use persistence::records::{guard, listing, store};
use persistence::{Transaction, health, integrations, mappings, settings};
use testkit::wait;

use crate::world::{DEADLINE, World};

impl World {
    /// How many links are owed.
    pub(crate) async fn drift(&self) -> i64 {
        self.drift_of(self.integration).await
    }

    /// How many links of this integration are owed something.
    pub(crate) async fn drift_of(&self, integration: IntegrationId) -> i64 {
        links::drift(&mut self.begin().await, self.tenant, integration).await.unwrap()
    }

    /// How many records the backend is owed news of.
    pub(crate) async fn owed_to_backend(&self) -> i64 {
        let mut tx = self.begin().await;
        let backend = integrations::backend(&mut tx, self.tenant).await.unwrap();
        links::drift(&mut tx, self.tenant, backend).await.unwrap()
    }

    /// How many of these subjects have a record.
    pub(crate) async fn known(&self, kind: RecordKind, subjects: &[String]) -> usize {
        let key = |subject: &String| IdentityKey { kind, identity: Identity::coccinelle(subject) };
        let keys: BTreeSet<IdentityKey> = subjects.iter().map(key).collect();
        identities::find(&mut self.begin().await, self.tenant, &keys).await.unwrap().len()
    }

    /// The contacts' records.
    pub(crate) async fn records(&self) -> Vec<Record> {
        self.records_of(RecordKind::Contact).await
    }

    /// The records of a kind.
    pub(crate) async fn records_of(&self, kind: RecordKind) -> Vec<Record> {
        let wanted = listing::Wanted { kind, found_by: None, after: None, limit: 100_000 };
        let listed = listing::list(&mut self.begin().await, self.tenant, &wanted).await.unwrap();
        listed.into_iter().map(|listed| listed.record).collect()
    }

    /// The record of a subject.
    pub(crate) async fn record(&self, subject: &str) -> Record {
        let key = IdentityKey { kind: RecordKind::Contact, identity: Identity::coccinelle(subject) };
        let mut tx = self.begin().await;
        let found = identities::find(&mut tx, self.tenant, &[key.clone()].into()).await.unwrap();
        store::get(&mut tx, self.tenant, found[&key]).await.unwrap().unwrap()
    }

    /// A value of a subject's record; empty where there is none.
    pub(crate) async fn value(&self, subject: &str, field: &str) -> String {
        text(&self.record(subject).await, field)
    }

    /// How far the CRM is in step with a subject's record.
    pub(crate) async fn link(&self, subject: &str) -> LinkView {
        let record = self.record(subject).await.id;
        let links = links::of_record(&mut self.begin().await, self.tenant, record).await.unwrap();
        links.into_iter().find(|link| link.integration == self.integration).unwrap()
    }

    /// What there is, or was, to decide about a record, the newest first.
    pub(crate) async fn conflicts(&self, record: RecordId) -> Vec<Kept> {
        self.kept(record, Sort::Conflicts).await
    }

    /// The values that a record lost, the newest first.
    pub(crate) async fn lost(&self, record: RecordId) -> Vec<Kept> {
        self.kept(record, Sort::History).await
    }

    async fn kept(&self, record: RecordId, sort: Sort) -> Vec<Kept> {
        let filter = Filter { sort, kind: None, is_open: None, record: Some(record) };
        let page = LogPage { after: None, limit: 1_000 };
        conflicts::list(&mut self.begin().await, self.tenant, filter, &page).await.unwrap()
    }

    /// The failures that block links.
    pub(crate) async fn failures(&self) -> Vec<FailureGroup> {
        links::failures(&mut self.begin().await, self.tenant, self.integration).await.unwrap()
    }

    /// Replays all of them, as an admin does.
    pub(crate) async fn replay(&self) {
        let mut tx = self.begin().await;
        let pushes =
            links::replay(&mut tx, (self.tenant, self.integration), &links::Selection::default()).await.unwrap();
        tx.commit().await.unwrap();
        for push in pushes {
            self.broker.publish(&push, &messaging::Context::new()).await.unwrap();
        }
    }

    /// The outcomes that the log has not been told of.
    pub(crate) async fn unpublished(&self) -> Vec<SyncLogId> {
        let found = links::leftovers(&mut self.begin().await, std::time::Duration::ZERO, 10_000).await.unwrap();
        found.into_iter().map(|(_, outcome)| outcome.id).collect()
    }

    /// How the integration is.
    pub(crate) async fn status(&self) -> Status {
        health::get(&mut self.begin().await, self.tenant, self.integration).await.unwrap().unwrap().status
    }

    /// Says how it is, as the gateway does when it is connected again.
    pub(crate) async fn set_status(&self, status: Status) {
        let mut tx = self.begin().await;
        health::set_status(&mut tx, self.tenant, self.integration, status, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// From now on the tenant wants this taken out of what is noted.
    pub(crate) async fn redact(&self, redaction: Redaction) {
        let mut tx = self.begin().await;
        let wishes = settings::Settings { redaction, ..settings::Settings::default() };
        assert!(settings::replace(&mut tx, self.tenant, &wishes).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Switches the integration on or off.
    pub(crate) async fn switch(&self, enabled: bool) {
        let mut tx = self.begin().await;
        integrations::set_enabled(&mut tx, self.tenant, self.integration, enabled).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Keeps everybody else from the tenant's records until what this returns has ended: nothing more is merged, applied, or begun to be
    /// written.
    pub(crate) async fn hold_records(&self) -> Transaction {
        let mut tx = self.begin().await;
        guard::exclude(&mut tx, self.tenant).await.unwrap();
        tx
    }

    /// Has whoever does this to a row of a table wait, with what is locked already, until what this returns has ended.
    pub(crate) async fn put_off(&self, what: &str, condition: &str) -> Transaction {
        let (mut tx, lock) = (self.begin().await, TenantId::new());
        guard::exclude(&mut tx, lock).await.unwrap();
        let function = format!(
            "CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF {condition} THEN
                     PERFORM pg_advisory_xact_lock_shared(hashtextextended('coccinelle records {lock}', 0));
                 END IF;
                 RETURN COALESCE(NEW, OLD); END $$"
        );
        self.server.execute(&function).await;
        let trigger = format!("CREATE TRIGGER put_off BEFORE {what} FOR EACH ROW EXECUTE FUNCTION put_off()");
        self.server.execute(&trigger).await;
        tx
    }

    /// How many wait for an advisory lock: that of [`Self::hold_records`], or one that puts them off.
    pub(crate) async fn held_up(&self) -> i64 {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        self.server.count(waiting).await
    }

    /// Waits until somebody waits for it.
    pub(crate) async fn is_held_up(&self) {
        wait::until("somebody to be held up", DEADLINE, || async { (self.held_up().await > 0).then_some(()) }).await;
    }

    /// Has whoever notes that a create is under way wait, with its record locked.
    pub(crate) async fn put_off_creates(&self) -> Transaction {
        self.put_off("UPDATE ON record_links", "OLD.intent_at IS NULL AND NEW.intent_at IS NOT NULL").await
    }

    /// Locks a record once a create of its object is noted, as whoever settles one of its links does. It stands in line for the lock
    /// before the create begins, so that what comes of that is settled later, however fast the platform is.
    pub(crate) async fn hold_while_made(&self, put_off: Transaction, record: RecordId) -> Transaction {
        self.is_held_up().await;
        let (mut tx, ids) = (self.begin().await, [record].into());
        let let_go = async {
            self.record_is_waited_for().await;
            put_off.commit().await.unwrap();
        };
        let (held, ()) = tokio::join!(store::hold(&mut tx, self.tenant, &ids), let_go);
        held.unwrap();
        tx
    }

    /// Waits until somebody waits for a record that another one has locked.
    pub(crate) async fn record_is_waited_for(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE '%FROM records %FOR UPDATE%'";
        wait::until("somebody to wait for a record", DEADLINE, || async {
            (self.server.count(waiting).await == 1).then_some(())
        })
        .await;
    }

    /// Maps one more field of contacts, in place of what was mapped to or from the same.
    pub(crate) async fn map(&self, field: domain::mapping::FieldMapping) {
        self.map_of(RecordKind::Contact, field).await;
    }

    /// Maps one more field of a kind.
    pub(crate) async fn map_of(&self, kind: RecordKind, field: domain::mapping::FieldMapping) {
        let mut tx = self.begin().await;
        let present = mappings::get(&mut tx, self.tenant, self.integration, kind).await.unwrap().unwrap();
        let mut fields = present.fields;
        fields.retain(|old| old.local != field.local && old.remote != field.remote);
        fields.push(field);
        mappings::replace(&mut tx, (self.tenant, self.integration), kind, &fields).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The classes of the failures that the log was told of.
    pub(crate) fn failed(&self) -> Vec<FaultKind> {
        self.outcomes().into_iter().filter_map(|outcome| Some(outcome.error?.class)).collect()
    }
}

/// A value of a record as text; empty where there is none.
pub(crate) fn text(record: &Record, field: &str) -> String {
    record.fields.value(field).and_then(FieldValue::as_text).unwrap_or_default().to_owned()
}
