//! Objects: read, looked for, listed and written, with the fields that an account has for them and what it tells us by itself.

use std::hint::black_box;

use connectors::account::Account;
use connectors::connector::{Changes, Create, Done, Found, Reader, Tie, Update, Wanted, Writer, Wrote};
use connectors::subscriptions::{self, FieldsRead, Subscriptions, Target};
use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::link::RemoteObject;
use url::Url;

use super::{Asked, heard};
use crate::account;

/// The objects that are asked for.
pub(super) const IDS: [&str; 2] = ["7", "8"];
/// The records that they are of.
pub(super) const KEYS: [&str; 2] = ["rec_01jd0000000000000000000000", "rec_01jd0000000000000000000001"];
/// The people who are meant.
const ADDRESSES: [&str; 2] = ["zoe@exemple.fr", "paul@exemple.fr"];
const NUMBERS: [&str; 2] = ["06 12 34 56 78", "06 12 34 56 79"];

/// So many pages of a listing are followed.
const PAGES: usize = 4;

pub(super) async fn ask(asked: &Asked) {
    let fields = asked.connector.default_mapping(asked.kind).remote_names();
    if let Some(reader) = asked.connector.reader() {
        read(reader, asked, &fields).await;
    }
    if let Some(changes) = asked.connector.changes() {
        list(changes, asked, &fields).await;
        list_deleted(changes, asked).await;
    }
    if let Some(writer) = asked.connector.writer() {
        write(writer, asked, &fields).await;
        tie(writer, asked).await;
    }
    if let Some(discovery) = asked.connector.discovery() {
        let found = heard(discovery.fields(&asked.account(), asked.kind).await).unwrap_or_default();
        assert!(found.iter().all(|field| !field.name.is_empty()), "a field without a name");
    }
    if let Some(subscriptions) = asked.connector.subscriptions() {
        subscribe(subscriptions, asked).await;
    }
    if let Some(subscriptions) = asked.connector.app_subscriptions() {
        black_box(heard(subscriptions.set(&asked.account(), &ours(), Some(&FieldsRead::new())).await));
    }
    let probe = asked.connector.probe();
    let identified = heard(probe.test(&asked.account()).await);
    assert!(identified.is_none_or(|identified| !identified.account_id.is_empty()), "an account without an id");
    black_box(heard(probe.prepare(&asked.account()).await));
}

async fn read(reader: &dyn Reader, asked: &Asked, fields: &[String]) {
    let ids = IDS.map(str::to_owned);
    let read = one_each(reader.read(&asked.account(), asked.kind, &ids, fields).await);
    asked_for(&read, fields);
    let wanted: Vec<Wanted> = KEYS.iter().enumerate().map(|(at, key)| wanted(at, key, fields)).collect();
    black_box(one_each(reader.find(&asked.account(), asked.kind, &wanted, fields).await));
}

/// Whoever follows a listing comes to an end of it or to an error, and can go on from wherever it leads.
async fn list(changes: &dyn Changes, asked: &Asked, fields: &[String]) {
    let (account, mut cursor) = (asked.account(), None);
    for _ in 0..PAGES {
        let Some(page) = heard(changes.list(&account, asked.kind, cursor.clone(), fields).await) else { return };
        asked_for(&page.objects, fields);
        if page.more && page.next.leads_on(cursor.as_ref()).is_err() {
            return;
        }
        cursor = Some(page.next);
    }
}

async fn list_deleted(changes: &dyn Changes, asked: &Asked) {
    let (account, mut cursor) = (asked.account(), None);
    for _ in 0..PAGES {
        let page = heard(changes.list_deleted(&account, asked.kind, cursor.clone()).await);
        let Some(next) = page.and_then(|page| page.next) else { return };
        if next.leads_on(cursor.as_ref()).is_err() {
            return;
        }
        cursor = Some(next);
    }
}

async fn write(writer: &dyn Writer, asked: &Asked, fields: &[String]) {
    let create = |(at, key): (usize, &&str)| Create {
        key: key_of(key),
        fields: values(at, fields),
        contact: Some("9".to_owned()),
    };
    let creates: Vec<Create> = KEYS.iter().enumerate().map(create).collect();
    written(writer.create(&asked.account(), asked.kind, &creates).await, fields);
    written(writer.create_unguarded(&asked.account(), asked.kind, &creates).await, fields);
    let update = |(at, id): (usize, &&str)| Update { external_id: (*id).to_owned(), fields: values(at, fields) };
    let updates: Vec<Update> = IDS.iter().enumerate().map(update).collect();
    written(writer.update(&asked.account(), asked.kind, &updates).await, fields);
    done(writer.delete(&asked.account(), asked.kind, &IDS.map(str::to_owned)).await);
}

async fn tie(writer: &dyn Writer, asked: &Asked) {
    let ties = IDS.map(|id| Tie { external_id: id.to_owned(), contact: "9".to_owned() });
    done(writer.associate(&asked.account(), asked.kind, &ties).await);
    done(writer.dissociate(&asked.account(), asked.kind, &ties).await);
}

async fn subscribe(subscriptions: &dyn Subscriptions, asked: &Asked) {
    let target = Target { url: ours(), secret: Some("s3cret".into()) };
    let account = asked.account();
    if let Some(found) = heard(subscriptions::look(subscriptions, &account, &target).await) {
        black_box(heard(subscriptions::mend(subscriptions, &account, &target, found).await));
    }
    black_box(heard(subscriptions::remove(subscriptions, &account, &target).await));
}

/// What was found, of which there is one for each that was asked for.
fn one_each(found: Found) -> Vec<RemoteObject> {
    let Some(found) = heard(found) else { return Vec::new() };
    assert_eq!(found.len(), IDS.len(), "{found:?}");
    let found: Vec<RemoteObject> = found.into_iter().flatten().collect();
    assert!(found.iter().all(|object| !object.external_id.is_empty()), "{found:?}");
    found
}

/// Nothing is shown that nobody asked for.
fn asked_for(objects: &[RemoteObject], fields: &[String]) {
    for object in objects {
        assert!(!object.external_id.is_empty(), "{object:?}");
        assert!(object.fields.keys().all(|name| fields.contains(name)), "{object:?}");
    }
}

fn written(wrote: Wrote, fields: &[String]) {
    let Some(each) = heard(wrote) else { return };
    assert_eq!(each.len(), IDS.len(), "{each:?}");
    for written in each.into_iter().filter_map(heard) {
        assert!(!written.external_id.is_empty(), "{written:?}");
        assert!(written.shown.keys().all(|name| fields.contains(name)), "{written:?}");
    }
}

fn done(done: Done) {
    let Some(each) = heard(done) else { return };
    assert_eq!(each.len(), IDS.len(), "{each:?}");
    for one in each {
        heard(one);
    }
}

fn wanted(at: usize, key: &str, fields: &[String]) -> Wanted {
    let identifies = |name: &String| ["email", "phone", "sku"].iter().any(|word| name.to_lowercase().contains(word));
    let identifiers = values(at, fields).into_iter().filter(|(name, _)| identifies(name)).collect();
    let key = key_of(key);
    // Of every other one, nobody knows what came of its create.
    let tried = key.made_at().filter(|_| at % 2 == 1).map(|begun| begun..=begun);
    Wanted { key, identifiers, tried }
}

/// A value for each field.
pub(super) fn values(at: usize, fields: &[String]) -> RemoteFields {
    let value = |name: &String| {
        let low = name.to_lowercase();
        let word = if low.contains("email") {
            ADDRESSES.get(at)
        } else if low.contains("phone") {
            NUMBERS.get(at)
        } else {
            IDS.get(at)
        };
        (name.clone(), FieldValue::text(word.copied().unwrap_or_default()))
    };
    fields.iter().map(value).collect()
}

/// Where we are to be called.
fn ours() -> Url {
    "https://hooks.example.com/webhooks/integrations/it".parse().expect("an address is one")
}

pub(super) fn key_of(text: &str) -> RecordId {
    text.parse().expect("a record's id is one")
}

impl Asked {
    /// An account of which nothing is known, and whose calls are answered from the beginning.
    pub(super) fn account(&self) -> Account {
        account::open(self.connector, self.http())
    }
}
